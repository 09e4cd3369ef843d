"""One installation on which templates are run: people, databases, and the world outside.

Everything is what a user has: the workflow is made by ``from-template``, published, executed and
approved through the API, run by the worker on Prefect, and read back from the mirror.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from cli.api_client import FINISHED, ApiClient, ApiProblem
from cli.installation import Installation
from cli.road import snapshot, statement
from runtime_tasks import steps
from runtime_tasks.context import LocalContext, using
from server.templates.catalogue import ROOT
from tests.migrations.projects import SHOP, visiting, write
from tests.notifications.conftest import Receiver
from tests.notifications.test_email import Mailbox
from tests.templates.cases import Case

PATIENCE = 900.0
"""Seconds for one run, on a machine that does much else."""

_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """One connection of a case."""

    id: str
    name: str
    url: str
    folder: Path


@dataclass
class Stage:
    installation: Installation
    folder: Path
    receiver: Receiver
    mailbox: Mailbox
    new_database: Callable[[str], str]
    """The URL of a fresh database of a kind."""

    workflows: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _making: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        settings = self.installation.settings
        self.owner = ApiClient(settings.public_url, self.installation.admin_token)
        self.team = self.owner.get("/api/teams")["items"][0]["id"]
        self.robin, _ = self.hire("Robin", "developer")
        self.voters: dict[str, ApiClient] = {}
        for name, role in (("Ann", "approver"), ("Bob", "approver"), ("Adam", "admin")):
            client, user_id = self.hire(name, role)
            self.voters[user_id] = client
        self.voters[self.owner.get("/api/auth/me")["id"]] = self.owner

    def hire(self, name: str, role: str) -> tuple[ApiClient, str]:
        person = self.owner.post(
            "/api/users",
            {
                "name": name,
                "email": f"{name.lower()}@example.test",
                "teamId": self.team,
                "role": role,
                "createToken": True,
            },
        )
        return ApiClient(self.installation.settings.public_url, person["token"]), person["id"]

    # What a case begins with.

    def database(
        self, kind: str, files: dict[str, str] | None, team: str, case: Case, role: str
    ) -> Database:
        number = next(_numbers)
        folder = write(self.folder / f"migrations-{number}", files or SHOP)
        if files is None:
            url = {"sqlite": f"sqlite:///{self.folder}/nowhere/{number}.db"}.get(
                kind, f"{kind.replace('mariadb', 'mysql')}://nobody@127.0.0.1:9/nothing"
            )
        else:
            url = self.new_database(kind)
            if role == case.taken:
                statement(url, "CREATE TABLE next (number INTEGER PRIMARY KEY)")
            if not files or role == case.migrated:
                migrate(url, folder)
        made = self.owner.post(
            "/api/connections",
            {
                "teamId": team,
                "name": f"{role}-{number}",
                "environment": role,
                "url": url,
                "migrations": {"path": str(folder)},
                "tool": "auto",
            },
        )
        return Database(made["id"], made["name"], url, folder)

    def workflow(self, template: str, replace: tuple[str, str], team: str) -> str:
        """The published workflow's id; made once."""
        with self._making:
            wanted = (template, replace[1], team)
            if wanted not in self.workflows:
                self.workflows[wanted] = self._publish(template, replace, team)
            return self.workflows[wanted]

    def _publish(self, template: str, replace: tuple[str, str], team: str) -> str:
        secrets = {
            "slackWebhook": f"{self.receiver.url}/slack",
            "pagerdutyKey": "R0UTING",
            "mailServer": self.mailbox.url,
        }
        name = f"{template} {next(_numbers)}"
        if (ROOT / "questions" / f"{template}.yaml").exists():
            asked = self.owner.get(f"/api/workflow-templates/{template}")["questions"]
            answers = {q["id"]: secrets[q["id"]] for q in asked if q["id"] in secrets}
            body = {"name": name, "teamId": team, "answers": answers}
            made = self.owner.post(f"/api/workflows/from-template/{template}", body)
            text = made["definition"]["content"]
        else:
            text = (ROOT / "workflows" / f"{template}.yaml").read_text()
            body = {"name": name, "teamId": team, "definition": {"content": text, "format": "yaml"}}
            made = self.owner.post("/api/workflows", body)
            path = f"/api/workflows/{made['id']}/variables/slackWebhook"
            self.owner.put(path, {"value": secrets["slackWebhook"]})
        # A database that does not answer is asked again after minutes; not in a test.
        changed = re.sub(r"retryDelay: \d+", "retryDelay: 0", text)
        if replace[0]:
            assert replace[0] in changed
            changed = changed.replace(*replace)
        if changed != text:
            definition = {"content": changed, "format": "yaml"}
            self.owner.patch(f"/api/workflows/{made['id']}", {"definition": definition})
        self.wait_for(lambda: self._published(made["id"]))
        return str(made["id"])

    def _published(self, workflow_id: str) -> bool:
        try:
            self.owner.post(f"/api/workflows/{workflow_id}/publish", {})
        except httpx.ReadTimeout:
            return False  # Prefect on SQLite is busy now and then: asked again as a person would
        except ApiProblem as problem:
            if problem.status != 503:
                raise
            return False
        return True

    # The run.

    def play(self, template: str, case: Case, kind: str) -> Played:
        team = self.team
        if template == "weekly_audit":
            # It looks at every connection of its team.
            team = self.owner.post("/api/teams", {"name": f"Audit {next(_numbers)}"})["id"]
        databases = {
            role: self.database(kind, files, team, case, role) for role, files in case.files.items()
        }
        workflow_id = self.workflow(template, case.replace, team)
        detail = self.owner.get(f"/api/workflows/{workflow_id}")
        variables = {
            variable["name"]: databases[variable["defaultValue"]].id
            for variable in detail["variables"]
            if variable["type"] == "connection"
        } | case.variables
        if template == "staged_rollout":
            variables["waitHours"] = 0.0005
        context = {"connectionId": databases["production"].id} if "production" in databases else {}
        starter = self.robin if team == self.team else self.owner
        started = starter.post(
            f"/api/workflows/{workflow_id}/execute", {"variables": variables, "context": context}
        )
        run = self.follow(started["id"], case, databases)
        return Played(run, detail["definition"], databases)

    def follow(self, execution_id: str, case: Case, databases: dict[str, Database]) -> Any:
        """Decide what is asked, until the run is over."""
        end = time.monotonic() + PATIENCE
        decided: set[str] = set()
        while True:
            run = self.owner.get(f"/api/executions/{execution_id}")
            if run["status"] in FINISHED:
                return run
            assert time.monotonic() < end, (run["status"], statuses(run))
            asked = self.owner.get("/api/approvals", status="pending", executionId=execution_id)
            for approval in asked["items"]:
                if approval["id"] not in decided:
                    decided.add(approval["id"])
                    if case.taken:
                        url = databases[case.taken].url
                        if snapshot(url)["next"][1] == 0:
                            statement(url, "INSERT INTO next VALUES (1)")
                    self.decide(approval, case.decisions[approval["nodeId"]])
            time.sleep(1.5)  # asking costs the runs their processor

    def wait_for(self, ready: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := ready()):
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.5)
        return found

    def decide(self, approval: Any, how: str) -> None:
        if how == "expired":
            with sqlite3.connect(self.installation.home / "dataroll.db", timeout=60) as database:
                database.execute(
                    "UPDATE workflow_approvals SET expires_at = created_at WHERE id = ?",
                    (approval["id"],),
                )
            return
        asked = [person["id"] for person in approval["approvers"]]
        voters = [client for user_id, client in self.voters.items() if user_id in asked]
        needed = approval["required"] if how == "approved" else 1
        assert len(voters) >= needed
        for client in voters[:needed]:
            path = "approve" if how == "approved" else "reject"
            client.post(f"/api/approvals/{approval['id']}/{path}", {"comment": "so be it"})


@dataclass(frozen=True)
class Played:
    run: dict[str, Any]
    definition: dict[str, Any]
    databases: dict[str, Database]


def statuses(run: dict[str, Any]) -> dict[str, Any]:
    return {
        node["nodeId"]: (node["status"], node["branch"], node["error"] or node["reason"])
        for node in run["nodeExecutions"]
    }


def pending(database: Database) -> int:
    with visiting(database.url, database.folder) as session:
        return len(session.history().pending)


def migrate(url: str, folder: Path) -> None:
    environment = {"DATAROLL_CONNECTION_X": url, "DATAROLL_CONNECTION_X__MIGRATIONS": str(folder)}
    with using(LocalContext(execution_id="before", environment=environment)):
        steps.execute_migrations(connection_id="x")
