"""A delivery, from raw bytes to an execution.

The order is the safety: count the sender, then find the key, then check the signature over the
raw bytes, then parse. An unknown key and a bad signature are one and the same answer, and cost
the same. Nothing is written before the signature is good.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.database import Database
from server.errors import ApiError, BadRequest, Unauthorized
from server.ids import new_id
from server.limits import Limits
from server.models import (
    WebhookDelivery,
    Workflow,
    WorkflowExecution,
    WorkflowTrigger,
    utc_now,
)
from server.schemas import checked_json
from server.secret_box import SecretBox, SecretKeyError
from server.tokens import token_hash
from server.triggers.filters import FilterFailed, passes
from server.triggers.keys import new_secret
from server.triggers.service import fire, note_error, secret_of
from server.webhooks.signatures import NEVER, delivery

log = logging.getLogger("dataroll.webhooks")

REMEMBERED = timedelta(days=7)
"""How long a delivery is known again; senders try for a day or three."""
HEADERS = ("x-github-event", "x-gitlab-event", "webhook-id", "user-agent")
"""What a filter may read of the headers."""

NOBODY = new_secret("standard")

_one_at_a_time: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


@dataclass(frozen=True)
class Delivered:
    id: str | None
    """The execution's; null when the filter said no."""
    status: str
    """``pending`` and so on, or ``filtered``."""


def refused() -> Unauthorized:
    return Unauthorized("no webhook has this key and this signature", code="webhook-refused")


async def receive(
    database: Database,
    box: SecretBox,
    limits: Limits,
    *,
    key: str,
    headers: Mapping[str, str],
    body: bytes,
    actor: Actor,
) -> Delivered:
    """Raises TooMany, Unauthorized, BadRequest; and what starting a run may raise."""
    limits.check_webhook(actor.ip or "")
    hashed = token_hash(key)
    async with database.reading() as session:
        row = (
            await session.execute(
                select(WorkflowTrigger, Workflow)
                .join(Workflow, Workflow.id == WorkflowTrigger.workflow_id)
                .where(
                    WorkflowTrigger.key_hash == hashed,
                    WorkflowTrigger.type == "webhook",
                    WorkflowTrigger.is_active.is_(True),
                    Workflow.deleted_at.is_(None),
                )
            )
        ).one_or_none()
        if row is None:
            # As much work as for a key that exists, so that time tells nothing.
            delivery("standard", NOBODY, headers, body)
            raise refused()
        trigger, workflow = row
        secret = await _secret(session, trigger, workflow, box)
        config = trigger.config
        delivery_id = delivery(
            config.get("scheme", "standard"), secret, headers, body, header=config.get("header")
        )
        if delivery_id is None:
            raise refused()
        limits.check_webhook_key(hashed)
        known = None if delivery_id == NEVER else await _known(session, trigger.id, delivery_id)
    if known is not None:
        return known
    payload = parsed(headers, body)
    if headers.get("x-github-event") == "ping":
        return Delivered(None, "filtered")
    # Senders repeat themselves at once; those who come second read instead of queueing to write.
    lock = _one_at_a_time.setdefault((trigger.id, delivery_id or new_id()), asyncio.Lock())
    waited = lock.locked()
    try:
        async with lock:
            if waited and delivery_id != NEVER:
                async with database.reading() as session:
                    known = await _known(session, trigger.id, delivery_id)
            if known is not None:
                return known
            return await _deliver(database, trigger.id, delivery_id, headers, payload, actor)
    except FilterFailed as error:
        # The sender can do nothing about it, and would only send it again.
        await note_error(database, trigger.id, str(error))
        return Delivered(None, "filtered")
    except ApiError as error:
        await note_error(database, trigger.id, error.detail)
        raise


async def _deliver(
    database: Database,
    trigger_id: str,
    delivery_id: str,
    headers: Mapping[str, str],
    payload: Any,
    actor: Actor,
) -> Delivered:
    async with database.writing() as session:
        # Other servers on this database deliver too: whoever has the row goes first.
        trigger = await session.get(WorkflowTrigger, trigger_id, with_for_update=True)
        if trigger is None:
            raise refused()
        workflow = await session.get(Workflow, trigger.workflow_id)
        assert workflow is not None  # noqa: S101 - the trigger would be gone with it
        known = None if delivery_id == NEVER else await _known(session, trigger.id, delivery_id)
        if known is not None:
            return known
        seen = {"type": "webhook", "body": payload, "headers": _readable(headers)}
        execution: WorkflowExecution | None = None
        if passes(trigger.config.get("filter"), seen):
            execution = await fire(
                session,
                trigger,
                workflow,
                by="webhook",
                payload=payload,
                headers=seen["headers"],
                key=delivery_id or new_id(),
                actor=actor,
            )
        if delivery_id != NEVER:
            session.add(
                WebhookDelivery(
                    id=new_id(),
                    trigger_id=trigger.id,
                    delivery_id=delivery_id,
                    execution_id=execution.id if execution else None,
                    outcome="started" if execution else "filtered",
                )
            )
        await session.execute(
            delete(WebhookDelivery).where(WebhookDelivery.created_at < utc_now() - REMEMBERED)
        )
        await session.flush()
    if execution is None:
        return Delivered(None, "filtered")
    return Delivered(execution.id, execution.status)


async def _known(session: AsyncSession, trigger_id: str, delivery_id: str) -> Delivered | None:
    row = await session.scalar(
        select(WebhookDelivery).where(
            WebhookDelivery.trigger_id == trigger_id, WebhookDelivery.delivery_id == delivery_id
        )
    )
    if row is None:
        return None
    if row.execution_id is None:
        return Delivered(None, row.outcome)
    status = await session.scalar(
        select(WorkflowExecution.status).where(WorkflowExecution.id == row.execution_id)
    )
    return Delivered(row.execution_id, status or "pending")


async def _secret(
    session: AsyncSession, trigger: WorkflowTrigger, workflow: Workflow, box: SecretBox
) -> str:
    try:
        return await secret_of(session, trigger, workflow, box)
    except SecretKeyError:
        log.error("trigger %s: its secret was sealed with a key that is not here", trigger.id)
        return ""


def parsed(headers: Mapping[str, str], body: bytes) -> Any:
    """The JSON body. Raises BadRequest."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/json") and not kind.endswith("+json"):
        raise BadRequest("a webhook takes JSON: set the content type application/json")
    if not body.strip():
        return None
    try:
        return checked_json(json.loads(body, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        why = str(error) if type(error) is ValueError else "it cannot be read"
        raise BadRequest(f"the body is no JSON that can be kept: {why}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _readable(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:500] for name in HEADERS if name in headers}
