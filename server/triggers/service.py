"""Make, change and remove triggers; and fire them, which makes an execution."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.audit.record import record
from server.database import Database
from server.errors import Conflict
from server.executions.service import create_execution
from server.ids import new_id
from server.models import (
    TeamVariable,
    Workflow,
    WorkflowExecution,
    WorkflowTrigger,
    WorkflowVariable,
    utc_now,
)
from server.secret_box import SecretBox
from server.triggers.config import checked
from server.triggers.keys import Shown, renew

MOST = 50
"""Triggers of one workflow."""
HOLE = re.compile(r"\s*\{\{\s*([A-Za-z_][\w-]*)\s*\}\}\s*")


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
    *,
    is_active: bool = True,
) -> tuple[WorkflowTrigger, Shown | None]:
    """A trigger, and for a webhook what is shown once."""
    if len(await triggers_of(session, workflow.id)) >= MOST:
        raise Conflict(f"a workflow has at most {MOST} triggers")
    trigger = WorkflowTrigger(
        id=new_id(),
        workflow_id=workflow.id,
        type=type_,
        config=checked(type_, config),
        is_active=is_active,
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


class Drawn(Protocol):
    """``compiler.compiled.TriggerSpec``."""

    @property
    def node(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def config(self) -> Mapping[str, Any]: ...


async def keep_drawn(session: AsyncSession, workflow_id: str, drawn: Iterable[Drawn]) -> None:
    """One trigger for each trigger node of what is being published; pauses and keys stay."""
    known = {row.node_id: row for row in await triggers_of(session, workflow_id) if row.node_id}
    specs = {spec.node: spec for spec in drawn}
    for node_id, row in known.items():
        if node_id not in specs or specs[node_id].kind != row.type:
            await session.delete(row)
            await session.flush()
    for node_id, spec in specs.items():
        found = known.get(node_id)
        if found is None or found.type != spec.kind:
            found = WorkflowTrigger(id=new_id(), workflow_id=workflow_id, type=spec.kind)
            found.node_id, found.is_active, found.revision = node_id, True, 0
            session.add(found)
        if found.config != dict(spec.config):
            # The compiler has checked it, so nothing is refused here.
            found.config = dict(spec.config)
            found.revision += 1
    await session.flush()


async def secret_of(
    session: AsyncSession, trigger: WorkflowTrigger, workflow: Workflow, box: SecretBox
) -> str:
    """The secret that a drawn webhook names, if it has a value; else the one that was made."""
    named = HOLE.fullmatch(str(trigger.config.get("secret", "")))
    sealed = None
    if named is not None:
        sealed = await session.scalar(
            select(WorkflowVariable.default_value).where(
                WorkflowVariable.workflow_id == workflow.id,
                WorkflowVariable.name == named[1],
                WorkflowVariable.is_secret.is_(True),
            )
        ) or await session.scalar(
            select(TeamVariable.value).where(
                TeamVariable.team_id == workflow.team_id,
                TeamVariable.name == named[1],
                TeamVariable.is_secret.is_(True),
            )
        )
    sealed = sealed or trigger.secret
    return box.decrypt(sealed) if sealed else ""


async def fire(
    session: AsyncSession,
    trigger: WorkflowTrigger,
    workflow: Workflow,
    *,
    by: str,
    payload: Any,
    key: str,
    actor: Actor,
    headers: Mapping[str, str] | None = None,
) -> WorkflowExecution:
    """The execution that this firing makes; the same ``key`` again gives the same one.

    Raises Conflict when nothing is published, Invalid when variables are missing.
    """
    config = trigger.config
    execution = await create_execution(
        session,
        workflow,
        triggered_by=by,
        actor=actor,
        variables=config.get("variables") or {},
        context={"connectionId": config["connectionId"]} if config.get("connectionId") else {},
        trigger_payload=payload,
        trigger_headers=headers,
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
