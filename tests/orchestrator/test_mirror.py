"""The mirror without Prefect: events lost, repeated and reordered, runs nobody asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from server.executions.record import record_run
from server.models import WorkflowExecution
from server.orchestrator import mirror as mirror_module
from server.orchestrator.dispatcher import Dispatcher
from server.orchestrator.mirror import Mirror
from server.orchestrator.protocol import RunState
from tests.server.conftest import World

WORKFLOW = """\
version: "1.0"
name: Ship it
trigger: manual
variables:
  count: {type: number, default: 1}
nodes:
  trigger-1: {type: trigger, label: Start}
  a-1: {type: delay, label: Wait, seconds: 1}
edges:
  - {source: trigger-1, target: a-1}
"""
NODES = ("trigger-1", "a-1", "b-1", "c-1")


@asynccontextmanager
async def mirroring(world: World) -> AsyncIterator[Mirror]:
    mirror = Mirror(world.database, world.orchestrator)
    task = asyncio.create_task(mirror.run())
    try:
        yield mirror
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def start(world: World, workflow_id: str) -> tuple[str, str]:
    answer = await world.admin.post(f"/api/workflows/{workflow_id}/execute", json={})
    assert answer.status_code == 202, answer.text
    execution_id = answer.json()["id"]
    return execution_id, await world.dispatch(execution_id)


async def read(world: World, execution_id: str) -> dict[str, object]:
    answer: dict[str, object] = (await world.admin.get(f"/api/executions/{execution_id}")).json()
    return answer


async def until_equal(world: World, runs: dict[str, str], seconds: float = 60) -> None:
    """Wait until every execution says what the orchestrator says."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        differences = {
            execution_id: difference
            for execution_id, run_id in runs.items()
            if (difference := await differs(world, execution_id, world.orchestrator.runs[run_id]))
        }
        if not differences:
            return
        assert asyncio.get_running_loop().time() < end, differences
        await asyncio.sleep(0.1)


async def differs(world: World, execution_id: str, state: RunState) -> str | None:
    found = await read(world, execution_id)
    if found["status"] != state.status:
        return f"{found['status']} instead of {state.status}"
    nodes = {n["nodeId"]: n["status"] for n in found["nodeExecutions"]}  # type: ignore[attr-defined]
    wanted = {node.node_id: node.status for node in state.nodes}
    return None if nodes == wanted else f"{nodes} instead of {wanted}"


