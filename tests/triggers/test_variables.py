"""Values of a run: seven types, limits, defaults, the team's; every wrong one is named at once."""

from __future__ import annotations

from typing import Any

import pytest

from server.models import WorkflowExecution
from tests.triggers.conftest import World

DECLARES = """\
version: "1.0"
name: Declares
trigger: manual
variables:
  ticket: {type: string, pattern: "[A-Z]+-[0-9]+"}
  speed: {type: string, enum: [careful, fast], default: careful}
  count: {type: number, default: 2}
  force: {type: boolean, default: false}
  labels: {type: object, required: false}
  hosts: {type: list, required: false}
  note: {type: string, required: false}
  region: {type: string, required: false}
  hook: {type: secret}
  database: {type: connection}
nodes:
  start: {type: trigger, label: Start}
  say:
    type: notification
    label: Say
    provider: slack
    webhook: "{{ hook }}"
    message: "{{ ticket }} {{ speed }} {{ count }} {{ force }} {{ hosts.length }} {{ note }} {{ region }} {{ database }}"
    details: "{{ labels }}"
edges:
  - {source: start, target: say}
"""


async def execute(world: World, workflow_id: str, variables: dict[str, Any]) -> Any:
    path = f"/api/workflows/{workflow_id}/execute"
    return await world.admin.post(path, json={"variables": variables})


@pytest.fixture
async def workflow_id(compiling_world: World) -> str:
    await compiling_world.admin.post(
        "/api/connections",
        json={"name": "orders", "environment": "staging", "url": "sqlite:///x.db"},
    )
    workflow = await compiling_world.published(DECLARES)
    return str(workflow["id"])


async def test_every_wrong_value_is_named_and_nothing_starts(
    compiling_world: World, workflow_id: str
) -> None:
    wrong = {
        "ticket": "say OPS-1 twice",
        "speed": "reckless",
        "count": "3",
        "force": "yes",
        "labels": ["a"],
        "hosts": "a,b",
        "hook": "https://hooks.example.org",
        "database": 7,
        "colour": "red",
    }
    answer = await execute(compiling_world, workflow_id, wrong)
    assert answer.status_code == 422
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert set(errors) == {f"variables.{name}" for name in wrong}
    assert errors["variables.ticket"] == "does not match [A-Z]+-[0-9]+"
    assert errors["variables.speed"] == "must be one of careful, fast"
    assert errors["variables.colour"] == "is not declared by this workflow"
    executions = await compiling_world.admin.get(f"/api/workflows/{workflow_id}/executions")
    assert executions.json()["items"] == []


async def test_what_must_be_given_is_asked_for(compiling_world: World, workflow_id: str) -> None:
    for given in ({}, {"ticket": None, "database": None}):
        answer = await execute(compiling_world, workflow_id, given)
        errors = {error["field"]: error["code"] for error in answer.json()["errors"]}
        assert errors == {"variables.ticket": "required", "variables.database": "required"}
    answer = await execute(compiling_world, workflow_id, {"ticket": "OPS-1", "database": "gone"})
    [error] = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("variables.database", "unknown-connection")


async def test_a_value_is_sent_or_the_default_or_the_teams(
    compiling_world: World, workflow_id: str
) -> None:
    world = compiling_world
    for name, kind, value in (
        ("region", "string", "eu"),
        ("note", "number", 7),  # of another type: not meant
        ("count", "number", 99),  # the workflow's own default goes first
    ):
        made = await world.admin.post(
            "/api/variables", json={"name": name, "type": kind, "value": value}
        )
        assert made.status_code == 201, made.text
    sent = {"ticket": "OPS-1", "database": "orders", "force": True, "hosts": ["a"]}
    answer = await execute(world, workflow_id, sent)
    assert answer.status_code == 202, answer.text
    async with world.database.reading() as session:
        execution = await session.get(WorkflowExecution, answer.json()["id"])
    assert execution is not None
    given = execution.parameters
    assert {name: given.get(name) for name in ("ticket", "speed", "count", "force", "hosts")} == {
        "ticket": "OPS-1",
        "speed": "careful",
        "count": 2,
        "force": True,
        "hosts": ["a"],
    }
    assert given["region"] == "eu"
    # People are told the name; the run knows the id, which a new name does not change.
    assert given["execution"]["connections"] == {given["database"]: "orders"}
    assert "note" not in given  # the flow has its type's empty value
    assert "hook" not in given


async def test_a_slow_pattern_holds_nobody_up(compiling_world: World) -> None:
    slow = DECLARES.replace('"[A-Z]+-[0-9]+"', '"(a+)+b"')
    workflow = await compiling_world.published(slow, name="Slow")
    # Python's own engine would take longer than the universe has.
    answer = await execute(compiling_world, workflow["id"], {"ticket": "a" * 900})
    assert "does not match" in answer.text
