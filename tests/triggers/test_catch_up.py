"""Runs of schedules that come too late: told to stop, by the trigger's policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from server.models import WorkflowDefinition, WorkflowExecution, WorkflowTrigger
from server.triggers.catch_up import missed_by
from tests.triggers.conftest import World, waiting

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


async def fired(world: World, ago: timedelta) -> tuple[str, str]:
    """The workflow's id, and the id of a run that its schedule wanted so long ago."""
    trigger = await waiting(world, "scheduled", {"cron": "0 2 * * *"})
    async with world.database.reading() as session:
        deployment = await session.scalar(
            select(WorkflowDefinition.deployment_id).where(
                WorkflowDefinition.workflow_id == trigger["workflowId"]
            )
        )
    assert deployment
    at = datetime.now(UTC) - ago
    return trigger["workflowId"], world.orchestrator.fire_schedule(deployment, {}, starts_at=at)


async def test_a_run_in_time_goes_on_and_its_trigger_has_fired(world: World) -> None:
    workflow_id, run_id = await fired(world, timedelta(seconds=5))
    answer = await world.worker.post("/api/worker/adopt", json={"flowRunId": run_id})
    assert answer.status_code == 200, answer.text
    assert answer.json()["stop"] is None
    [trigger] = (await world.admin.get(f"/api/workflows/{workflow_id}/triggers")).json()["items"]
    assert trigger["lastFiredAt"]
    assert trigger["lastError"] is None


async def test_a_run_that_comes_too_late_is_told_to_stop_however_often_it_asks(
    world: World,
) -> None:
    workflow_id, run_id = await fired(world, timedelta(hours=3))
    for _ in range(2):
        answer = await world.worker.post("/api/worker/adopt", json={"flowRunId": run_id})
        assert "skips what it has missed" in answer.json()["stop"]
    async with world.database.reading() as session:
        [execution] = (await session.scalars(select(WorkflowExecution))).all()
    assert execution.reason == answer.json()["stop"]
    [trigger] = (await world.admin.get(f"/api/workflows/{workflow_id}/triggers")).json()["items"]
    assert trigger["lastError"] == answer.json()["stop"]


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
