"""Runs that Prefect has started by itself get an execution of their own.

The orchestrator fires schedules by itself, so that they fire while this server stands still; and
people may start a run in Prefect's own pages, or an event may (docs/prefect.md).
Such a run asks who it is (``GET /api/worker/flow-runs/{id}``), which adopts it at once; what never
comes to ask, because its process died, a loop finds.

A run that starts long after its time (its worker stood still) follows its trigger's catch-up
policy: ``skip`` ends it as cancelled, ``latest`` lets the last of the missed ones run.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import SERVER, Actor
from server.audit.record import record
from server.database import Database
from server.executions.service import current_user, status_event
from server.ids import new_id
from server.live.events import append
from server.models import (
    Workflow,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTrigger,
    utc_now,
)
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, RunState
from server.orchestrator.schedules import next_times

log = logging.getLogger("dataroll.schedules")

LATE = timedelta(minutes=15)
"""A run that starts later than this after its time has missed it."""
EVERY = 10.0


class Adopter:
    """Looks for runs of schedules that nobody knows yet."""

    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except OrchestratorUnavailable:
                continue
            except Exception:
                log.exception("looking for scheduled runs failed; it goes on")

    async def look(self) -> int:
        """Adopt what is there; how many runs were new."""
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(Workflow.deployment_id)
                .join(WorkflowTrigger, WorkflowTrigger.workflow_id == Workflow.id)
                .where(WorkflowTrigger.type == "scheduled", Workflow.deployment_id.is_not(None))
                .distinct()
            )
            deployments = tuple(each for each in rows if each)
        new = 0
        for state in await self.orchestrator.scheduled_runs(deployments):
            async with self.database.reading() as session:
                if await known(session, state.run_id) is not None:
                    continue
            new += await adopt(self.database, state) is not None
        return new


async def adopt_by_id(
    database: Database, orchestrator: Orchestrator, run_id: str
) -> WorkflowExecution | None:
    """The execution of this run, made now if there is none; None if its workflow is not ours."""
    async with database.reading() as session:
        found = await known(session, run_id)
    if found is not None:
        return found
    state = await orchestrator.get(run_id)
    return None if state is None else await adopt(database, state)


async def known(session: AsyncSession, run_id: str) -> WorkflowExecution | None:
    query = select(WorkflowExecution).where(WorkflowExecution.prefect_flow_run_id == run_id)
    return (await session.scalars(query)).one_or_none()


async def adopt(database: Database, state: RunState) -> WorkflowExecution | None:
    """Make the execution of a run that a schedule has started. Twice is once."""
    if state.execution_id is not None or state.deployment_id is None:
        return None
    async with database.reading() as session:
        definition = await session.scalar(
            select(WorkflowDefinition).where(
                WorkflowDefinition.deployment_id == state.deployment_id
            )
        )
        if definition is None:
            return None
        trigger = await _trigger(session, definition.workflow_id, state)
    missed = None if trigger is None else await missed_by(trigger, state.scheduled_for)
    try:
        async with database.writing() as session:
            return await _adopted(session, definition, trigger, state, missed)
    except IntegrityError:  # somebody was faster
        async with database.reading() as session:
            return await known(session, state.run_id)


async def _adopted(
    session: AsyncSession,
    definition: WorkflowDefinition,
    trigger: WorkflowTrigger | None,
    state: RunState,
    missed: str | None,
) -> WorkflowExecution:
    workflow = await session.get(Workflow, definition.workflow_id)
    assert workflow is not None  # noqa: S101 - definitions go with their workflow
    now = utc_now()
    by = "schedule" if state.scheduled else "prefect"
    execution = WorkflowExecution(
        id=new_id(),
        workflow_id=workflow.id,
        team_id=workflow.team_id,
        definition_id=definition.id,
        version=definition.version,
        status="pending" if missed is None else "cancelled",
        reason=missed,
        completed_at=None if missed is None else now,
        triggered_by=by,
        triggered_at=state.scheduled_for or now,
        trigger_id=trigger.id if trigger else None,
        idempotency_key=f"prefect:{state.run_id}",
        prefect_flow_run_id=state.run_id,
        deployment_id=state.deployment_id,
        context={"context": {}, "variables": {}, "trigger": None},
    )
    given = {name: value for name, value in state.parameters.items() if value is not None}
    scheduled_for = state.scheduled_for.isoformat() if state.scheduled_for else None
    execution.parameters = {
        **given,
        "currentUser": await current_user(session, workflow.team_id, Actor(None, by)),
        "trigger": given.get("trigger")
        or {
            "type": "scheduled" if state.scheduled else "manual",
            "body": {"scheduledFor": scheduled_for},
        },
        "execution": {
            "id": execution.id,
            "startedAt": now.isoformat(),
            "dryRun": False,
            "workflowId": workflow.id,
            "version": definition.version,
        },
    }
    session.add(execution)
    if trigger is not None:
        row = await session.get(WorkflowTrigger, trigger.id)
        if row is not None:
            row.last_fired_at = state.scheduled_for or now
            row.last_error = missed
    await session.flush()
    await append(
        session, f"team:{workflow.team_id}", workflow.team_id, "execution", status_event(execution)
    )
    await record(
        session,
        SERVER,
        "execution.start" if missed is None else "execution.cancelled",
        "execution",
        execution.id,
        team_id=workflow.team_id,
        execution_id=execution.id,
        version=execution.version,
        workflow=workflow.name,
        by=by,
        reason=missed,
    )
    return execution


async def _trigger(
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
    if len(triggers) > 1 and state.scheduled_for is not None:
        for trigger in triggers:
            before = state.scheduled_for - timedelta(seconds=1)
            [time] = await _next(trigger, before)
            if abs(time - state.scheduled_for) < timedelta(seconds=1):
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
