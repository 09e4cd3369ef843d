"""What happens in dataroll starts what waits for it: once, filtered, and never in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from server.executions.starter import starter_of
from server.models import WorkflowExecution
from server.triggers.events import LONGEST_CHAIN, Happening, loop_problem, waits_for
from tests.triggers.conftest import WAITING, World, waiting

MIGRATES = """\
version: "1.0"
name: Migrates
trigger: manual
nodes:
  start: {type: trigger, label: Start}
  execute: {type: action, label: Execute, action: execute_migrations, connectionId: x}
edges:
  - {source: start, target: execute}
"""


async def runs_of(world: World, workflow_id: str) -> list[WorkflowExecution]:
    async with world.database.reading() as session:
        query = select(WorkflowExecution).where(WorkflowExecution.workflow_id == workflow_id)
        return list(await session.scalars(query.order_by(WorkflowExecution.id)))


async def end(world: World, execution_id: str, status: str = "success") -> None:
    """Let the run end, as the worker and the mirror do."""
    run_id = await world.dispatch(execution_id)
    world.orchestrator.begin(run_id)
    world.orchestrator.finish(run_id, status)  # type: ignore[arg-type]
    await world.mirror(run_id)
    await world.mirror(run_id)


async def execute(world: World, workflow_id: str) -> str:
    answer = await world.admin.post(f"/api/workflows/{workflow_id}/execute", json={})
    assert answer.status_code == 202, answer.text
    execution_id: str = answer.json()["id"]
    return execution_id


async def test_the_end_of_a_run_starts_what_waits_for_it_once(world: World) -> None:
    finished = await waiting(world, "event", {"event": "execution.finished"}, "After")
    failed = await waiting(world, "event", {"event": "execution.failed"}, "On failure")
    source = await world.published(WAITING.format(name="Source"), name="Source")
    execution = await execute(world, source["id"])
    await end(world, execution)
    [run] = await runs_of(world, finished["workflowId"])
    assert run.triggered_by == "event"
    body = run.parameters["trigger"]["body"]
    assert body["type"] == "execution.finished"
    assert body["data"]["workflow"] == "Source"
    assert body["data"]["executionId"] == execution
    assert body["chain"] == [source["id"]]
    assert await runs_of(world, failed["workflowId"]) == []
    await end(world, await execute(world, source["id"]), "failed")
    assert len(await runs_of(world, failed["workflowId"])) == 1


async def test_a_migration_that_was_executed_is_an_event_of_its_own(world: World) -> None:
    config = {"event": "migration.*", "filter": "trigger.body.data.applied.length > 1"}
    after = await waiting(world, "event", config, "After")
    source = await world.published(MIGRATES, name="Migrates")
    for applied in ([{"id": "1"}], [{"id": "1"}, {"id": "2"}]):
        execution = await execute(world, source["id"])
        run_id = await world.dispatch(execution)
        world.orchestrator.begin(run_id)
        world.orchestrator.settle(run_id, "execute", "success", output={"applied": applied})
        world.orchestrator.finish(run_id, "success")
        await world.mirror(run_id)
    [run] = await runs_of(world, after["workflowId"])
    body = run.parameters["trigger"]["body"]
    assert (body["type"], body["data"]["nodeId"]) == ("migration.executed", "execute")
    assert body["data"]["applied"] == [{"id": "1"}, {"id": "2"}]


async def test_a_connection_that_was_tested_is_an_event(world: World, tmp_path: Path) -> None:
    after = await waiting(
        world,
        "event",
        {"event": "connection.tested", "filter": "!trigger.body.data.ok"},
        "When a database is away",
    )
    made = await world.admin.post(
        "/api/connections",
        json={
            "name": "gone",
            "environment": "staging",
            "url": f"sqlite:///{tmp_path}/nowhere.db",
            "migrations": {"path": str(tmp_path)},
        },
    )
    tested = await world.admin.post(f"/api/connections/{made.json()['id']}/test")
    assert tested.json()["ok"] is False
    [run] = await runs_of(world, after["workflowId"])
    assert run.parameters["trigger"]["body"]["data"]["name"] == "gone"
    assert "dispatcher" in world.woken


async def test_a_deployment_is_told_from_outside_and_its_id_counts_once(world: World) -> None:
    config = {"event": "deployment", "filter": "trigger.body.data.environment === 'production'"}
    after = await waiting(world, "event", config)
    for environment, expected in (("staging", 0), ("production", 1), ("production", 1)):
        body = {"id": f"deploy-7-{environment}", "data": {"environment": environment}}
        answer = await world.admin.post("/api/events", json=body)
        assert answer.status_code == 202
        assert len(answer.json()["executions"]) == expected
    assert len(await runs_of(world, after["workflowId"])) == 1


async def test_two_workflows_that_wait_for_each_other_stop(world: World) -> None:
    one = await waiting(world, "event", {"event": "execution.finished"}, "One")
    two = await waiting(world, "event", {"event": "execution.finished"}, "Two")
    source = await world.published(WAITING.format(name="Source"), name="Source")
    await end(world, await execute(world, source["id"]))
    for _ in range(6):
        for trigger in (one, two):
            for run in await runs_of(world, trigger["workflowId"]):
                if run.status == "pending":
                    await end(world, run.id)
    # source → one → two, and source → two → one: nobody twice in a chain.
    assert [len(await runs_of(world, each["workflowId"])) for each in (one, two)] == [2, 2]
    listed = await world.admin.get(f"/api/workflows/{one['workflowId']}/triggers")
    assert "go on for ever" in listed.json()["items"][0]["lastError"]


def test_a_chain_has_an_end() -> None:
    from server.models import Workflow

    chain = tuple(f"w{number}" for number in range(LONGEST_CHAIN))
    happening = Happening("e", "t", "deployment", {}, chain)
    assert "started one another" in str(loop_problem(happening, Workflow(id="other")))
    assert loop_problem(Happening("e", "t", "deployment", {}, chain[1:]), Workflow(id="o")) is None


@pytest.mark.parametrize(
    ("wanted", "type_", "waits"),
    [
        ("execution.finished", "execution.finished", True),
        ("execution.*", "execution.failed", True),
        ("execution.*", "executions.failed", False),
        ("execution.finished", "execution.failed", False),
        ("", "execution.failed", False),
    ],
)
def test_an_event_is_waited_for_by_name_or_kind(wanted: str, type_: str, waits: bool) -> None:
    assert waits_for(wanted, type_) is waits


async def test_a_trigger_that_cannot_start_does_not_hold_up_the_others(world: World) -> None:
    broken = await waiting(
        world, "event", {"event": "deployment", "filter": "trigger.body.data.a.b === 1"}, "Broken"
    )
    fine = await waiting(world, "event", {"event": "deployment"}, "Fine")
    answer = await world.admin.post("/api/events", json={"data": {}})
    assert len(answer.json()["executions"]) == 1
    assert len(await runs_of(world, fine["workflowId"])) == 1
    listed = await world.admin.get(f"/api/workflows/{broken['workflowId']}/triggers")
    assert "filter cannot be worked out" in listed.json()["items"][0]["lastError"]


async def test_another_teams_events_start_nothing(world: World) -> None:
    trigger = await waiting(world, "event", {"event": "deployment"})
    team = await world.admin.post("/api/teams", json={"name": "Others"})
    assert team.status_code == 201, team.text
    answer = await world.admin.post("/api/events", json={"teamId": team.json()["id"]})
    assert answer.json()["executions"] == []
    assert await runs_of(world, trigger["workflowId"]) == []


async def test_an_event_carries_the_person_whose_act_it_was_from_run_to_run(world: World) -> None:
    """Their consent alone is not enough for what it starts, however many runs lie between."""
    first = await waiting(world, "event", {"event": "deployment"}, "First")
    second = await waiting(world, "event", {"event": "execution.finished"}, "Second")
    me = (await world.admin.get("/api/auth/me")).json()["id"]
    forged = {"startedBy": "somebody-else"}
    taken = await world.admin.post("/api/events", json={"type": "deployment", "data": forged})
    assert taken.status_code == 202, taken.text
    [run] = await runs_of(world, first["workflowId"])
    assert starter_of(run) == me
    await end(world, run.id)
    [after] = await runs_of(world, second["workflowId"])
    assert (after.triggered_by, starter_of(after)) == ("event", me)
