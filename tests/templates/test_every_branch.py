"""Every template, run by real Prefect on real databases, down every branch that is drawn.

A case says what is pending where, and how the approvers decide; what it took is read from the
run's journal. After a template's cases every edge of its definition has been taken.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from compiler import compile_workflow
from runtime_tasks.context import ApprovalDecision, ApprovalRequest
from runtime_tasks.run import journal
from runtime_tasks.run.approvals import Approvals
from server.templates.catalogue import ROOT
from server.workflows.facts import read_facts
from tests.migrations.projects import BROKEN, SHOP, visiting, write
from tests.notifications.conftest import Receiver, receiving
from tests.notifications.test_email import Mailbox, serving

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

BAD = {**SHOP, "004_broken.sql": BROKEN}
DROPS = {"001_users.sql": SHOP["001_users.sql"], "002_drop.sql": "DROP TABLE users;"}
MILD = {"001_security.sql": "CREATE TABLE security (id INTEGER PRIMARY KEY);"}
PLAIN = {"001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY);"}


@dataclass(frozen=True)
class Case:
    """One run. ``pending`` maps connections to their migration files; empty: all of them are
    applied already; None: it does not answer."""

    ends: str
    pending: dict[str, dict[str, str] | None] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    replace: tuple[str, str] = ("", "")
    """In the definition's text: checks that fail need other checks than those that come along."""
    applied: dict[str, bool] = field(default_factory=dict)
    """Afterwards: whether the connection's migrations are in its books."""


def approved(*nodes: str) -> dict[str, str]:
    return dict.fromkeys(nodes, "approved")


PROD, TEST, DEV = "production", "staging", "development"
ONE = {PROD: SHOP}
FAILING_TEST = ("equals: 1", "equals: 2")
NO_TEST = ("sql: SELECT 1\n", "sql: ''\n")
PUSH = {
    "type": "webhook",
    "body": {"ref": "refs/heads/main", "after": "abc", "pusher": {"name": "ann"}},
}
USER = {"id": "u1", "email": "ann@example.org", "name": "Ann", "teamOwner": "u1"}

