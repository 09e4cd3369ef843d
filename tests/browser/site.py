"""The real server on a port of its own, with an orchestrator in memory in Prefect's place.

::

    with Site(tmp_path) as site:
        page.goto(site.login_link())
        workflow = site.workflow(SAFE)

The test plays the worker: ``site.worker(execution_id)`` begins and settles nodes.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx
import uvicorn

from runtime_tasks.run_token import run_token
from server.app import create_app
from server.auth.first_start import ensure_first_admin
from server.models import WorkflowExecution, utc_now
from server.orchestrator.fake import FakeOrchestrator
from server.orchestrator.service import orchestration
from server.settings import Settings

ADMIN_TOKEN = "dr_api_admin-token-of-the-browser-tests"
Result = TypeVar("Result")


class Site:
    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = Settings.from_environment(
            {
                "DATAROLL_HOME": str(home),
                "DATAROLL_PORT": str(self.port),
                "DATAROLL_ADMIN_TOKEN": ADMIN_TOKEN,
            }
        )
        self.orchestrator = FakeOrchestrator()
        self.api = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}, timeout=60
        )

    def __enter__(self) -> Site:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.api.close()
        self.stop()

    def start(self) -> None:
        """Also after ``stop``: the same data on the same port."""
        self.app = create_app(
            self.settings, self.orchestrator, services=[orchestration(self.orchestrator)]
        )
        config = uvicorn.Config(
            self.app, host="127.0.0.1", port=self.port, log_level="critical", lifespan="on"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="site")
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the server did not start")
            threading.Event().wait(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        # Sockets that stay open, the live one above all, would hold it for ever.
        self._server.force_exit = True
        self._thread.join(timeout=60)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve())

    def on_loop(self, action: Callable[[], Result]) -> Result:
        """Do something where the server's own code runs: the orchestrator is not for threads."""

        async def act() -> Result:
            return action()

        return self.wait_for(act())

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the coroutine comes to, on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def login_link(self) -> str:
        return self.wait_for(ensure_first_admin(self.app.state.database, self.settings)).url

    # Things to look at.

    def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        answer = self.api.post(path, json=body or {}, **options)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self.api.get(path)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def workflow(self, content: str, *, syntax: str = "yaml", publish: bool = False) -> Any:
        made = self.post("/api/workflows", {"definition": {"content": content, "format": syntax}})
        if publish:
            made = self.post(f"/api/workflows/{made['id']}/publish", {"acknowledge": True})
        return made

    def text(self, workflow_id: str) -> str:
        content: str = self.get(f"/api/workflows/{workflow_id}")["definition"]["content"]
        return content

    def connection(self, name: str, environment: str = "development") -> Any:
        return self.post(
            "/api/connections",
            {
                "name": name,
                "environment": environment,
                "url": f"sqlite:////tmp/{name.lower().replace(' ', '-')}.db",
                "migrations": {"path": "/tmp/migrations"},
            },
        )

    def person(self, name: str, role: str) -> Any:
        """Somebody else in the team; ``token`` acts as them."""
        team = self.get("/api/teams")["items"][0]["id"]
        email = f"{name.lower()}@example.test"
        return self.post(
            "/api/users",
            {"name": name, "email": email, "teamId": team, "role": role, "createToken": True},
        )

    def run(self, workflow_id: str, **body: Any) -> Worker:
        headers = {"Authorization": f"Bearer {body.pop('token')}"} if "token" in body else {}
        started = self.post(f"/api/workflows/{workflow_id}/execute", body, headers=headers)
        return self.worker(started["id"])

    def finished(self, execution_id: str) -> Any:
        """The execution once the mirror has all of it: the worker is a little ahead."""
        for _ in range(1000):
            run = self.get(f"/api/executions/{execution_id}")
            if run["status"] in ("success", "failed", "cancelled"):
                return run
            threading.Event().wait(0.05)
        raise TimeoutError(f"the execution {execution_id} did not finish")

    def worker(self, execution_id: str) -> Worker:
        return Worker(self, execution_id)


class Worker:
    """What a flow process would do, one step at a time."""

    def __init__(self, site: Site, execution_id: str) -> None:
        self.site = site
        self.execution_id = execution_id
        self.run_id = f"run-{execution_id}"
        self._wait_until_dispatched()
        self._adopt()
        self._act(lambda: site.orchestrator.begin(self.run_id))

    def settle(self, node_id: str, status: str = "success", **fields: Any) -> Worker:
        self._act(lambda: self.site.orchestrator.settle(self.run_id, node_id, status, **fields))
        return self

    def log(self, message: str, node_id: str | None = None) -> Worker:
        self._act(lambda: self.site.orchestrator.log(self.run_id, message, node_id=node_id))
        return self

    def finish(self, status: str = "success", **fields: Any) -> Worker:
        self._act(lambda: self.site.orchestrator.finish(self.run_id, status, **fields))
        return self

    def ask(self, node_id: str, approvers: list[str], name: str = "", **fields: Any) -> Any:
        """Ask for an approval as the approval step does, and wait."""
        answer = self.site.post(
            f"/api/worker/executions/{self.execution_id}/approvals",
            {"nodeId": node_id, "approvers": approvers, "timeout": 3600, **fields},
            headers=self._headers(),
        )
        self.settle(node_id, "waiting", node_type="approval", node_name=name or None)
        return answer

    def _act(self, action: Callable[[], None]) -> None:
        self.site.on_loop(action)

    def _headers(self) -> dict[str, str]:
        token = run_token(self.site.app.state.worker_token, self.run_id)
        return {"Authorization": f"Bearer {token}"}

    def _adopt(self) -> None:
        """Ask which execution this is, and ask again while the server writes that down."""
        process = {"flowRunId": self.run_id, "process": f"process of {self.run_id}"}
        for _ in range(500):
            answer = self.site.api.post("/api/worker/adopt", json=process, headers=self._headers())
            if answer.status_code != 503:
                assert answer.is_success, answer.text
                self.site.wait_for(self._stay_alive())
                return
            threading.Event().wait(0.05)
        raise TimeoutError(f"the execution {self.execution_id} was not written down as started")

    async def _stay_alive(self) -> None:
        """Nobody takes this worker for dead, however long the test looks at a page."""
        async with self.site.app.state.database.writing() as session:
            execution = await session.get_one(WorkflowExecution, self.execution_id)
            execution.heartbeat_at = utc_now() + timedelta(hours=1)

    def _wait_until_dispatched(self) -> None:
        for _ in range(500):
            if self.run_id in self.site.orchestrator.runs:
                return
            threading.Event().wait(0.02)
        raise TimeoutError(f"the execution {self.execution_id} was not dispatched")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
