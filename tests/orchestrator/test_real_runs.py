"""One real installation: a schedule that fires, a test run, cancelling, and versions side by side."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from cli.demo import running
from cli.deploy import deploy
from cli.inbox import Inbox
from cli.road import copy_project
from cli.run import run as run_command
from cli.sample import connect
from tests.migrations.projects import write
from tests.orchestrator.installed import Installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SCHEDULED = """\
version: "1.0"
name: Every minute
trigger: manual
variables:
  number: {type: number, default: 1}
nodes:
  each: {type: trigger, label: Each minute}
  found: {type: action, label: Discover, action: discover_migrations, connectionId: "{{ connectionId }}"}
  even: {type: condition, label: Seven?, condition: "{{ number == 7 }}"}
edges:
  - {source: each, target: found}
  - {source: found, target: even}
"""
ASKING = """\
version: "1.0"
name: Asking
trigger: manual
nodes:
  start: {{type: trigger, label: Start}}
  ask: {{type: approval, label: Ask, approvers: ["role:owner"], timeout: 600}}
  after: {{type: delay, label: "{label}", seconds: 0.1}}
edges:
  - {{source: start, target: ask}}
  - {{source: ask, target: after, label: Approved}}
"""
LONG = """\
version: "1.0"
name: Long
trigger: manual
nodes:
  start: {type: trigger, label: Start}
  long: {type: delay, label: Long, seconds: 120}
  after: {type: delay, label: After, seconds: 1}
edges:
  - {source: start, target: long}
  - {source: long, target: after}
"""
APPLYING = """\
version: "1.0"
name: Applying
trigger: manual
nodes:
  start: {type: trigger, label: Start}
  apply: {type: action, label: Apply, action: execute_migrations, connectionId: "{{ connectionId }}"}
  after: {type: delay, label: After, seconds: 0.1}
edges:
  - {source: start, target: apply}
  - {source: apply, target: after}
"""
WRITING = """\
version: "1.0"
name: Writing
trigger: manual
variables:
  hook: {type: secret}
nodes:
  start: {type: trigger, label: Start}
  found: {type: action, label: Discover, action: discover_migrations, connectionId: "{{ connectionId }}"}
  ask: {type: approval, label: Ask, approvers: ["role:owner"], timeout: 600}
  apply: {type: action, label: Apply, action: execute_migrations, connectionId: "{{ connectionId }}", migrations: "{{ found.output.migrations }}"}
  tell: {type: notification, label: Tell, provider: slack, webhook: "{{ hook }}", message: "done"}
edges:
  - {source: start, target: found}
  - {source: found, target: ask}
  - {source: ask, target: apply, label: Approved}
  - {source: apply, target: tell}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def installed(folder: Path, inbox: Inbox) -> Iterator[Installed]:
    with running(folder, inbox) as installation:
        yield Installed(installation)


@pytest.fixture(scope="module")
def connection(installed: Installed, folder: Path) -> dict[str, Any]:
    migrations = copy_project(folder / "migrations")
    return connect(installed.api, "Shop", f"sqlite:///{folder / 'shop.db'}", migrations)


def statuses(run: dict[str, Any]) -> dict[str, str]:
    return {node["nodeId"]: node["status"] for node in run["nodeExecutions"]}


def test_a_schedule_fires_and_its_run_is_a_run_like_any_other(
    installed: Installed, connection: dict[str, Any]
) -> None:
    workflow = installed.publish(SCHEDULED, "Every minute")
    triggers = f"/api/workflows/{workflow['id']}/triggers"
    trigger = installed.api.post(
        triggers,
        {
            "type": "scheduled",
            "config": {
                "cron": "* * * * *",
                "timezone": "UTC",
                "connectionId": connection["name"],
                "variables": {"number": 7},
            },
        },
    )
    started = time.monotonic()
    history: list[dict[str, Any]] = []
    while not history and time.monotonic() < started + 150:
        history = installed.api.get(f"/api/workflows/{workflow['id']}/executions")["items"]
        time.sleep(0.5)
    run = installed.wait(history[0]["id"])
    installed.api.patch(f"{triggers}/{trigger['id']}", {"isActive": False})
    assert run["status"] == "success", run
    assert run["triggeredBy"] == "schedule"
    assert statuses(run) == {"each": "success", "found": "success", "even": "success"}
    found = {node["nodeId"]: node for node in run["nodeExecutions"]}
    assert connection["id"] in str(found["found"]["input"])
    assert found["even"]["output"]["branch"] == "Yes"
    assert installed.differences([run["id"]]) == {}