@pytest.mark.parametrize("seed", range(5))
async def test_events_that_are_lost_repeated_and_reordered_change_nothing_in_the_end(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SWEEP", 0.3)
    chance = random.Random(seed)
    told = world.orchestrator.events

    async def unreliable() -> AsyncIterator[str]:
        late: list[str] = []
        async for run_id in told():
            fate = chance.random()
            if fate < 0.4:
                continue
            if fate < 0.6:
                late.append(run_id)
                continue
            yield run_id
            if fate > 0.8:
                yield run_id
            if len(late) > 3:
                chance.shuffle(late)
                for one in late:
                    yield one
                late.clear()
            if fate > 0.97:
                raise ConnectionResetError("the stream broke off")

    monkeypatch.setattr(world.orchestrator, "events", unreliable)
    workflow = await world.published(WORKFLOW)
    runs = dict([await start(world, workflow["id"]) for _ in range(8)])
    async with mirroring(world):
        steps = [(run_id, node) for run_id in runs.values() for node in NODES]
        for run_id in runs.values():
            world.orchestrator.begin(run_id)
        for run_id, node in sorted(steps, key=lambda _: chance.random()):
            world.orchestrator.settle(run_id, node, "running")
            if chance.random() < 0.3:
                await asyncio.sleep(0.01)
            world.orchestrator.settle(run_id, node, chance.choice(["success", "failed", "skipped"]))
        for run_id in runs.values():
            world.orchestrator.finish(run_id, chance.choice(["success", "failed"]))
        await until_equal(world, runs)


async def test_states_in_any_order_give_the_newest(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    states = [world.orchestrator.runs[run_id]]
    world.orchestrator.begin(run_id)
    for node in NODES:
        for status in ("running", "success"):
            world.orchestrator.settle(run_id, node, status)  # type: ignore[arg-type]
            states.append(world.orchestrator.runs[run_id])
    world.orchestrator.finish(run_id, "success")
    states.append(world.orchestrator.runs[run_id])
    shuffled = [*states, *states]
    random.Random(7).shuffle(shuffled)
    for state in shuffled:
        async with world.database.writing() as session:
            await record_run(session, state)
    assert await differs(world, execution_id, states[-1]) is None


async def test_a_flow_process_that_has_news_is_looked_at_without_an_event_or_a_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SWEEP", 600)

    async def silence() -> AsyncIterator[str]:
        await asyncio.sleep(600)
        yield ""

    monkeypatch.setattr(world.orchestrator, "events", silence)
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    flow_run_id = str(uuid4())
    world.orchestrator.runs[flow_run_id] = replace(
        world.orchestrator.runs.pop(run_id), run_id=flow_run_id
    )
    async with world.database.writing() as session:
        execution = await session.get(WorkflowExecution, execution_id)
        assert execution is not None
        execution.prefect_flow_run_id = flow_run_id
    async with mirroring(world) as mirror:
        world.app.state.mirror = mirror
        await asyncio.sleep(0.5)  # what a starting mirror looks at by itself is over
        world.orchestrator.settle(flow_run_id, "trigger-1", "success")
        told = await world.worker.post("/api/worker/news", json={"flowRunId": flow_run_id})
        assert told.status_code == 204, told.text
        await until_equal(world, {execution_id: flow_run_id})
    refused = await world.admin.post("/api/worker/news", json={"flowRunId": flow_run_id})
    assert refused.status_code in (401, 403)


async def test_one_run_that_cannot_be_read_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SWEEP", 0.2)
    workflow = await world.published(WORKFLOW)
    bad_execution, bad = await start(world, workflow["id"])
    execution_id, good = await start(world, workflow["id"])
    reading = world.orchestrator.get

    async def get(run_id: str) -> RunState | None:
        if run_id == bad:
            raise ValueError("a state that nobody understands")
        return await reading(run_id)

    monkeypatch.setattr(world.orchestrator, "get", get)
    async with mirroring(world):
        world.orchestrator.finish(good, "success")
        await until_equal(world, {execution_id: good})
        assert (await read(world, bad_execution))["status"] == "pending"


async def test_an_outage_of_the_orchestrator_is_caught_up_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SWEEP", 0.2)
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    async with mirroring(world):
        world.orchestrator.available = False
        world.orchestrator.settle(run_id, "trigger-1", "success")
        world.orchestrator.finish(run_id, "success")
        await asyncio.sleep(0.5)
        assert (await read(world, execution_id))["status"] == "pending"
        world.orchestrator.available = True
        await until_equal(world, {execution_id: run_id})


async def test_what_ended_while_the_server_was_away_is_caught_up_with_logs_included(
    world: World,
) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    world.orchestrator.finish(run_id, "success")
    await world.mirror(run_id)
    # The server died here; the run's last lines came after that.
    world.orchestrator.log(run_id, "the last line")
    while not world.orchestrator._hints.empty():
        world.orchestrator._hints.get_nowait()
    async with mirroring(world):
        for _ in range(50):
            logs = (await world.admin.get(f"/api/executions/{execution_id}/logs")).json()
            if logs["items"]:
                break
            await asyncio.sleep(0.1)
    assert [line["message"] for line in logs["items"]] == ["the last line"]


async def test_a_line_that_comes_before_its_task_learns_its_node_later(
    world_on_both: World,
) -> None:
    world = world_on_both
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    world.orchestrator.log(run_id, "of nobody yet")
    world.orchestrator.log(run_id, "of the run")
    mirror = Mirror(world.database, world.orchestrator)
    assert await mirror.refresh(run_id)
    lines = world.orchestrator._logs[run_id]
    lines[0] = replace(lines[0], node_id="a-1")
    lines.append(lines[0])  # a page that moved while it was read
    assert await mirror.refresh(run_id)
    assert not await mirror.refresh(run_id)
    logs = (await world.admin.get(f"/api/executions/{execution_id}/logs?level=INFO")).json()
    assert [(line["nodeId"], line["message"]) for line in logs["items"]] == [
        ("a-1", "of nobody yet"),
        (None, "of the run"),
    ]


async def test_a_run_that_was_deleted_in_prefect_ends_as_failed_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MISSING_FOR", timedelta(seconds=0.3))
    workflow = await world.published(WORKFLOW)
    execution_id, run_id = await start(world, workflow["id"])
    world.orchestrator.begin(run_id)
    mirror = Mirror(world.database, world.orchestrator)
    await mirror.refresh(run_id)
    del world.orchestrator.runs[run_id]
    await mirror.refresh(run_id)
    assert (await read(world, execution_id))["status"] == "running"
    await asyncio.sleep(0.4)
    await mirror.refresh(run_id)
    found = await read(world, execution_id)
    assert found["status"] == "failed"
    assert "was deleted there" in str(found["error"])


async def test_a_run_that_a_schedule_started_is_adopted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "SWEEP", 0.2)
    workflow = await world.published(WORKFLOW)
    deployment = f"deployment-{workflow['slug']}-1"
    run_id = world.orchestrator.fire_schedule(deployment, {"count": 4})
    ahead = world.orchestrator.fire_schedule(
        deployment, {}, starts_at=datetime.now(UTC) + timedelta(hours=1)
    )
    foreign = world.orchestrator.fire_schedule("somebody-else", {})
    asked = await world.worker.post(
        "/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"}
    )
    assert asked.status_code == 200, asked.text
    adopted = asked.json()
    assert adopted["parameters"]["count"] == 4
    assert adopted["parameters"]["trigger"]["type"] == "scheduled"
    assert adopted["parameters"]["currentUser"]["id"] is None
    assert adopted["parameters"]["execution"]["id"] == adopted["executionId"]
    async with mirroring(world), mirroring(world):
        second = world.orchestrator.fire_schedule(deployment, {})
        world.orchestrator.finish(run_id, "success")
        world.orchestrator.finish(second, "failed", error="no luck")
        for _ in range(50):
            history = (await world.admin.get("/api/executions")).json()["items"]
            if {item["status"] for item in history} == {"success", "failed"}:
                break
            await asyncio.sleep(0.1)
    assert len(history) == 2
    assert {item["triggeredBy"] for item in history} == {"schedule"}
    again = await world.worker.post(
        "/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"}
    )
    assert (again.status_code, again.json()["type"]) == (409, "urn:dataroll:ended")
    unknown = await world.worker.post(
        "/api/worker/adopt", json={"flowRunId": foreign, "process": "0@a:1"}
    )
    assert unknown.status_code == 404
    known = {item["prefectFlowRunId"] for item in history}
    assert ahead not in known


