"""Runs that a schedule has started: adopted once, late ones by the catch-up policy."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from server.models import WorkflowDefinition, WorkflowExecution, WorkflowTrigger
from server.orchestrator.mirror import Mirror
from server.triggers.catch_up import missed_by
from tests.triggers.conftest import World, waiting

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


async def scheduled(world: World, **config: str) -> tuple[str, str]:
    """The workflow's id and its deployment's."""
    trigger = await waiting(world, "scheduled", {"cron": "0 2 * * *", **config})
    async with world.database.reading() as session:
        deployment = await session.scalar(
            select(WorkflowDefinition.deployment_id).where(
                WorkflowDefinition.workflow_id == trigger["workflowId"]
            )
        )
    assert deployment
    return trigger["workflowId"], deployment


async def executions(world: World) -> list[WorkflowExecution]:
    async with world.database.reading() as session:
        return list(await session.scalars(select(WorkflowExecution)))


async def test_a_run_asks_who_it_is_and_is_adopted_once(world: World) -> None:
    workflow_id, deployment = await scheduled(world)
    run_id = world.orchestrator.fire_schedule(deployment, {})
    answers = await asyncio.gather(
        *(
            world.worker.post("/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"})
            for _ in range(10)
        )
    )
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert len({answer.json()["executionId"] for answer in answers}) == 1
    said = answers[0].json()
    assert said["stop"] is None
    assert said["parameters"]["trigger"]["type"] == "scheduled"
    assert said["parameters"]["currentUser"]["teamOwner"]
    [execution] = await executions(world)
    assert execution.workflow_id == workflow_id
    assert execution.triggered_by == "schedule"
    assert execution.prefect_flow_run_id == run_id
    world.orchestrator.settle(run_id, "start", "success")
    world.orchestrator.finish(run_id, "success")
    [trigger] = (await world.admin.get(f"/api/workflows/{workflow_id}/triggers")).json()["items"]
    assert trigger["lastFiredAt"]


async def test_a_run_that_never_asks_is_found(world: World) -> None:
    _, deployment = await scheduled(world)
    run_id = world.orchestrator.fire_schedule(deployment, {})
    mirror = Mirror(world.database, world.orchestrator)
    assert await mirror.unknown() == [run_id]
    await mirror.refresh(run_id)
    assert await mirror.unknown() == []
    assert len(await executions(world)) == 1


async def test_a_run_of_nobody_and_a_stranger_are_not_adopted(world: World) -> None:
    run_id = world.orchestrator.fire_schedule("deployment-of-somebody-else", {})
    for asked in (run_id, "nothing"):
        answer = await world.worker.post(
            "/api/worker/adopt", json={"flowRunId": asked, "process": "0@a:1"}
        )
        assert answer.status_code == 404
    answer = await world.admin.post(
        "/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"}
    )
    assert answer.status_code in (401, 403)
    assert await executions(world) == []


async def test_a_run_that_comes_too_late_is_told_to_stop(world: World) -> None:
    workflow_id, deployment = await scheduled(world)
    due = datetime.now(UTC) - timedelta(hours=3)
    run_id = world.orchestrator.fire_schedule(deployment, {}, starts_at=due)
    said = (
        await world.worker.post("/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"})
    ).json()
    assert "skips what it has missed" in said["stop"]
    [execution] = await executions(world)
    assert (execution.status, execution.reason) == ("cancelled", said["stop"])
    [trigger] = (await world.admin.get(f"/api/workflows/{workflow_id}/triggers")).json()["items"]
    assert trigger["lastError"] == said["stop"]


@pytest.mark.parametrize(
    ("catch_up", "due", "runs"),
    [
        ("skip", timedelta(minutes=14), True),
        ("skip", timedelta(minutes=16), False),
        ("latest", timedelta(hours=10), True),  # 02:00 today, the last one
        ("latest", timedelta(hours=34), False),  # 02:00 yesterday
    ],
)
async def test_the_catch_up_policy_is_kept(catch_up: str, due: timedelta, runs: bool) -> None:
    config = {"cron": "0 2 * * *", "catchUp": catch_up}
    trigger = WorkflowTrigger(id="t", workflow_id="w", type="scheduled", config=config)
    assert (await missed_by(trigger, NOW - due, NOW) is None) is runs


async def from_prefect(
    world: World, body: object, **config: object
) -> tuple[str, WorkflowExecution]:
    """What the run of an event's automation is told, and its execution."""
    trigger = await waiting(world, "webhook", dict(config))
    path = f"/api/workflows/{trigger['workflowId']}/triggers/{trigger['id']}"
    if body == "paused":
        await world.admin.patch(path, json={"isActive": False})
    async with world.database.reading() as session:
        deployment = await session.scalar(
            select(WorkflowDefinition.deployment_id).where(
                WorkflowDefinition.workflow_id == trigger["workflowId"]
            )
        )
    run_id = world.orchestrator.fire_schedule(
        str(deployment), {"trigger": {"type": "webhook", "body": body}}, scheduled=False
    )
    said = (
        await world.worker.post("/api/worker/adopt", json={"flowRunId": run_id, "process": "0@a:1"})
    ).json()
    [execution] = await executions(world)
    assert execution.prefect_flow_run_id == run_id
    return said["stop"], execution


async def test_an_event_at_prefect_is_a_delivery_with_its_payload(world: World) -> None:
    ref = {"ref": "refs/heads/main"}
    stop, execution = await from_prefect(
        world, ref, filter="trigger.body.ref === 'refs/heads/main'"
    )
    assert stop is None
    assert execution.triggered_by == "webhook"
    assert execution.parameters["trigger"] == {"type": "webhook", "body": ref}
    async with world.database.reading() as session:
        trigger = await session.get(WorkflowTrigger, execution.trigger_id)
    assert trigger is not None
    assert trigger.last_fired_at is not None


@pytest.mark.parametrize(
    ("body", "config", "reason"),
    [
        (
            {"ref": "x"},
            {"filter": "trigger.body.ref === 'y'"},
            "does not pass the webhook's filter",
        ),
        ({}, {"filter": "trigger.body.a.b"}, "the filter cannot be worked out"),
        ("paused", {}, "has no webhook that is active"),
        ("\ud800", {}, "cannot be kept"),
    ],
)
async def test_an_event_that_the_webhook_would_refuse_is_told_to_stop(
    world: World, body: object, config: dict[str, object], reason: str
) -> None:
    stop, execution = await from_prefect(world, body, **config)
    assert reason in stop
    assert (execution.status, execution.reason) == ("cancelled", stop)
