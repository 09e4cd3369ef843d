"""A run of a schedule that starts long after its time follows its trigger's catch-up policy.

``skip`` ends it as cancelled, ``latest`` lets the last of the missed ones run. Late is what
starts more than :data:`LATE` after its time: its worker stood still, or Prefect did.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import WorkflowExecution, WorkflowTrigger
from server.orchestrator.protocol import RunState
from server.orchestrator.schedules import next_times

LATE = timedelta(minutes=15)
MISSED = "missed: "


async def note_fired(session: AsyncSession, execution: WorkflowExecution, state: RunState) -> None:
    """Say beside the trigger that it fired, and on the execution that it comes too late."""
    if not state.scheduled:
        return
    trigger = await _trigger(session, execution.workflow_id, state.starts_at)
    if trigger is None:
        return
    execution.trigger_id = trigger.id
    execution.reason = await missed_by(trigger, state.starts_at)
    trigger.last_fired_at = state.starts_at or datetime.now(UTC)
    trigger.last_error = execution.reason
    await session.flush()


def stop_of(execution: WorkflowExecution) -> str | None:
    """Why the run is not to do anything, or None."""
    reason = execution.reason or ""
    return reason if reason.startswith(MISSED) else None


async def missed_by(
    trigger: WorkflowTrigger, due: datetime | None, now: datetime | None = None
) -> str | None:
    """Why a run that was due then is not to run now, or None."""
    now = now or datetime.now(UTC)
    if due is None or now - due <= LATE:
        return None
    late = int((now - due).total_seconds() // 60)
    said = (
        f"it was due at {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC and started {late} minutes later"
    )
    if trigger.config.get("catchUp", "skip") == "skip":
        return f"{MISSED}{said}; the trigger skips what it has missed"
    [after] = await _next(trigger, due + timedelta(seconds=1))
    if after <= now:
        return f"{MISSED}{said}; only the latest missed run is caught up on"
    return None


async def _trigger(
    session: AsyncSession, workflow_id: str, due: datetime | None
) -> WorkflowTrigger | None:
    """Which of the workflow's schedules it was: the one that fires at this time."""
    rows = await session.scalars(
        select(WorkflowTrigger).where(
            WorkflowTrigger.workflow_id == workflow_id, WorkflowTrigger.type == "scheduled"
        )
    )
    triggers = list(rows)
    if len(triggers) > 1 and due is not None:
        for trigger in triggers:
            [time] = await _next(trigger, due - timedelta(seconds=1))
            if abs(time - due) < timedelta(seconds=1):
                return trigger
    return triggers[0] if triggers else None


async def _next(trigger: WorkflowTrigger, after: datetime) -> list[datetime]:
    config = trigger.config
    return await next_times(config["cron"], config.get("timezone") or "UTC", 1, after=after)