async def test_a_scheduled_run_with_wrong_parameters_is_kept_with_what_is_wrong(
    world: World,
) -> None:
    workflow = await world.published(WORKFLOW)
    run_id = world.orchestrator.fire_schedule(
        f"deployment-{workflow['slug']}-1", {"count": "many", "nobody": 1}
    )
    asked = await world.worker.post(
        "/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"}
    )
    assert asked.status_code == 422
    assert "variables.count must be a number" in asked.json()["detail"]
    mirror = Mirror(world.database, world.orchestrator)
    world.orchestrator.finish(run_id, "failed")
    assert await mirror.refresh(run_id)
    [item] = (await world.admin.get("/api/executions")).json()["items"]
    assert item["status"] == "failed"
    assert "variables.nobody is not declared" in item["error"]


async def test_a_worker_is_needed_to_have_a_run_adopted(world: World) -> None:
    answer = await world.admin.post(
        "/api/worker/adopt", json={"flowRunId": "run-1", "process": "0@a:1"}
    )
    assert answer.status_code in (401, 403)


async def test_a_request_is_kept_while_the_orchestrator_is_down(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    world.orchestrator.available = False
    answer = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    assert answer.status_code == 202
    dispatcher = Dispatcher(world.database, world.orchestrator)
    with pytest.raises(Exception, match="switched off"):
        await dispatcher.dispatch()
    world.orchestrator.available = True
    # Two servers wake at the same time; the run is one.
    await asyncio.gather(
        dispatcher.dispatch(), Dispatcher(world.database, world.orchestrator).dispatch()
    )
    assert list(world.orchestrator.runs) == [f"run-{answer.json()['id']}"]


async def test_a_run_cancelled_while_it_was_being_started_is_cancelled_in_prefect_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await world.published(WORKFLOW)
    answer = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id = answer.json()["id"]
    starting = world.orchestrator.start

    async def start_slowly(request: object) -> str:
        run_id = await starting(request)  # type: ignore[arg-type]
        await world.admin.post(f"/api/executions/{execution_id}/cancel")
        return run_id

    monkeypatch.setattr(world.orchestrator, "start", start_slowly)
    await Dispatcher(world.database, world.orchestrator).dispatch()
    assert (await read(world, execution_id))["status"] == "cancelled"
    assert world.orchestrator.runs[f"run-{execution_id}"].status == "cancelled"
