"""A whole installation whose parts a test kills, and Prefect's own word on every run.

``patient`` calls are repeated while the server is dead: what a person or a CI job would do.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx

from cli.api_client import ApiClient, ApiProblem
from cli.installation import Installation
from cli.sample import add_person

T = TypeVar("T")

FINISHED = ("success", "failed", "cancelled")
STATES = {
    "COMPLETED": "success",
    "FAILED": "failed",
    "CRASHED": "failed",
    "CANCELLED": "cancelled",
    "RUNNING": "running",
    "PAUSED": "waiting",
    "PENDING": "pending",
    "SCHEDULED": "pending",
}


@dataclass
class Installed:
    installation: Installation

    def __post_init__(self) -> None:
        self.api = ApiClient(self.installation.settings.public_url, self.installation.admin_token)
        token = base64.b64encode(self.installation.prefect_auth.encode()).decode()
        self.prefect = httpx.Client(
            base_url=self.installation.environment["PREFECT_API_URL"] + "/",
            headers={"Authorization": f"Basic {token}"},
            timeout=30,
        )

    @cached_property
    def robin(self) -> ApiClient:
        return add_person(
            self.api, self.installation, "Robin", "robin@example.invalid", "developer"
        )

    # Processes.

    def pid(self, *words: str) -> int | None:
        """The child of this process whose command holds these words."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().decode().split("\0")
                environment = (entry / "environ").read_bytes()
            except (OSError, ValueError):
                continue
            ours = f"DATAROLL_HOME={self.installation.home}\0".encode() in environment
            if parent == os.getpid() and ours and all(word in command for word in words):
                return int(entry.name)
        return None

    def kill(self, *words: str) -> bool:
        """kill -9; the supervisor starts it again."""
        pid = self.pid(*words)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def flow_process(self, execution_id: str, default: int | None = None) -> int:
        """The process that runs the flow, as it names itself in its heartbeat; ``default`` while
        a new one is being started."""
        end = time.monotonic() + 60
        query = "SELECT process FROM workflow_executions WHERE id = ?"
        while time.monotonic() < end:
            with closing(sqlite3.connect(self.installation.home / "dataroll.db")) as database:
                [process] = database.execute(query, (execution_id,)).fetchone()
            if process and process.endswith("@starting") and default is not None:
                return default
            if process and ":" in process:
                return int(process.rpartition(":")[2])
            time.sleep(0.2)
        raise TimeoutError("the run never sent a heartbeat")

    # dataroll.

    def patient(self, call: Callable[[], T], seconds: float = 90) -> T:
        end = time.monotonic() + seconds
        while True:
            try:
                return call()
            except (httpx.TransportError, ApiProblem) as problem:
                if isinstance(problem, ApiProblem) and problem.status < 500:
                    raise
                if time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def publish(self, content: str, name: str) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post(
            "/api/workflows",
            {"name": name, "definition": {"content": content, "format": "yaml"}},
        )
        published: dict[str, Any] = self.api.post(f"/api/workflows/{made['id']}/publish", {})
        return published

    def start(self, workflow_id: str, key: str | None = None, **body: Any) -> str:
        """Robin starts it, so that the owner may approve it."""
        headers = {"Idempotency-Key": key} if key else {}
        started = self.patient(
            lambda: self.robin.post(f"/api/workflows/{workflow_id}/execute", body, **headers)
        )
        return str(started["id"])

    def execution(self, execution_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.patient(
            lambda: self.api.get(f"/api/executions/{execution_id}")
        )
        return found

    def wait(
        self, execution_id: str, *statuses: str, seconds: float = 120, node: str | None = None
    ) -> dict[str, Any]:
        """The execution once it, or the node, has one of these statuses or is over."""
        end = time.monotonic() + seconds
        while True:
            run = self.execution(execution_id)
            status = run["status"]
            if node is not None and status not in FINISHED:
                status = next(
                    (n["status"] for n in run["nodeExecutions"] if n["nodeId"] == node), None
                )
            if status in (*statuses, *FINISHED):
                return run
            assert time.monotonic() < end, f"still {status}: {run}"
            time.sleep(0.2)

    # Prefect, asked over its REST API and not through our own code.

    def prefect_run(self, run_id: str) -> tuple[str, dict[str, str]]:
        """The run's status, and the status of every node in its journal."""
        run = self.prefect.get(f"flow_runs/{run_id}").raise_for_status().json()
        entries = self.prefect.post(
            f"flow_runs/{run_id}/input/filter", json={"prefix": "node-", "limit": 200}
        ).raise_for_status()
        nodes: dict[str, str] = {}
        for entry in entries.json():
            body = json.loads(entry["value"])
            if body["status"] != "running" or body["nodeId"] not in nodes:
                nodes[body["nodeId"]] = body["status"]
        return STATES[run["state"]["type"]], nodes

    def differences(self, executions: list[str]) -> dict[str, str]:
        """Where dataroll says something else than Prefect."""
        found = {}
        for execution_id in executions:
            ours = self.execution(execution_id)
            if ours["prefectFlowRunId"] is None:
                found[execution_id] = f"{ours['status']}, unknown to Prefect"
                continue
            status, nodes = self.prefect_run(ours["prefectFlowRunId"])
            mine = {n["nodeId"]: n["status"] for n in ours["nodeExecutions"]}
            if (ours["status"], mine) != (status, nodes):
                found[execution_id] = f"{ours['status']} {mine} instead of {status} {nodes}"
        return found
