"""A run that a Prefect event has started: which webhook trigger it stands for, and with what body.

The event is ``dataroll.webhook.received``; its automation hands the payload on as the parameter
``trigger``. Nobody has checked a signature: whoever may write to Prefect's API may send it, and
could start the flow there in other ways. The trigger's filter and its pause count all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import WorkflowTrigger
from server.orchestrator.protocol import RunState
from server.schemas import checked_json
from server.triggers.filters import FilterFailed, passes


@dataclass(frozen=True)
class Received:
    trigger: WorkflowTrigger | None
    body: Any
    refusal: str | None = None
    """Why the run must not go on."""


async def received(session: AsyncSession, workflow_id: str, state: RunState) -> Received | None:
    """None where no event has started the run."""
    given = dict(state.parameters).get("trigger")
    if state.scheduled or not isinstance(given, dict) or given.get("type") != "webhook":
        return None
    try:
        body = checked_json(given.get("body"))
    except ValueError as error:
        return Received(None, None, f"the event's payload cannot be kept: {error}")
    rows = await session.scalars(
        select(WorkflowTrigger)
        .where(
            WorkflowTrigger.workflow_id == workflow_id,
            WorkflowTrigger.type == "webhook",
            WorkflowTrigger.is_active.is_(True),
        )
        .order_by(WorkflowTrigger.id)
    )
    refusal = "an event was received, and the workflow has no webhook that is active"
    for trigger in rows:
        try:
            if passes(
                trigger.config.get("filter"), {"type": "webhook", "body": body, "headers": {}}
            ):
                return Received(trigger, body)
            refusal = "the event does not pass the webhook's filter"
        except FilterFailed as error:
            trigger.last_error = refusal = str(error)[:2000]
    return Received(None, body, refusal)