CASES: dict[str, list[Case]] = {
    "simple_migration": [
        Case("Completed", {DEV: SHOP}, applied={DEV: True}),
        Case("Failed", {DEV: BAD}, applied={DEV: False}),
        Case("Failed", {DEV: None}),
    ],
    "prod_safe": [
        Case("Completed", {PROD: {}}),
        Case("Completed", ONE, approved("approval"), applied={PROD: True}),
        Case("Completed", ONE, {"approval": "rejected"}, applied={PROD: False}),
        Case("Completed", ONE, {"approval": "expired"}, applied={PROD: False}),
        Case("Failed", ONE, approved("approval"), {"fault": PROD}, applied={PROD: False}),
        Case("Failed", {PROD: None}),
    ],
    "scheduled": [
        Case("Completed", ONE, applied={PROD: False}),
        Case("Completed", {PROD: {}}),
        Case("Failed", {PROD: None}),
    ],
    "approval_chain": [
        Case(
            "Completed", ONE, approved("developer", "administrator", "owner"), applied={PROD: True}
        ),
        *(
            Case("Completed", ONE, approved(*before) | {node: how}, applied={PROD: False})
            for node, before in (
                ("developer", ()),
                ("administrator", ("developer",)),
                ("owner", ("developer", "administrator")),
            )
            for how in ("rejected", "expired")
        ),
        Case(
            "Failed",
            ONE,
            approved("developer", "administrator", "owner"),
            {"fault": PROD},
            applied={PROD: False},
        ),
        Case("Failed", {PROD: None}),
    ],
    "data_validation": [
        Case("Completed", {TEST: SHOP}, applied={TEST: True}),
        Case("Completed", {TEST: SHOP}, replace=FAILING_TEST, applied={TEST: False}),
        Case("Failed", {TEST: SHOP}, replace=NO_TEST, applied={TEST: False}),
        Case("Failed", {TEST: BAD}, applied={TEST: False}),
        Case("Failed", {TEST: None}),
    ],
    "daily_auto_migration_check": [
        Case("Completed", {PROD: {}}),
        Case("Completed", {PROD: PLAIN}, applied={PROD: False}),
        Case("Completed", {PROD: MILD}, approved("approval"), applied={PROD: True}),
        Case("Completed", {PROD: DROPS}, {"approval": "rejected"}, applied={PROD: False}),
        Case("Completed", {PROD: MILD}, {"approval": "expired"}, applied={PROD: False}),
        Case("Failed", {PROD: MILD}, approved("approval"), {"fault": PROD}, applied={PROD: False}),
        Case("Failed", {PROD: None}),
    ],
    "deployment_pipeline": [
        Case("Completed", {PROD: {}, TEST: {}}),
        Case(
            "Completed",
            {PROD: SHOP, TEST: SHOP},
            approved("approval"),
            applied={PROD: True, TEST: True},
        ),
        Case(
            "Completed", {PROD: SHOP, TEST: SHOP}, {"approval": "rejected"}, applied={PROD: False}
        ),
        Case("Completed", {PROD: SHOP, TEST: SHOP}, {"approval": "expired"}, applied={PROD: False}),
        Case(
            "Completed",
            {PROD: SHOP, TEST: SHOP},
            replace=FAILING_TEST,
            applied={PROD: False, TEST: False},
        ),
        Case("Failed", {PROD: SHOP, TEST: SHOP}, replace=NO_TEST, applied={TEST: False}),
        Case("Failed", {PROD: SHOP, TEST: BAD}, applied={PROD: False, TEST: False}),
        Case(
            "Failed",
            {PROD: SHOP, TEST: SHOP},
            approved("approval"),
            {"fault": PROD},
            applied={PROD: False},
        ),
        Case("Failed", {PROD: None, TEST: {}}),
    ],
    "weekly_audit": [
        Case("Completed", {PROD: SHOP, TEST: {}}),
        Case("Completed", {PROD: SHOP, TEST: None}),
        Case("Failed", {PROD: SHOP}, {}, {"fault": "report"}),
    ],
    "emergency_rollback": [
        Case("Completed", ONE, approved("two-people"), {"count": 1, "before": PROD}),
        Case("Completed", ONE, {"two-people": "rejected"}, {"before": PROD}, applied={PROD: True}),
        Case("Completed", ONE, {"two-people": "expired"}, {"before": PROD}, applied={PROD: True}),
        Case("Failed", {PROD: None}, approved("two-people")),
    ],
}
ROLLOUT = [
    Case("Completed", dict.fromkeys((DEV, TEST, PROD), SHOP), approved("approval")),
    Case("Completed", dict.fromkeys((DEV, TEST, PROD), SHOP), {"approval": "rejected"}),
    Case("Completed", dict.fromkeys((DEV, TEST, PROD), SHOP), {"approval": "expired"}),
    Case("Failed", {DEV: BAD, TEST: SHOP, PROD: SHOP}, applied={DEV: False, TEST: False}),
    Case("Failed", {DEV: SHOP, TEST: BAD, PROD: SHOP}, applied={DEV: True, TEST: False}),
    Case(
        "Failed",
        dict.fromkeys((DEV, TEST, PROD), SHOP),
        approved("approval"),
        {"fault": PROD},
        applied={DEV: True, TEST: True, PROD: False},
    ),
    Case("Failed", {DEV: SHOP, TEST: SHOP, PROD: None}),
]
CASES["multi_env"] = ROLLOUT
CASES["staged_rollout"] = ROLLOUT


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, Mailbox]]:
    """Slack, PagerDuty and a mail server that write down what arrives."""
    with receiving() as receiver, serving() as mailbox:
        monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.0/8")
        monkeypatch.setenv("DATAROLL_SECRET_SLACKWEBHOOK", f"{receiver.url}/slack")
        monkeypatch.setenv("DATAROLL_SECRET_PAGERDUTYKEY", "R0UTING")
        monkeypatch.setenv("DATAROLL_PAGERDUTY_URL", f"{receiver.url}/pagerduty")
        monkeypatch.setenv("DATAROLL_SECRET_MAILSERVER", mailbox.url)
        monkeypatch.setenv("DATAROLL_SECRET_GITHUBSECRET", "not read in a run")
        yield receiver, mailbox


def test_every_template_has_cases() -> None:
    assert set(CASES) == {file.stem for file in (ROOT / "questions").glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(CASES))
