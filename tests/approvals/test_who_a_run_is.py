"""A flow process believes nothing that Prefect hands it: the server says who it is, and to one only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.models import WorkflowExecution, utc_now
from server.orchestrator.protocol import RunRequest, RunState
from server.orchestrator.resumer import Resumer
from tests.server.conftest import World, any_compiler, running

__all__ = ["any_compiler"]

WORKFLOW = """\
version: "1.0"
name: Ship it
trigger: manual
variables:
  place: {type: string, default: staging}
nodes:
  trigger-1: {type: trigger, label: Start}
edges: []
"""


@pytest.fixture
async def world(tmp_path: Path, any_compiler: None) -> AsyncIterator[World]:
    async with running(tmp_path / "home") as world:
        yield world


async def start(world: World) -> tuple[str, str]:
    """An execution's id and its flow run's, as the dispatcher leaves them."""
    workflow = await world.published(WORKFLOW)
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id: str = started.json()["id"]
    run_id = await world.dispatch(execution_id)
    world.orchestrator.begin(run_id)
    return execution_id, run_id


async def begin(world: World, run_id: str, process: str, attempt: int = 0) -> httpx.Response:
    return await world.worker.post(
        "/api/worker/adopt",
        json={"flowRunId": run_id, "process": f"{attempt}@{process}"},
        headers={"X-Dataroll-Attempt": str(attempt)},
    )


async def change(world: World, execution_id: str, **values: Any) -> None:
    async with world.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        for name, value in values.items():
            setattr(execution, name, value)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:dataroll:")


async def test_a_run_is_what_the_server_started_and_not_what_prefect_says(world: World) -> None:
    execution_id, run_id = await start(world)
    said = (await begin(world, run_id, "a:1")).json()
    assert said["executionId"] == execution_id
    assert said["parameters"]["place"] == "staging"
    assert said["parameters"]["execution"]["dryRun"] is False
    assert said["parameters"]["currentUser"]["email"] == "admin@localhost"
    assert (said["stop"], said["uncalled"], said["begun"]) == (None, False, [])


@pytest.mark.parametrize("tag_of", ["the execution", "nothing that is known"])
async def test_a_second_flow_run_for_an_execution_is_refused(world: World, tag_of: str) -> None:
    """Somebody in Prefect creates one, with the tag and parameters of their choice."""
    execution_id, _ = await start(world)
    claimed = execution_id if tag_of == "the execution" else "e-unknown"
    forged = RunRequest(claimed, "deployment-ship-it-1", "run", {"place": "production"})
    world.orchestrator.runs.pop(f"run-{claimed}", None)
    run_id = await world.orchestrator.start(forged)
    world.orchestrator.runs["run-forged"] = world.orchestrator.runs.pop(run_id)
    assert code(await begin(world, "run-forged", "a:1")) == (409, "another-run")


async def test_a_process_that_is_faster_than_the_dispatcher_asks_again(world: World) -> None:
    execution_id, run_id = await start(world)
    await change(world, execution_id, prefect_flow_run_id=None)
    assert code(await begin(world, run_id, "a:1")) == (503, "unavailable")
    await change(world, execution_id, prefect_flow_run_id=run_id)
    assert (await begin(world, run_id, "a:1")).status_code == 200


async def test_what_the_dispatcher_writes_down_while_prefect_is_asked_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id, run_id = await start(world)
    await change(world, execution_id, prefect_flow_run_id=None)
    ask = world.orchestrator.get

    async def get(run_id: str) -> RunState | None:
        state = await ask(run_id)
        await change(world, execution_id, prefect_flow_run_id=run_id)
        return state

    monkeypatch.setattr(world.orchestrator, "get", get)
    answer = await begin(world, run_id, "a:1")
    assert answer.status_code == 200, answer.text
    assert answer.json()["executionId"] == execution_id


async def test_one_process_runs_a_flow_however_often_prefect_starts_it(world: World) -> None:
    execution_id, run_id = await start(world)
    assert (await begin(world, run_id, "a:1")).status_code == 200
    assert (await begin(world, run_id, "a:1")).status_code == 200  # its answer was lost
    assert code(await begin(world, run_id, "b:2")) == (409, "superseded")
    assert code(await begin(world, run_id, "b:2", attempt=7)) == (409, "superseded")
    await change(world, execution_id, process="1@starting")
    assert code(await begin(world, run_id, "a:1")) == (409, "superseded")
    assert (await begin(world, run_id, "b:2", attempt=1)).status_code == 200
    assert code(await begin(world, run_id, "c:3", attempt=1)) == (409, "superseded")


async def test_a_run_that_has_ended_is_not_run_again_from_prefect(world: World) -> None:
    execution_id, run_id = await start(world)
    await change(world, execution_id, status="success")
    assert code(await begin(world, run_id, "a:1")) == (409, "ended")
    await change(world, execution_id, status="cancelled", reason="cancelled by Ada")
    assert (await begin(world, run_id, "a:1")).json()["stop"] == "cancelled by Ada"


async def test_a_process_hears_which_nodes_had_begun(world: World) -> None:
    """Should their entries in the journal be gone, they are not simply run once more."""
    _, run_id = await start(world)
    for node_id, status in (("one", "success"), ("two", "running"), ("three", "skipped")):
        world.orchestrator.settle(run_id, node_id, status)  # type: ignore[arg-type]
    await world.mirror(run_id)
    assert sorted((await begin(world, run_id, "a:1")).json()["begun"]) == ["one", "two"]


async def suspended(world: World) -> tuple[str, str, Callable[[], Awaitable[httpx.Response]]]:
    """An execution and its run, which waits without a process, and somebody's approval."""
    voter = await world.person("approver")
    execution_id, run_id = await start(world)
    await begin(world, run_id, "a:1")
    asked = await world.worker.post(
        f"/api/worker/executions/{execution_id}/approvals",
        json={"nodeId": "approval-1", "approvers": ["role:approver"], "timeout": 3600},
    )
    said = await suspend(world, execution_id, "0@a:1")
    assert said.json() == {"suspended": True}
    world.orchestrator.settle(run_id, "approval-1", "waiting")
    approval_id = asked.json()["id"]
    return execution_id, run_id, lambda: voter.post(f"/api/approvals/{approval_id}/approve")


