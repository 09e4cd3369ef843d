"""An installation to break: its processes by name, its runs' processes, its Prefect."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from cli.api_client import FINISHED, ApiClient, ApiProblem
from cli.installation import Installation
from cli.road import copy_project
from cli.sample import add_person, connect

_numbers = count(1)

FLOW = """\
version: '1.0'
name: NAME
trigger: manual
nodes:
  trigger-1: {type: trigger, label: Start}
  before-1: {type: action, label: Before, action: run_sql, connectionId: "{{ connectionId }}", sql: "CREATE TABLE before_it (id INTEGER)"}
  discover-1: {type: action, label: Discover, action: discover_migrations, connectionId: "{{ connectionId }}"}
  dryrun-1: {type: action, label: Dry run, action: dry_run, connectionId: "{{ connectionId }}", migrations: "{{ discover-1.output.migrations }}"}
  approval-1: {type: approval, label: Approval, approvers: ["APPROVER"], timeout: TIMEOUTMORE}
  execute-1: {type: action, label: Execute, action: execute_migrations, connectionId: "{{ connectionId }}", migrations: "{{ discover-1.output.migrations }}"}
  after-1: {type: action, label: After, action: run_sql, connectionId: "{{ connectionId }}", sql: "CREATE TABLE after_it (id INTEGER)"}
edges:
  - {source: trigger-1, target: before-1}
  - {source: before-1, target: discover-1}
  - {source: discover-1, target: dryrun-1}
  - {source: dryrun-1, target: approval-1}
  - {source: approval-1, target: execute-1, label: Approved}
  - {source: execute-1, target: after-1}
