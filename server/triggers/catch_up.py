"""Which schedule started a run, and whether the run comes too late to be run at all.

The orchestrator fires schedules by itself, so that they fire while this server stands still.
A run that starts long after its time (its worker stood still) follows its trigger's catch-up
policy: ``skip`` ends it as cancelled, ``latest`` lets the last of the missed ones run.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import WorkflowTrigger
from server.orchestrator.protocol import RunState
from server.orchestrator.schedules import next_times

LATE = timedelta(minutes=15)
"""A run that starts later than this after its time has missed it."""


async def trigger_of(
    session: AsyncSession, workflow_id: str, state: RunState
) -> WorkflowTrigger | None:
    """Which of the workflow's schedules it was: the one that fires at this time."""
    if not state.scheduled:
        return None
    rows = await session.scalars(
        select(WorkflowTrigger).where(
            WorkflowTrigger.workflow_id == workflow_id, WorkflowTrigger.type == "scheduled"
        )
    )
    triggers = list(rows)
    if len(triggers) > 1 and state.starts_at is not None:
        for trigger in triggers:
            before = state.starts_at - timedelta(seconds=1)
            [time] = await _next(trigger, before)
            if abs(time - state.starts_at) < timedelta(seconds=1):
                return trigger
    return triggers[0] if triggers else None


async def missed_by(
    trigger: WorkflowTrigger, due: datetime | None, now: datetime | None = None
) -> str | None:
    """Why a run that was due then is not to run now, or None."""
    now = now or datetime.now(UTC)
    if due is None or now - due <= LATE:
        return None
    late = int((now - due).total_seconds() // 60)
    said = f"it was due at {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC and could start {late} minutes later"
    if trigger.config.get("catchUp", "skip") == "skip":
        return f"missed: {said}; the trigger skips what it has missed"
    [after] = await _next(trigger, due + timedelta(seconds=1))
    if after <= now:
        return f"missed: {said}; only the latest missed run is caught up on"
    return None


async def _next(trigger: WorkflowTrigger, after: datetime) -> list[datetime]:
    config = trigger.config
    return await next_times(config["cron"], config.get("timezone") or "UTC", 1, after=after)
