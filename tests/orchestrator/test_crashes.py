"""A process that Prefect calls crashed: its run goes on from the journal, or has ended as that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed

from server.models import WorkflowExecution, utc_now
from server.orchestrator.mirror import Mirror
from server.orchestrator.prefect_state import run_state
from server.orchestrator.protocol import Crash, RunState
from server.orchestrator.resumer import STARTS, Resumer
from tests.orchestrator.test_mirror import WORKFLOW, read, start
from tests.server.conftest import World

A_WHILE = timedelta(minutes=1)


def node_entry(status: str) -> dict[str, Any]:
    body = {"nodeId": "a-1", "nodeType": "delay", "nodeName": "Wait"}
    return {"key": f"node-{status}", "status": status, **body}


def outcome(status: str, reason: str = "as it went") -> dict[str, Any]:
    return {"key": "run", "status": status, "reason": reason}


def crashed(entries: Sequence[dict[str, Any]]) -> RunState:
    state = Crashed(message="Flow run process exited with non-zero status code -9.")
    return run_state(FlowRun(id=uuid4(), flow_id=uuid4(), state=state), entries)


@pytest.mark.parametrize("entries", [[], [node_entry("running")]])
def test_a_crashed_run_that_had_not_ended_goes_on(entries: list[dict[str, Any]]) -> None:
    """Before its first node, too: nothing was done that could be done twice."""
    state = crashed(entries)
    assert (state.status, state.error, state.untold) == ("running", None, False)
    assert state.crash is not None
    assert "status code -9" in state.crash.message


@pytest.mark.parametrize("status", ["success", "failed", "cancelled"])
def test_a_crashed_run_has_ended_as_its_journal_says(status: str) -> None:
    state = crashed([node_entry("success"), outcome(status)])
    assert (state.status, state.crash, state.untold) == (status, None, True)
    assert state.error == (None if status == "success" else "as it went")


def test_an_outcome_that_is_none_does_not_end_a_run() -> None:
    assert crashed([outcome("splendid")]).status == "running"


def resumer(world: World) -> Resumer:
    found = Resumer(world.database, world.orchestrator)
    found._listening_since -= A_WHILE
    return found


async def crash(world: World, run_id: str, *, heard: timedelta, ago: timedelta) -> None:
    """The process died ``ago``, and was last heard ``heard`` before that."""
    died = datetime.now(UTC) - ago
    run = world.orchestrator.runs[run_id]
    world.orchestrator.runs[run_id] = replace(
        run, status="running", crash=Crash(died, "exit code -9"), updated_at=died
    )
    assert run.execution_id is not None
    async with world.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, run.execution_id)
        execution.heartbeat_at, execution.process = died - heard, "0@host:1"


async def look(world: World, server: Resumer, run_id: str) -> list[str]:
    """What the mirror sees, the resumer acts upon; the runs that were started again."""
    mirror = Mirror(world.database, world.orchestrator, server.crashed)
    await mirror.refresh(run_id)
    await server.find_dead()
    return world.orchestrator.restarted


async def test_a_crash_that_prefect_knows_of_needs_no_long_silence(world: World) -> None:
    _, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    server = resumer(world)
    second = timedelta(seconds=1)
    await crash(world, run_id, heard=second, ago=3 * second)
    assert await look(world, server, run_id) == []  # it may be another process that died
    await crash(world, run_id, heard=second, ago=7 * second)
    assert await look(world, server, run_id) == [run_id]
    assert world.orchestrator.runs[run_id].attempt == 1


async def test_a_process_that_speaks_after_the_crash_of_another_is_let_alone(world: World) -> None:
    _, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    server = resumer(world)
    await crash(world, run_id, heard=-timedelta(seconds=5), ago=timedelta(seconds=9))
    assert await look(world, server, run_id) == []


async def test_a_run_that_has_contradicted_its_crash_is_let_alone(world: World) -> None:
    """Its process tells Prefect that it lives: the mirror has seen the crash, the resumer does not."""
    _, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    server = resumer(world)
    await crash(world, run_id, heard=-timedelta(seconds=5), ago=timedelta(seconds=9))
    await Mirror(world.database, world.orchestrator, server.crashed).refresh(run_id)
    run = world.orchestrator.runs[run_id]
    world.orchestrator.runs[run_id] = replace(run, status="waiting", crash=None)
    await server.find_dead()
    assert world.orchestrator.restarted == []


async def test_a_server_that_was_away_listens_first(world: World) -> None:
    _, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    server = Resumer(world.database, world.orchestrator)
    await crash(world, run_id, heard=timedelta(seconds=1), ago=A_WHILE)
    assert await look(world, server, run_id) == []


async def test_a_run_that_never_comes_to_its_first_node_is_given_up(world: World) -> None:
    execution_id, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    server = resumer(world)
    for tries in range(1, STARTS + 1):
        await crash(world, run_id, heard=timedelta(seconds=1), ago=timedelta(seconds=9))
        assert await look(world, server, run_id) == [run_id] * tries
    await crash(world, run_id, heard=timedelta(seconds=1), ago=timedelta(seconds=9))
    await look(world, server, run_id)
    await world.mirror(run_id)
    found = await read(world, execution_id)
    assert found["status"] == "failed"
    assert found["error"] == (
        f"its process died {STARTS + 1} times; it is not started again (exit code -9)"
    )


async def test_the_orchestrator_is_told_how_a_run_ended_that_it_calls_crashed(world: World) -> None:
    execution_id, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    world.orchestrator.runs[run_id] = replace(
        world.orchestrator.runs[run_id],
        status="success",
        untold=True,
        output={"status": "success", "reason": "2 nodes done, 0 skipped"},
        updated_at=utc_now(),
    )
    assert await look(world, resumer(world), run_id) == []
    assert (await read(world, execution_id))["status"] == "success"
    told = world.orchestrator.runs[run_id]
    assert (told.status, told.untold) == ("success", False)


async def test_a_silent_run_whose_journal_knows_its_end_is_not_run_again(world: World) -> None:
    """Prefect was away when the process wanted to say how it ended, and when the worker did."""
    execution_id, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    world.orchestrator.begin(run_id)
    world.orchestrator.runs[run_id] = replace(
        world.orchestrator.runs[run_id], output={"status": "failed", "reason": "a-1 failed: no"}
    )
    async with world.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        execution.heartbeat_at = utc_now() - timedelta(seconds=25)
    assert await look(world, resumer(world), run_id) == []
    await world.mirror(run_id)
    found = await read(world, execution_id)
    assert (found["status"], found["error"]) == ("failed", "a-1 failed: no")


async def test_cancelling_a_crashed_run_ends_it(world: World) -> None:
    execution_id, run_id = await start(world, (await world.published(WORKFLOW))["id"])
    await crash(world, run_id, heard=timedelta(seconds=1), ago=timedelta(minutes=1))
    await world.admin.post(f"/api/executions/{execution_id}/cancel")
    server = resumer(world)
    assert await look(world, server, run_id) == []
    await server.force_cancelled()
    await world.mirror(run_id)
    assert (await read(world, execution_id))["status"] == "cancelled"
