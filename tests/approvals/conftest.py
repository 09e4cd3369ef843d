"""A database with a team of voters, and runs that wait for their approval."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from cli.demo import running
from cli.inbox import Inbox
from server.actors import Caller
from server.approvals.service import request_approval
from server.approvals.signing import Signer
from server.database import Database
from server.ids import new_id
from server.models import (
    Membership,
    Team,
    TeamVariable,
    User,
    Workflow,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
    utc_now,
)
from server.orchestrator.fake import FakeOrchestrator
from server.orchestrator.protocol import RunRequest
from server.secret_box import SecretBox
from tests.approvals.installed import Broken, begin

_numbers = count(1)


@dataclass
class Office:
    """A team on a database of its own. Rows are made directly: the votes are what is tested."""

    database: Database
    orchestrator: FakeOrchestrator = field(default_factory=FakeOrchestrator)
    team_id: str = field(default_factory=new_id)
    workflow_id: str = field(default_factory=new_id)
    people: dict[str, str] = field(default_factory=dict)
    """User id by e-mail address."""

    async def open(self) -> None:
        async with self.database.writing() as session:
            session.add(Team(id=self.team_id, name="Team", slug="team"))
            session.add(
                Workflow(
                    id=self.workflow_id,
                    team_id=self.team_id,
                    name="Ship",
                    slug="ship",
                    trigger="manual",
                    created_by="somebody",
                )
            )

    async def allow_self_approval(self, allowed: bool) -> None:
        async with self.database.writing() as session:
            team = await session.get_one(Team, self.team_id)
            team.allow_self_approval = allowed

    async def hire(self, email: str, role: str = "approver") -> Caller:
        async with self.database.writing() as session:
            user = User(id=new_id(), email=email, name=email.partition("@")[0])
            session.add(user)
            await session.flush()
            session.add(Membership(team_id=self.team_id, user_id=user.id, role=role))
        self.people[email] = user.id
        return Caller(
            user_id=user.id,
            email=email,
            name=user.name,
            is_admin=False,
            roles={self.team_id: role},
            credential="token",
            credential_id="token",
        )

    async def run(self, started_by: str = "schedule") -> str:
        """A run that is under way and alive; its id."""
        async with self.database.writing() as session:
            definition = WorkflowDefinition(
                id=new_id(),
                workflow_id=self.workflow_id,
                content="{}",
                version=next(_numbers),
                created_by="somebody",
            )
            session.add(definition)
            execution = WorkflowExecution(
                id=new_id(),
                workflow_id=self.workflow_id,
                team_id=self.team_id,
                definition_id=definition.id,
                version=definition.version,
                status="waiting",
                triggered_by=started_by,
                heartbeat_at=utc_now() + timedelta(hours=1),  # alive, however slow this machine
            )
            run_id = await self.orchestrator.start(RunRequest(execution.id, "d", "run", {}))
            execution.prefect_flow_run_id = run_id
            session.add(execution)
        self.orchestrator.settle(run_id, "approval-1", "waiting", node_type="approval")
        return execution.id

    async def declare_secret(self, execution_id: str, name: str, value: str) -> None:
        """The run's version declares the secret, and the team has it."""
        async with self.database.writing() as session:
            execution = await session.get_one(WorkflowExecution, execution_id)
            definition = await session.get_one(WorkflowDefinition, execution.definition_id)
            declared = [{"name": name, "type": "secret"}]
            definition.content, definition.format = json.dumps({"variables": declared}), "json"
            box: SecretBox = session.info["secret_box"]
            session.add(
                TeamVariable(
                    id=new_id(),
                    team_id=self.team_id,
                    name=name,
                    type="secret",
                    is_secret=True,
                    value=box.encrypt(value),
                    created_by="somebody",
                )
            )

    async def ask(self, execution_id: str, approvers: list[str], **more: Any) -> WorkflowApproval:
        given: dict[str, Any] = {
            "node_id": "approval-1",
            "required": "any",
            "timeout_seconds": 3600,
            "plan_hash": "sha256:plan",
            **more,
        }
        async with self.database.writing() as session:
            execution = await session.get_one(WorkflowExecution, execution_id, with_for_update=True)
            return await request_approval(session, execution, approvers=approvers, **given)

    async def approval(self, approval_id: str) -> WorkflowApproval:
        async with self.database.reading() as session:
            found = await session.scalar(
                select(WorkflowApproval).where(WorkflowApproval.id == approval_id)
            )
            assert found is not None
            return found


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """On SQLite and on PostgreSQL."""
    database = Database(
        database_url,
        secret_box=SecretBox([Fernet.generate_key().decode()]),
        signer=Signer.open(tmp_path / "home", {}),
    )
    await database.migrate()
    office = Office(database)
    await office.open()
    try:
        yield office
    finally:
        await database.close()


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]
)
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broken]:
    """One installation for all tests of a module; each test has runs and a target of its own."""
    folder = tmp_path_factory.mktemp("waiting")
    environment = {}
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        name = f"dataroll_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        environment["DATAROLL_DATABASE_URL"] = server.rpartition("/")[0] + f"/{name}"
    with Inbox() as inbox, running(folder, inbox, **environment) as installation:
        yield begin(installation, folder)


@pytest.fixture(params=["pause", pytest.param("suspend", marks=pytest.mark.long)])
def broken(request: pytest.FixtureRequest, installed: Broken) -> Broken:
    """Runs that keep their process while they wait; `make test-long` has suspended ones too."""
    return replace(installed, mode=request.param)


@pytest.fixture
def suspending(installed: Broken) -> Broken:
    return replace(installed, mode="suspend")
