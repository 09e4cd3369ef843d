"""Triggers of a workflow: the drawn ones follow the published version, the others stand alone."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import (
    TeamVariable,
    Workflow,
    WorkflowDefinition,
    WorkflowTrigger,
    WorkflowVariable,
    utc_now,
)
from server.orchestrator.protocol import Schedule
from server.secret_box import SecretBox
from server.tokens import new_token, token_hash


class DrawnTrigger(Protocol):
    """``compiler.compiled.TriggerSpec``."""

    @property
    def node(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def config(self) -> Mapping[str, Any]: ...


async def keep_drawn(
    session: AsyncSession, workflow_id: str, drawn: Iterable[DrawnTrigger]
) -> None:
    """After publishing: one row per trigger node. Keys and pauses of known nodes stay."""
    known = {
        row.node_id: row
        for row in await session.scalars(
            select(WorkflowTrigger).where(
                WorkflowTrigger.workflow_id == workflow_id, WorkflowTrigger.node_id.is_not(None)
            )
        )
    }
    specs = {spec.node: spec for spec in drawn}
    gone = [row.id for node, row in known.items() if node not in specs]
    await session.execute(delete(WorkflowTrigger).where(WorkflowTrigger.id.in_(gone)))
    for node, spec in specs.items():
        row = known.get(node)
        if row is None or row.type != spec.kind:
            if row is not None:
                await session.delete(row)
                await session.flush()
            row = WorkflowTrigger(
                workflow_id=workflow_id, type=spec.kind, node_id=node, is_active=True, revision=1
            )
            session.add(row)
        row.config = dict(spec.config)
    await session.flush()


async def triggers_of(session: AsyncSession, workflow_id: str) -> list[WorkflowTrigger]:
    rows = await session.scalars(
        select(WorkflowTrigger)
        .where(WorkflowTrigger.workflow_id == workflow_id)
        .order_by(WorkflowTrigger.id)
    )
    return list(rows.all())


def schedule_parameters(
    config: Mapping[str, Any], schema: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """What the runs of a schedule are given, as the flow's parameters: ``schema`` and ``names``
    are the compiled flow's. A name that the version at hand does not take is left out."""
    given = dict(config.get("variables") or {})
    if config.get("connectionId") is not None:
        given.setdefault("connectionId", config["connectionId"])
    renamed = {names.get(name, name): value for name, value in given.items()}
    taken = schema.get("properties") or {}
    return {name: value for name, value in renamed.items() if name in taken}


async def schedules_of(session: AsyncSession, workflow_id: str) -> tuple[Schedule, ...]:
    interface = (
        await session.scalar(
            select(WorkflowDefinition.interface)
            .join(Workflow, Workflow.published_definition_id == WorkflowDefinition.id)
            .where(Workflow.id == workflow_id)
        )
        or {}
    )
    return tuple(
        Schedule(
            trigger.node_id or trigger.id,
            trigger.config["cron"],
            trigger.config.get("timezone") or "UTC",
            trigger.is_active,
            schedule_parameters(
                trigger.config, interface.get("schema") or {}, interface.get("names") or {}
            ),
        )
        for trigger in await triggers_of(session, workflow_id)
        if trigger.type == "scheduled" and trigger.config.get("cron")
    )


def give_key(trigger: WorkflowTrigger, box: SecretBox) -> tuple[str, str]:
    """A new key and a new secret; the old ones are no good any more. Both are shown once."""
    key = new_token("hook")
    # Standard Webhooks wants base64 behind this prefix; the other schemes take it as it is.
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    trigger.key_hash = token_hash(key)
    trigger.key_prefix = key[:14]
    trigger.secret = box.encrypt(secret)
    trigger.updated_at = utc_now()
    return key, secret


async def secret_of(
    session: AsyncSession, box: SecretBox, workflow: Workflow, trigger: WorkflowTrigger
) -> str | None:
    """A drawn webhook may name a secret of the workflow; that one goes before the made one."""
    named = re.fullmatch(
        r"\s*\{\{\s*([A-Za-z_][\w-]*)\s*\}\}\s*", str(trigger.config.get("secret", ""))
    )
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
        return None if sealed is None else box.decrypt(sealed)
    return None if trigger.secret is None else box.decrypt(trigger.secret)