async def suspend(world: World, execution_id: str, process: str) -> httpx.Response:
    return await world.worker.post(
        f"/api/worker/executions/{execution_id}/suspend",
        json={"process": process, "nodeIds": ["approval-1"]},
    )


def resumer(world: World) -> Resumer:
    found = Resumer(world.database, world.orchestrator)
    found._listening_since -= timedelta(minutes=1)  # it has been here for a while
    return found


async def test_a_suspended_run_is_not_dead_and_is_called_back_once(world: World) -> None:
    execution_id, run_id, approve = await suspended(world)
    await change(world, execution_id, heartbeat_at=utc_now() - timedelta(days=3))
    servers = [resumer(world), resumer(world)]
    for server in servers:
        await server.find_dead()
        await server.call_back()
        await server.resume()
    assert (world.orchestrator.restarted, world.orchestrator.resumed) == ([], [])
    assert (await approve()).status_code == 200
    for server in servers:
        await server.call_back()
        await server.resume()
        await server.find_dead()
    assert (world.orchestrator.restarted, world.orchestrator.resumed) == ([run_id], [])
    assert code(await begin(world, run_id, "late:1")) == (409, "superseded")
    said = (await begin(world, run_id, "b:2", attempt=1)).json()
    assert said["uncalled"] is False


async def test_a_decision_moments_after_the_run_was_suspended_calls_it_back(world: World) -> None:
    """Its last heartbeat is fresh; to be resumed it would have to have a process still."""
    _, run_id, approve = await suspended(world)
    assert (await approve()).status_code == 200
    server = resumer(world)
    await server.resume()
    await server.call_back()
    assert (world.orchestrator.restarted, world.orchestrator.resumed) == ([run_id], [])
    assert (await begin(world, run_id, "b:2", attempt=1)).json()["uncalled"] is False


async def test_a_run_called_back_by_somebody_else_hears_that(world: World) -> None:
    execution_id, run_id, _ = await suspended(world)
    said = (await begin(world, run_id, "b:2")).json()
    assert said["uncalled"] is True
    # It runs now: neither a third process nor the server's own call is let in beside it.
    assert code(await begin(world, run_id, "c:3")) == (409, "superseded")
    async with world.database.reading() as session:
        assert (await session.get_one(WorkflowExecution, execution_id)).suspended_at is None


async def test_a_run_does_not_suspend_past_a_decision_or_for_another_process(world: World) -> None:
    execution_id, run_id, approve = await suspended(world)
    assert (await begin(world, run_id, "b:2")).status_code == 200
    assert code(await suspend(world, execution_id, "0@a:1")) == (409, "superseded")
    assert (await approve()).status_code == 200
    assert (await suspend(world, execution_id, "0@b:2")).json() == {"suspended": False}


async def test_a_suspended_run_that_is_cancelled_ends(world: World) -> None:
    execution_id, run_id, _ = await suspended(world)
    await world.admin.post(f"/api/executions/{execution_id}/cancel")
    server = resumer(world)
    await server.call_back()
    await server.force_cancelled()
    state = await world.orchestrator.get(run_id)
    assert state is not None
    assert (state.status, state.error) == ("cancelled", "cancelled while it waited for an approval")
    assert world.orchestrator.restarted == []


async def test_only_the_published_version_runs_when_prefect_starts_it(world: World) -> None:
    """An earlier one may lack the approval that the team has added since."""
    workflow = await world.published(WORKFLOW)
    old = f"deployment-{workflow['slug']}-1"
    newer = WORKFLOW.replace("default: staging", "default: production")
    changed = await world.admin.patch(
        f"/api/workflows/{workflow['id']}", json={"definition": {"content": newer}}
    )
    assert changed.status_code == 200, changed.text
    again = await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    assert again.json()["publishedVersion"] == 2, again.text
    run_id = world.orchestrator.fire_schedule(old, {})
    refused = await begin(world, run_id, "a:1")
    assert code(refused) == (422, "invalid")
    assert "version 1 of the workflow is not the published one" in refused.json()["detail"]
    live = world.orchestrator.fire_schedule(f"deployment-{workflow['slug']}-2", {})
    assert (await begin(world, live, "a:1")).json()["parameters"]["place"] == "production"
    await world.admin.post(f"/api/workflows/{workflow['id']}/unpublish", json={})
    await world.admin.patch(f"/api/workflows/{workflow['id']}", json={"isPublished": False})
    after = world.orchestrator.fire_schedule(f"deployment-{workflow['slug']}-2", {})
    assert (await begin(world, after, "a:1")).status_code == 422
