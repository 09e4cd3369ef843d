"""Make, change and remove triggers; and fire them, which makes an execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.audit.record import record
from server.database import Database
from server.errors import Conflict
from server.executions.service import create_execution
from server.ids import new_id
from server.models import (
    Workflow,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTrigger,
    utc_now,
)
from server.secret_box import SecretBox
from server.triggers.config import checked
from server.triggers.keys import Shown, renew

MOST = 50
"""Triggers of one workflow."""


async def triggers_of(session: AsyncSession, workflow_id: str) -> list[WorkflowTrigger]:
    query = select(WorkflowTrigger).where(WorkflowTrigger.workflow_id == workflow_id)
    return list(await session.scalars(query.order_by(WorkflowTrigger.id)))


async def make(
    session: AsyncSession,
    actor: Actor,
    workflow: Workflow,
    type_: str,
    config: dict[str, Any],
    box: SecretBox,
) -> tuple[WorkflowTrigger, Shown | None]:
    """A trigger, and for a webhook what is shown once."""
    if len(await triggers_of(session, workflow.id)) >= MOST:
        raise Conflict(f"a workflow has at most {MOST} triggers")
    trigger = WorkflowTrigger(
        id=new_id(),
        workflow_id=workflow.id,
        type=type_,
        config=checked(type_, config),
        is_active=True,
        revision=1,
        created_by=actor.id,
    )
    shown = renew(trigger, box) if type_ == "webhook" else None
    session.add(trigger)
    await session.flush()
    await noted(session, actor, "trigger.create", workflow, trigger)
    return trigger, shown


async def noted(
    session: AsyncSession, actor: Actor, action: str, workflow: Workflow, trigger: WorkflowTrigger
) -> None:
    await record(
        session,
        actor,
        action,
        "trigger",
        trigger.id,
        team_id=workflow.team_id,
        workflow=workflow.name,
        type=trigger.type,
        active=trigger.is_active,
    )


async def keep_drawn(
    session: AsyncSession, workflow: Workflow, definition: WorkflowDefinition
) -> None:
    """One trigger for each trigger node of what is being published; pauses and keys stay."""
    known = {row.node_id: row for row in await triggers_of(session, workflow.id) if row.node_id}
    drawn: dict[str, tuple[str, dict[str, Any]]] = {}
    for node in definition.nodes:
        data = node.get("data") or {}
        kind = data.get("trigger") or workflow.trigger
        if node.get("type") == "trigger" and kind in ("scheduled", "webhook", "event"):
            drawn[node["id"]] = (kind, _drawn_config(kind, data))
    for node_id, row in known.items():
        if node_id not in drawn or drawn[node_id][0] != row.type:
            await session.delete(row)
            await session.flush()
    for node_id, (kind, config) in drawn.items():
        found = known.get(node_id)
        if found is None or found.type != kind:
            found = WorkflowTrigger(id=new_id(), workflow_id=workflow.id, type=kind)
            found.node_id, found.is_active, found.revision = node_id, True, 0
            session.add(found)
        if found.config != config:
            found.config = config
            found.revision += 1
    await session.flush()


_KEYS = {
    "scheduled": ("cron", "timezone", "catchUp", "description"),
    "webhook": ("scheme", "filter", "path", "description"),
    "event": ("event", "filter", "description"),
}


def _drawn_config(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the node says. The compiler has checked it, so nothing is refused here."""
    config = {key: data[key] for key in _KEYS[kind] if data.get(key) not in (None, "")}
    secret = data.get("secret")
    if kind == "webhook" and isinstance(secret, str) and secret.strip():
        config["secretVariable"] = secret.strip().removeprefix("{{").removesuffix("}}").strip()
    return config


async def fire(
    session: AsyncSession,
    trigger: WorkflowTrigger,
    workflow: Workflow,
    *,
    by: str,
    payload: Any,
    key: str,
    actor: Actor,
) -> WorkflowExecution:
    """The execution that this firing makes; the same ``key`` again gives the same one.

    Raises Conflict when nothing is published, Invalid when variables are missing.
    """
    execution = await create_execution(
        session,
        workflow,
        triggered_by=by,
        actor=actor,
        trigger_payload=payload,
        trigger_id=trigger.id,
        idempotency_key=f"{by}:{trigger.id}:{key}"[:255],
    )
    trigger.last_fired_at, trigger.last_error = utc_now(), None
    await session.flush()
    return execution


async def note_error(database: Database, trigger_id: str, message: str) -> None:
    """Keep why the trigger did not start a run; its author sees it beside the trigger."""
    async with database.writing() as session:
        trigger = await session.get(WorkflowTrigger, trigger_id)
        if trigger is not None:
            trigger.last_error = message[:2000]
