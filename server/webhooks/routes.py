"""POST /api/webhooks/{key}: a signed call starts a workflow, each delivery once.

A bad signature and an unknown key get the same answer, so that nobody learns
which keys there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import database_of, needs
from server.actors import Actor
from server.auth.authenticate import address, agent
from server.errors import ApiError, BadRequest, Unauthorized
from server.executions.service import create_execution
from server.ids import new_id
from server.models import (
    WebhookDelivery,
    Workflow,
    WorkflowExecution,
    WorkflowTrigger,
    utc_now,
)
from server.schemas import Answer, checked_json
from server.tokens import token_hash
from server.triggers.filters import passes
from server.triggers.service import secret_of
from server.webhooks.signatures import delivery_id, is_signed

router = APIRouter(tags=["webhooks"])


class Received(Answer):
    id: str | None = Field(description="The execution's id; null when the filter said no")
    status: str


@dataclass(frozen=True)
class _Call:
    trigger: WorkflowTrigger
    workflow: Workflow
    payload: Any
    delivery: str
    actor: Actor


@router.post(
    "/api/webhooks/{key}",
    status_code=202,
    **{
        **needs("public", errors=(401, 409)),
        "openapi_extra": {
            "x-policy": "public",
            "security": [],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {}}},
            },
        },
    },
)
async def receive(key: str, request: Request) -> Received:
    """Start a run with the JSON body as `trigger.body`. The same delivery again is the same run."""
    hashed = token_hash(key)
    request.app.state.limits.check_webhook(address(request), hashed)
    body = await request.body()
    call = await _accepted(request, hashed, body)
    config = call.trigger.config
    if not passes(config.get("filter"), {"type": "webhook", "body": call.payload}):
        return Received(id=None, status="filtered")
    database = database_of(request)
    try:
        async with database.writing() as session:
            execution = await _start(session, call)
    except ApiError as error:
        async with database.writing() as session:
            await session.execute(
                update(WorkflowTrigger)
                .where(WorkflowTrigger.id == call.trigger.id)
                .values(last_error=error.detail[:2000])
            )
        raise
    request.app.state.dispatcher.wake()
    return Received(id=execution.id, status=execution.status)


async def _accepted(request: Request, key_hash: str, body: bytes) -> _Call:
    refused = Unauthorized("the key is unknown or the signature is bad")
    async with database_of(request).reading() as session:
        row = (
            await session.execute(
                select(WorkflowTrigger, Workflow)
                .join(Workflow, Workflow.id == WorkflowTrigger.workflow_id)
                .where(
                    WorkflowTrigger.key_hash == key_hash,
                    WorkflowTrigger.type == "webhook",
                    WorkflowTrigger.is_active.is_(True),
                    Workflow.deleted_at.is_(None),
                )
            )
        ).first()
        if row is None:
            raise refused
        trigger, workflow = row
        secret = await secret_of(session, request.app.state.secret_box, workflow, trigger)
    scheme = trigger.config.get("scheme") or "standard"
    header = trigger.config.get("header")
    if secret is None or not is_signed(scheme, secret, request.headers, body, header):
        raise refused
    return _Call(
        trigger=trigger,
        workflow=workflow,
        payload=_payload(body),
        delivery=delivery_id(scheme, request.headers) or new_id(),
        actor=Actor(None, "webhook", address(request), agent(request)),
    )


def _payload(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return checked_json(json.loads(body))
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None


async def _start(session: AsyncSession, call: _Call) -> WorkflowExecution:
    """Whoever writes the delivery down first starts the run; the others find it."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    first = await session.execute(
        insert(WebhookDelivery)
        .values(
            id=new_id(),
            created_at=utc_now(),
            trigger_id=call.trigger.id,
            delivery_id=call.delivery,
            outcome="started",
        )
        .on_conflict_do_nothing(index_elements=["trigger_id", "delivery_id"])
        .returning(WebhookDelivery.id)
    )
    row_id = first.scalar()
    if row_id is None:
        known = await session.scalar(
            select(WorkflowExecution)
            .join(WebhookDelivery, WebhookDelivery.execution_id == WorkflowExecution.id)
            .where(
                WebhookDelivery.trigger_id == call.trigger.id,
                WebhookDelivery.delivery_id == call.delivery,
            )
        )
        assert known is not None  # noqa: S101 - written together with its execution
        return known
    workflow = await session.get(Workflow, call.workflow.id)
    assert workflow is not None  # noqa: S101 - workflows are never removed
    config = call.trigger.config
    execution = await create_execution(
        session,
        workflow,
        triggered_by="webhook",
        actor=call.actor,
        variables=config.get("variables") or {},
        context={"connectionId": config["connectionId"]} if config.get("connectionId") else {},
        trigger_payload=call.payload,
        trigger_id=call.trigger.id,
    )
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == row_id)
        .values(execution_id=execution.id)
    )
    await session.execute(
        update(WorkflowTrigger)
        .where(WorkflowTrigger.id == call.trigger.id)
        .values(last_fired_at=utc_now(), last_error=None)
    )
    return execution