def test_a_test_run_reads_and_writes_nothing(
    installed: Installed, connection: dict[str, Any], folder: Path, inbox: Inbox
) -> None:
    made = installed.api.post(
        "/api/workflows",
        {"name": "Writing", "definition": {"content": WRITING, "format": "yaml"}},
    )
    installed.api.put(f"/api/workflows/{made['id']}/variables/hook", {"value": inbox.url})
    before = (folder / "shop.db").read_bytes() if (folder / "shop.db").exists() else b""
    for answer, wanted in (("Approved", "success"), ("Rejected", "cancelled")):
        started = installed.api.post(
            f"/api/workflows/{made['id']}/test",
            {"input": {"connectionId": connection["id"]}, "approvals": {"ask": answer}},
        )
        run = installed.wait(started["id"])
        assert run["status"] == wanted, run
        assert statuses(run)["found"] == "success"
        assert statuses(run)["tell"] == ("success" if answer == "Approved" else "skipped")
    after = (folder / "shop.db").read_bytes() if (folder / "shop.db").exists() else b""
    assert after == before
    assert inbox.messages == []


def test_a_run_is_cancelled_in_the_middle_of_a_node_and_says_what_was_done(
    installed: Installed,
) -> None:
    workflow = installed.publish(LONG, "Long")
    execution_id = installed.start(workflow["id"])
    installed.wait(execution_id, "running", node="long")
    asked = time.monotonic()
    installed.api.post(f"/api/executions/{execution_id}/cancel")
    run = installed.wait(execution_id, seconds=40)
    print(f"\ncancelled after {time.monotonic() - asked:.1f} s: {run['reason']}")
    assert run["status"] == "cancelled"
    assert statuses(run) == {"start": "success", "long": "cancelled", "after": "skipped"}
    assert run["reason"] == "the run was cancelled; done: start; stopped: long; not run: after"
    assert installed.differences([execution_id]) == {}


@pytest.mark.database
def test_a_migration_is_cancelled_between_two_statements_and_its_log_outlives_prefects(
    installed: Installed, postgresql_url: str, tmp_path: Path
) -> None:
    statements = ["CREATE TABLE kept_not (id int)", *["SELECT pg_sleep(0.4)"] * 100]
    files = {
        "001_first.sql": "CREATE TABLE first (id int);",
        "002_slow.sql": ";\n".join(statements),
    }
    database = connect(installed.api, "Slow", postgresql_url, write(tmp_path / "m", files))
    workflow = installed.publish(APPLYING, "Applying")
    execution_id = installed.start(workflow["id"], context={"connectionId": database["id"]})

    def said() -> list[str]:
        lines = installed.api.get(
            f"/api/executions/{execution_id}/logs", nodeId="apply", limit=1000
        )
        return [line["message"] for line in lines["items"]]

    end = time.monotonic() + 90
    while not any("pg_sleep" in message for message in said()):
        assert time.monotonic() < end, "nothing of the statements was told while they ran"
        time.sleep(0.5)
    installed.api.post(f"/api/executions/{execution_id}/cancel")
    run = installed.wait(execution_id, seconds=40)
    assert run["status"] == "cancelled", run
    apply = next(node for node in run["nodeExecutions"] if node["nodeId"] == "apply")
    assert apply["status"] == "cancelled"
    assert "cancelled at 002_slow.sql" in apply["error"]["message"]
    assert "applied before it: 001" in apply["error"]["message"]
    assert statuses(run)["after"] == "skipped"
    with psycopg.connect(postgresql_url) as shop:
        rows = shop.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in rows.fetchall()}
    assert "first" in tables
    assert "kept_not" not in tables, "the second file is one transaction"

    # Its log stands at its node, in order, and stays when Prefect has forgotten the run.
    while "CREATE TABLE first" not in "".join(said()) or "Finished" not in "".join(said()):
        assert time.monotonic() < end, said()
        time.sleep(0.5)
    before = said()
    place = f"flow_runs/{run['prefectFlowRunId']}"
    while installed.prefect.delete(place).status_code == 503:  # its SQLite is busy
        time.sleep(1)
    assert installed.prefect.get(place).status_code == 404
    numbers = [int(m.group(1)) for line in before if (m := re.search(r"\((\d+) of \d+\)$", line))]
    assert len(numbers) > 2
    assert numbers == sorted(numbers)
    assert said() == before