async def test_every_edge_is_taken(
    name: str,
    tmp_path: Path,
    prefect: str,
    outside: tuple[Receiver, Mailbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (ROOT / "workflows" / f"{name}.yaml").read_text()
    facts = read_facts(text, "yaml")
    taken: set[tuple[str, str, str]] = set()
    handled = False
    for number, case in enumerate(CASES[name]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with monkeypatch.context() as patch:
            state, nodes = await run(text, case, folder, patch)
        said = {node: (r["status"], r.get("error")) for node, r in nodes.items()}
        assert state == case.ends, (number, said)
        for edge in facts.edges:
            label = edge.get("label", "")
            if took(nodes.get(edge["source"]), label):
                taken.add((edge["source"], edge["target"], label))
                assert nodes[edge["target"]]["status"] != "skipped", (number, edge, said)
        handled |= nodes.get("failed", {}).get("status") == "success"
        for connection, applied in case.applied.items():
            files = case.pending[connection]
            assert files is not None
            with visiting(url_of(folder, connection), folder / connection) as session:
                pending = session.history().pending
            assert (not pending) is applied, (number, connection, pending)
    drawn = {(edge["source"], edge["target"], edge.get("label", "")) for edge in facts.edges}
    assert taken == drawn
    assert handled, "the error handler has never run"
    receiver, mailbox = outside
    assert receiver.requests or mailbox.mails


async def run(
    text: str, case: Case, folder: Path, patch: pytest.MonkeyPatch
) -> tuple[str, dict[str, dict[str, Any]]]:
    """The run's final state, and its nodes' records."""
    from prefect.client.orchestration import get_client

    for connection, files in case.pending.items():
        variable = f"DATAROLL_CONNECTION_{connection.upper()}"
        write(folder / connection, files or SHOP)
        if files is None:
            patch.setenv(variable, f"sqlite:///{folder}/nowhere/{connection}.db")
        else:
            (folder / f"{connection}.db").touch()
            patch.setenv(variable, url_of(folder, connection))
            if not files:
                migrate(url_of(folder, connection), folder / connection)
        patch.setenv(f"{variable}__MIGRATIONS", str(folder / connection))
    patch.setenv("DATAROLL_ALLOW_PREFECT_RESUME", "1")
    patch.setattr(
        Approvals,
        "_wait",
        lambda self, request, hashes: decided(request, case.decisions),
    )
    parameters = dict(case.parameters)
    if before := parameters.pop("before", None):
        migrate(url_of(folder, before), folder / before)
    if fault := parameters.pop("fault", None):
        plant(fault, patch)
    if "waitHours" in text:
        parameters["waitHours"] = 0
    if "trigger: webhook" in text:
        parameters["trigger"] = PUSH
    # A database that does not answer is asked again after minutes; not in a test.
    text = re.sub(r"retryDelay: \d+", "retryDelay: 0", text)
    flow = compile_workflow(text.replace(*case.replace) if case.replace[0] else text, "yaml")
    path = folder / flow.filename
    path.write_text(flow.source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = await getattr(module, flow.entrypoint)(
        **parameters, currentUser=USER, return_state=True
    )
    async with get_client() as client:
        nodes = await journal.read(client, state.state_details.flow_run_id)
    return state.name, nodes


def decided(request: ApprovalRequest, decisions: dict[str, str]) -> ApprovalDecision:
    return ApprovalDecision(decisions[request.node_id], ("bob",), "so be it")  # type: ignore[arg-type]


def took(record: dict[str, Any] | None, label: str) -> bool:
    """Whether a run took the edge with that label out of a node with this record."""
    if record is None:
        return False
    if label == "Failed":
        return bool(record["status"] == "failed")
    if record["status"] != "success":
        return False
    return record.get("branch") == label if label else not record.get("branch")


def url_of(folder: Path, connection: str) -> str:
    return f"sqlite:///{folder}/{connection}.db"


def migrate(url: str, folder: Path) -> None:
    from runtime_tasks import steps
    from runtime_tasks.context import LocalContext, using

    environment = {"DATAROLL_CONNECTION_X": url, "DATAROLL_CONNECTION_X__MIGRATIONS": str(folder)}
    with using(LocalContext(execution_id="before", environment=environment)):
        steps.execute_migrations(connection_id="x")


def plant(fault: str, patch: pytest.MonkeyPatch) -> None:
    """What a dry run cannot see coming: the database changes its mind between trial and deed."""
    from runtime_tasks import steps
    from runtime_tasks.errors import StepError

    if fault == "report":

        def no_report(**_: Any) -> None:
            raise StepError("the report cannot be written")

        patch.setattr(steps, "migration_report", no_report)
        return
    really = steps.execute_migrations

    def execute(*, connection_id: str, **more: Any) -> Any:
        done = really(connection_id=connection_id, **more)
        if connection_id == fault:
            raise StepError("the connection was lost after the last statement")
        return done

    patch.setattr(steps, "execute_migrations", execute)
