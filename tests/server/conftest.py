"""A server on a database of its own, an orchestrator in memory, and people with roles."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from compiler.errors import DefinitionError, Problem
from runtime_tasks.run_token import run_token
from server.app import create_app
from server.database import Database
from server.executions.record import record_logs, record_run
from server.models import WorkflowExecution
from server.orchestrator.fake import FakeOrchestrator
from server.orchestrator.protocol import RunRequest
from server.settings import Settings
from server.workflows import compiling
from server.workflows.publisher import FakePublisher

ADMIN_TOKEN = "dr_api_admin-token-of-the-tests"


def settings(home: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "DATAROLL_HOME": str(home),
        "DATAROLL_ADMIN_TOKEN": ADMIN_TOKEN,
        "DATAROLL_PUBLIC_URL": "http://testserver",
        **changes,
    }
    return Settings.from_environment(values)


class OwnRun(httpx.Auth):
    """Sends the token of the flow run that a request speaks of; starts it if nobody has."""

    requires_request_body = True

    def __init__(self, world: World) -> None:
        self.world = world

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = run_token(self.world.app.state.worker_token, await self._run(request))
        request.headers["Authorization"] = f"Bearer {token}"
        yield request

    async def _run(self, request: httpx.Request) -> str:
        _, found, rest = request.url.path.partition("/api/worker/executions/")
        if request.url.path in ("/api/worker/adopt", "/api/worker/news"):
            return str(json.loads(request.content)["flowRunId"])
        if not found:
            return "unknown"
        async with self.world.database.reading() as session:
            execution = await session.get(WorkflowExecution, rest.partition("/")[0])
        if execution is None:
            return "unknown"
        return execution.prefect_flow_run_id or await self.world.dispatch(execution.id)


@dataclass
class World:
    """The server and what stands around it."""

    app: FastAPI
    orchestrator: FakeOrchestrator
    publisher: FakePublisher
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    def client(self, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://testserver",
            headers=headers,
            **options,
        )
        self.clients.append(client)
        return client

    @property
    def admin(self) -> httpx.AsyncClient:
        return self.client(ADMIN_TOKEN)

    @property
    def worker(self) -> httpx.AsyncClient:
        """The process of whichever run a request is about."""
        return self.client(auth=OwnRun(self))

    def process_of(self, flow_run_id: str) -> httpx.AsyncClient:
        """The process of this flow run, whatever it asks about."""
        return self.client(run_token(self.app.state.worker_token, flow_run_id))

    async def team_id(self) -> str:
        me = (await self.admin.get("/api/auth/me")).json()
        team: str = me["teams"][0]["id"]
        return team

    async def person(self, role: str, email: str | None = None) -> httpx.AsyncClient:
        """Somebody with this role in the first team."""
        body = {
            "email": email or f"{role}@example.test",
            "name": role.title(),
            "teamId": await self.team_id(),
            "role": role,
            "createToken": True,
        }
        made = await self.admin.post("/api/users", json=body)
        assert made.status_code == 201, made.text
        client = self.client(made.json()["token"])
        client.headers["X-Test-User"] = made.json()["id"]
        return client

    async def published(self, content: str, **fields: Any) -> dict[str, Any]:
        body = {"name": "A workflow", "definition": {"content": content}, **fields}
        made = await self.admin.post("/api/workflows", json=body)
        assert made.status_code == 201, made.text
        answer = await self.admin.post(f"/api/workflows/{made.json()['id']}/publish", json={})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def dispatch(self, execution_id: str) -> str:
        """Start a pending execution as the dispatcher does; the run's id."""
        async with self.database.writing() as session:
            execution = await session.get(WorkflowExecution, execution_id)
            assert execution is not None
            run_id = await self.orchestrator.start(
                RunRequest(execution.id, execution.deployment_id or "", "run", execution.parameters)
            )
            execution.prefect_flow_run_id = run_id
        return run_id

    async def mirror(self, run_id: str) -> bool:
        """Record the run's state and log as the mirror does."""
        state = await self.orchestrator.get(run_id)
        assert state is not None
        async with self.database.writing() as session:
            changed = await record_run(session, state)
            assert state.execution_id is not None
            await record_logs(session, state.execution_id, await self.orchestrator.logs(run_id))
        return changed


class Woken:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def wake(self, execution_id: str | None = None) -> None:
        self.log.append(self.name if execution_id is None else f"{self.name} {execution_id}")


@contextlib.asynccontextmanager
async def running(home: Path, **changes: Any) -> AsyncIterator[World]:
    orchestrator, publisher = FakeOrchestrator(), FakePublisher()
    app = create_app(settings(home, **changes), orchestrator, publisher=publisher)
    world = World(app, orchestrator, publisher)
    for name in ("dispatcher", "canceller", "resumer"):
        setattr(app.state, name, Woken(name, world.woken))
    async with app.router.lifespan_context(app):
        try:
            yield world
        finally:
            for client in world.clients:
                await client.aclose()


@pytest.fixture
async def world(tmp_path: Path, any_compiler: None) -> AsyncIterator[World]:
    async with running(tmp_path / "home") as world:
        yield world


@pytest.fixture
async def world_on_both(
    tmp_path: Path, any_compiler: None, database_url: str
) -> AsyncIterator[World]:
    """The test runs with dataroll's own database on SQLite, and again on PostgreSQL."""
    async with running(tmp_path / "home", DATAROLL_DATABASE_URL=database_url) as world:
        yield world


@dataclass(frozen=True)
class FakeFlow:
    source: str
    filename: str = "flow.py"
    digest: str = "sha256:fake"
    source_map: tuple[()] = ()


@pytest.fixture
def any_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that takes anything, but finds a problem where the text says BROKEN."""

    def compile_workflow(source: str, _format: str, *, version: int) -> FakeFlow:
        if "BROKEN" in source:
            raise DefinitionError(
                [Problem("unknown-name", "nothing is called BROKEN", line=3, column=7, node="a")]
            )
        return FakeFlow(f"# version {version}\n{source}")

    def check_workflow(source: str, format_: str, version: int) -> list[Problem]:
        try:
            compile_workflow(source, format_, version=version)
        except DefinitionError as error:
            return list(error.problems)
        return []

    monkeypatch.setattr(compiling, "compile_workflow", compile_workflow)
    monkeypatch.setattr(compiling, "check_workflow", check_workflow)