def test_a_run_is_cancelled_while_it_waits(installed: Installed) -> None:
    workflow = installed.publish(ASKING.format(label="After"), "Waiting")
    execution_id = installed.start(workflow["id"])
    installed.wait(execution_id, "waiting")
    asked = time.monotonic()
    installed.api.post(f"/api/executions/{execution_id}/cancel")
    run = installed.wait(execution_id, seconds=40)
    print(f"\na waiting run was cancelled after {time.monotonic() - asked:.1f} s: {run['reason']}")
    assert run["status"] == "cancelled"
    assert statuses(run)["after"] == "skipped"
    pending = installed.api.get("/api/approvals", status="pending")["items"]
    assert execution_id not in {approval["executionId"] for approval in pending}


def test_a_run_of_version_one_ends_as_version_one_after_version_two_was_published(
    installed: Installed,
) -> None:
    workflow = installed.publish(ASKING.format(label="First"), "Versions")
    path = f"/api/workflows/{workflow['id']}"
    old = installed.start(workflow["id"])
    installed.wait(old, "waiting")
    installed.api.patch(
        path, {"definition": {"content": ASKING.format(label="Second"), "format": "yaml"}}
    )
    published = installed.api.post(f"{path}/publish", {"changelog": "Second"})
    assert [run["id"] for run in published["inFlight"]] == [old]
    new = installed.start(workflow["id"])
    for execution_id, version, name in ((old, 1, "First"), (new, 2, "Second")):
        approval = installed.api.wait_for_approval(execution_id)
        installed.api.post(f"/api/approvals/{approval['id']}/approve")
        run = installed.wait(execution_id)
        assert run["status"] == "success", run
        assert run["version"] == version
        assert {n["nodeName"] for n in run["nodeExecutions"] if n["nodeId"] == "after"} == {name}


def test_a_run_in_prefect_has_names_tags_and_a_way_back(installed: Installed) -> None:
    workflow = installed.publish(LONG.replace("seconds: 120", "seconds: 0.1"), "Pleasant")
    execution_id = installed.start(workflow["id"])
    run = installed.wait(execution_id)
    flow_run = installed.prefect.get(f"flow_runs/{run['prefectFlowRunId']}").json()
    assert flow_run["name"].startswith("pleasant-")
    assert {"dataroll", f"execution:{execution_id}", "workflow:pleasant"} <= set(flow_run["tags"])
    assert flow_run["deployment_version"] == "1"
    artifacts = installed.prefect.post(
        "artifacts/filter",
        json={"flow_runs": {"id": {"any_": [run["prefectFlowRunId"]]}}},
    ).json()
    [summary] = [a for a in artifacts if a["key"] == "dataroll-summary"]
    public = installed.installation.settings.public_url
    assert f"{public}/executions/{execution_id}" in summary["data"]
    assert summary["data"].startswith("## success\n")  # Markdown, and not JSON of it
    tasks = installed.prefect.post(
        "task_runs/filter", json={"flow_runs": {"id": {"any_": [run["prefectFlowRunId"]]}}}
    ).json()
    assert {task["name"] for task in tasks} == {"start", "long", "after"}


def test_a_definition_is_deployed_and_run_from_the_command_line(
    installed: Installed, tmp_path: Path
) -> None:
    path = tmp_path / "quick.yaml"
    path.write_text(
        LONG.replace("seconds: 120", "seconds: 0.1").replace("name: Long", "name: Quick")
    )
    server = (
        *("--url", installed.installation.settings.public_url),
        *("--token", installed.installation.admin_token),
    )
    runner = CliRunner()
    result = runner.invoke(deploy, [str(path), "--changelog", "From CI", *server])
    assert result.exit_code == 0, result.output
    assert "published as version 1" in result.output
    again = runner.invoke(deploy, [str(path), *server])
    assert "version 1 is published already" in again.output
    path.write_text(path.read_text().replace("0.1", "0.2"))
    changed = runner.invoke(deploy, [str(path), *server])
    assert "published as version 2" in changed.output, changed.output
    ran = runner.invoke(run_command, ["Quick", "--key", "ci-1", *server])
    assert ran.exit_code == 0, ran.output
    assert "success" in ran.output
    assert "after" in ran.output
    refused = runner.invoke(run_command, ["Quick", "--var", "nobody=1", *server])
    assert refused.exit_code == 1
    assert "variables.nobody" in refused.output