"""
"""``before-1`` and ``after-1`` fail when they are run twice: their tables are there already."""


@dataclass
class Broken:
    """``owner`` decides, ``robin`` starts runs."""

    installation: Installation
    folder: Path
    owner: ApiClient
    robin: ApiClient
    mode: str = "pause"
    """How the runs that are started here wait."""

    def start(
        self, definition: str, *, by: ApiClient | None = None, **names: str
    ) -> tuple[str, Path]:
        """A run of a workflow of its own on a database of its own: its id, and the database."""
        number = next(_numbers)
        url = self.folder / f"shop-{number}.db"
        migrations = copy_project(self.folder / f"migrations-{number}")
        connection = connect(self.owner, f"Shop {number}", f"sqlite:///{url}", migrations)
        workflow_id = self.publish(definition, f"Flow {number}", **names)
        return self.start_again(workflow_id, connection["id"], by), url

    def publish(self, definition: str, name: str, **names: str) -> str:
        given = {
            "TIMEOUT": "3600",
            "APPROVER": "role:owner",
            "MORE": f", mode: {self.mode}",
            "NAME": name,
            **names,
        }
        for word, filled in given.items():
            definition = definition.replace(word, filled)
        workflow = self.owner.post(
            "/api/workflows",
            {"name": name, "definition": {"content": definition, "format": "yaml"}},
        )

        def published() -> bool:
            try:
                self.owner.post(f"/api/workflows/{workflow['id']}/publish", {})
            except ApiProblem as problem:
                if problem.status != 503:  # Prefect on SQLite is busy now and then
                    raise
                return False
            return True

        self.wait("the publication", published, seconds=300)
        return str(workflow["id"])

    def start_again(self, workflow_id: str, connection_id: str, by: ApiClient | None = None) -> str:
        started = (by or self.robin).post(
            f"/api/workflows/{workflow_id}/execute", {"context": {"connectionId": connection_id}}
        )
        return str(started["id"])

    def approve(self, approval_id: str, **body: Any) -> None:
        self.owner.post(f"/api/approvals/{approval_id}/approve", body)

    def wait(self, what: str, ready: Callable[[], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while True:
            try:
                if found := ready():
                    return found
            except httpx.TransportError:
                pass  # it is being restarted
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not happen in {seconds:.0f} s")
            time.sleep(0.2)

    def finished(self, execution_id: str, seconds: float = 120) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            run: dict[str, Any] = self.owner.get(f"/api/executions/{execution_id}")
            return run if run["status"] in FINISHED else None

        found: dict[str, Any] = self.wait(f"the end of {execution_id}", over, seconds)
        return found

    def is_paused(self, execution_id: str) -> bool:
        """In Prefect: the process has registered its request and sleeps."""
        state = self.prefect("GET", f"flow_runs/{self.run_id(execution_id)}")["state"]
        return bool(state and state["type"] == "PAUSED")

    def run_id(self, execution_id: str) -> str:
        return str(self.owner.get(f"/api/executions/{execution_id}")["prefectFlowRunId"])

    def prefect(self, method: str, path: str, body: Any = None) -> Any:
        """What anybody can do who reaches Prefect's API."""
        environment = self.installation.environment
        user, _, password = environment["PREFECT_API_AUTH_STRING"].partition(":")
        for _ in range(20):
            answer = httpx.request(
                method,
                f"{environment['PREFECT_API_URL']}/{path}",
                json=body,
                auth=(user, password),
                timeout=30,
            )
            if answer.status_code != 503:  # on SQLite it is busy now and then
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """On the server's own tables; ``:a``, ``:b`` … stand for the values."""
        with self.engine.begin() as database:
            given = dict(zip("abcdefgh", values, strict=False))
            answer = database.execute(text(statement), given)
            return list(answer.fetchall()) if answer.returns_rows else []

    @cached_property
    def engine(self) -> Engine:
        url = make_url(self.installation.settings.database_url)
        return create_engine(
            url.set(drivername="sqlite" if "sqlite" in url.drivername else "postgresql+psycopg"),
            connect_args={"timeout": 30} if "sqlite" in url.drivername else {},
            poolclass=NullPool,
        )

    def process_of(self, execution_id: str) -> int:
        """The flow process's id, as its heartbeat says."""
        ((process,),) = self.sql(
            "SELECT process FROM workflow_executions WHERE id = :a", execution_id
        )
        return int(str(process).rpartition(":")[2])

    def kill(self, execution_id: str) -> int:
        """kill -9 the flow process; a suspended run has none. Its id."""
        pid = self.process_of(execution_id)
        if self.mode == "suspend":
            self.wait("the process's end", lambda: not Path(f"/proc/{pid}").exists())
        else:
            os.kill(pid, signal.SIGKILL)
        return pid

    def resume_in_prefect(self, execution_id: str) -> None:
        answer = self.prefect("POST", f"flow_runs/{self.run_id(execution_id)}/resume", {})
        assert answer["status"] == "ACCEPT", answer

    def process_alive(self, execution_id: str) -> int | None:
        """The id of the process that has spoken last; None while the run is started again."""
        ((process,),) = self.sql(
            "SELECT process FROM workflow_executions WHERE id = :a", execution_id
        )
        number = str(process).rpartition(":")[2]
        return int(number) if number.isdecimal() else None

    def open_nodes(self, execution_id: str) -> list[str]:
        items = self.owner.get("/api/approvals", status="pending", executionId=execution_id)
        return [item["nodeId"] for item in items["items"]]

    def waits(
        self, execution_id: str, nodes: int = 1, *, seconds: float = 90
    ) -> list[dict[str, Any]]:
        """The open approvals of the run, once it sleeps."""

        def there() -> list[dict[str, Any]] | None:
            items = self.owner.get("/api/approvals", status="pending", executionId=execution_id)
            run = self.owner.get(f"/api/executions/{execution_id}")
            assert run["status"] not in FINISHED, run
            open_ = list(items["items"])
            return open_ if len(open_) == nodes and self.is_paused(execution_id) else None

        found: list[dict[str, Any]] = self.wait(f"the approval of {execution_id}", there, seconds)
        return found

    def child(self, *words: str) -> int:
        """The process id of one of the installation's children, by the end of its command line."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode().split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == os.getpid() and all(word in command for word in words):
                return int(entry.name)
        raise LookupError(f"no child runs {' '.join(words)}")

    def kill_child(self, *words: str, group: bool = False) -> None:
        """kill -9; the supervisor starts it again."""
        pid = self.child(*words)
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)

    def healthy(self) -> bool:
        url = self.installation.settings.public_url
        prefect = self.installation.environment["PREFECT_API_URL"]
        return all(
            httpx.get(f"{base}/health", timeout=5).status_code == 200
            for base in (f"{url}/api", prefect)
        )


def begin(installation: Installation, folder: Path) -> Broken:
    owner = ApiClient(installation.settings.public_url, installation.admin_token)
    robin = add_person(owner, installation, "Robin", "robin@example.test", "developer")
    return Broken(installation, folder, owner, robin)


def statuses(run: dict[str, Any]) -> dict[str, str]:
    return {node["nodeId"]: node["status"] for node in run["nodeExecutions"]}


def node(run: dict[str, Any], node_id: str) -> dict[str, Any]:
    (found,) = [node for node in run["nodeExecutions"] if node["nodeId"] == node_id]
    return dict(found)


def tables(database: Path) -> set[str]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in rows}
