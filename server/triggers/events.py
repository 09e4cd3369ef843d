"""What happens in dataroll starts workflows that wait for it.

::

    await happened(session, Happening(new_id(), team_id, "execution.finished", {…}), actor)

The server matches events itself, in the transaction that records what happened: then an event
starts its runs exactly when it is true, once, and with filters in the workflow's own language.
Prefect's automations could not: they see the event after the fact, and match names and labels.

A run that an event started carries the workflows that led to it. An event does not start a
workflow that is already in that chain, nor make a chain longer than :data:`LONGEST_CHAIN`, so
two workflows that wait for each other run once each and stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import SERVER, Actor
from server.errors import ApiError
from server.models import Workflow, WorkflowExecution, WorkflowTrigger, utc_now
from server.triggers.filters import FilterFailed, passes
from server.triggers.service import fire

LONGEST_CHAIN = 5


@dataclass(frozen=True)
class Happening:
    id: str
    """The same id again starts nothing again."""
    team_id: str
    type: str
    data: dict[str, Any]
    chain: tuple[str, ...] = ()
    """Ids of the workflows whose runs led to this, the first one first."""
    started_by: str | None = None
    """The id of the person whose act it was: they are never the only consent to what it starts."""

    @property
    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "at": utc_now().isoformat(),
            "data": self.data,
            "chain": list(self.chain),
            "startedBy": self.started_by,
        }


async def happened(session: AsyncSession, happening: Happening, actor: Actor = SERVER) -> list[str]:
    """Start every workflow that waits for this; the executions' ids. Never raises for one of
    them: what went wrong stands beside its trigger, and the others start."""
    rows = await session.execute(
        select(WorkflowTrigger, Workflow)
        .join(Workflow, Workflow.id == WorkflowTrigger.workflow_id)
        .where(
            WorkflowTrigger.type == "event",
            WorkflowTrigger.is_active.is_(True),
            Workflow.team_id == happening.team_id,
            Workflow.is_published.is_(True),
            Workflow.deleted_at.is_(None),
        )
        .order_by(WorkflowTrigger.id)
    )
    payload = happening.payload
    started: list[str] = []
    for trigger, workflow in rows.all():
        if not waits_for(trigger.config.get("event", ""), happening.type):
            continue
        try:
            if not passes(trigger.config.get("filter"), {"type": "event", "body": payload}):
                continue
            problem = loop_problem(happening, workflow)
            if problem:
                trigger.last_error = problem
                continue
            async with session.begin_nested():
                execution = await fire(
                    session,
                    trigger,
                    workflow,
                    by="event",
                    payload=payload,
                    key=happening.id,
                    actor=actor,
                )
            started.append(execution.id)
        except FilterFailed as error:
            trigger.last_error = str(error)[:2000]
        except ApiError as error:
            trigger.last_error = error.detail[:2000]
    await session.flush()
    return started


def waits_for(wanted: str, type_: str) -> bool:
    """``execution.*`` waits for every event of that kind."""
    return wanted == type_ or (wanted.endswith(".*") and type_.startswith(wanted[:-1]))


def loop_problem(happening: Happening, workflow: Workflow) -> str | None:
    if workflow.id in happening.chain:
        return "not started: a run of this workflow led to the event, so it would go on for ever"
    if len(happening.chain) >= LONGEST_CHAIN:
        return f"not started: {LONGEST_CHAIN} workflows have started one another already"
    return None


def chain_of(execution: WorkflowExecution) -> tuple[str, ...]:
    """The workflows that led to this run, and its own."""
    trigger = (
        (execution.context or {}).get("trigger") if execution.triggered_by == "event" else None
    )
    before = trigger.get("chain", []) if isinstance(trigger, dict) else []
    return (*(str(each) for each in before), execution.workflow_id)
