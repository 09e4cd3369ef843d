"""Ask for a run, and take it back. A dispatcher starts what is pending."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.audit.record import record
from server.errors import Conflict, Invalid, field_error
from server.executions.parameters import build_variables
from server.executions.trigger_body import is_large, keep_apart, note_on
from server.ids import new_id
from server.live.events import append
from server.models import (
    Connection,
    Membership,
    TeamVariable,
    User,
    Workflow,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
    utc_now,
)
from server.workflows.facts import Facts, read_facts


async def create_execution(
    session: AsyncSession,
    workflow: Workflow,
    *,
    triggered_by: str,
    actor: Actor,
    variables: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    delay_seconds: float = 0,
    idempotency_key: str | None = None,
    dry_run: bool = False,
    approvals: Mapping[str, str] | None = None,
    trigger_payload: Any = None,
    trigger_headers: Mapping[str, str] | None = None,
    trigger_id: str | None = None,
    definition: WorkflowDefinition | None = None,
    deployment_id: str | None = None,
) -> WorkflowExecution:
    """A pending execution of the published version, or of ``definition`` (a draft under test).

    The same idempotency key again gives the same execution. Raises Conflict
    when nothing is published and Invalid when the inputs are not right. After
    the commit somebody has to wake the dispatcher.
    """
    if idempotency_key is not None:
        known = await find_by_key(session, workflow.id, idempotency_key)
        if known is not None:
            return known
    definition = definition or await _published(session, workflow)
    facts = read_facts(definition.content, definition.format)
    sent, context = dict(variables or {}), dict(context or {})
    connection_id = await _connection(session, workflow, facts, sent, context)
    values = build_variables(facts, sent, await _team_values(session, workflow.team_id))
    await _check_connections(session, workflow, facts, values)
    trigger = _trigger(triggered_by, trigger_payload, context)
    if trigger_headers is not None:
        trigger["headers"] = dict(trigger_headers)
    # An event's chain of workflows and people is read from the row.
    body = trigger["body"]
    large = trigger["type"] != "event" and is_large(body)
    if large:
        trigger["body"] = note_on(body)
        trigger_payload = None if trigger_payload is None else trigger["body"]
    now = utc_now()
    execution = WorkflowExecution(
        id=new_id(),
        workflow_id=workflow.id,
        team_id=workflow.team_id,
        definition_id=definition.id,
        version=definition.version,
        status="pending",
        triggered_by=triggered_by,
        triggered_at=now,
        trigger_id=trigger_id,
        context={"context": context, "variables": values, "trigger": trigger_payload},
        dry_run=dry_run,
        connection_id=connection_id,
        idempotency_key=idempotency_key,
        start_at=now + timedelta(seconds=delay_seconds) if delay_seconds > 0 else None,
        deployment_id=deployment_id or definition.deployment_id or workflow.deployment_id,
    )
    given = values | ({"connectionId": connection_id} if connection_id else {})
    execution.parameters = {
        **_as_flow_parameters(definition, facts, given),
        "currentUser": await current_user(session, workflow.team_id, actor),
        "trigger": trigger,
        "execution": {
            "id": execution.id,
            "startedAt": now.isoformat(),
            "dryRun": dry_run,
            "workflowId": workflow.id,
            "version": definition.version,
            "connections": await _names(session, facts, {**values, "connectionId": connection_id}),
            **({"approvals": dict(approvals or {})} if dry_run else {}),
        },
    }
    if not await _insert(session, execution):
        known = await find_by_key(session, workflow.id, idempotency_key or "")
        assert known is not None  # noqa: S101 - it is what the insert collided with
        return known
    if large:
        await keep_apart(session, execution.id, body)
    event = status_event(execution)
    await append(session, f"execution:{execution.id}", execution.team_id, "execution", event)
    await append(session, f"team:{execution.team_id}", execution.team_id, "execution", event)
    await record(
        session,
        actor,
        "execution.test" if dry_run else "execution.start",
        "execution",
        execution.id,
        team_id=execution.team_id,
        execution_id=execution.id,
        version=execution.version,
        workflow=workflow.name,
        by=triggered_by,
    )
    return execution


def _as_flow_parameters(
    definition: WorkflowDefinition, facts: Facts, given: dict[str, Any]
) -> dict[str, Any]:
    """Only what the flow takes, under the names that Python lets it have."""
    interface = definition.interface or {}
    taken = (interface.get("schema") or {}).get("properties")
    names = interface.get("names") or {}
    renamed = {names.get(name, name): value for name, value in given.items()}
    if taken is not None:
        return {name: value for name, value in renamed.items() if name in taken}
    return {k: v for k, v in renamed.items() if k != "connectionId" or facts.uses(k)}


async def find_by_key(
    session: AsyncSession, workflow_id: str, key: str
) -> WorkflowExecution | None:
    query = select(WorkflowExecution).where(
        WorkflowExecution.workflow_id == workflow_id, WorkflowExecution.idempotency_key == key
    )
    return (await session.scalars(query)).one_or_none()


async def _insert(session: AsyncSession, execution: WorkflowExecution) -> bool:
    """False when somebody else has used the idempotency key at the same moment."""
    if execution.idempotency_key is None:
        session.add(execution)
        await session.flush()
        return True
    try:
        async with session.begin_nested():
            session.add(execution)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def _published(session: AsyncSession, workflow: Workflow) -> WorkflowDefinition:
    if not workflow.is_published or workflow.published_definition_id is None:
        raise Conflict(
            "nothing of this workflow is published: publish it, or test the draft",
            code="not-published",
        )
    definition = await session.get(WorkflowDefinition, workflow.published_definition_id)
    assert definition is not None  # noqa: S101 - versions are never removed
    return definition


async def _connection(
    session: AsyncSession,
    workflow: Workflow,
    facts: Facts,
    sent: dict[str, Any],
    context: dict[str, Any],
) -> str | None:
    """``connectionId`` from the variables or the context; needed where the definition uses it."""
    declared = any(variable.name == "connectionId" for variable in facts.variables)
    value = sent.get("connectionId") if declared else sent.pop("connectionId", None)
    if value is None:
        value = context.get("connectionId")
    if value is None:
        if facts.uses("connectionId") and not declared:
            raise field_error("context.connectionId", "say on which connection", "required")
        return None
    return await _own_connection(session, workflow.team_id, value, "context.connectionId")


async def _own_connection(session: AsyncSession, team_id: str, value: Any, field: str) -> str:
    """The connection's id, of this team, given by its id or its name."""
    found = None
    if isinstance(value, str) and len(value) <= 200 and "\x00" not in value:
        found = await session.scalar(
            select(Connection.id)
            .where(
                Connection.team_id == team_id,
                (Connection.id == value) | (Connection.name == value),
            )
            .limit(1)
        )
    if found is None:
        raise field_error(field, "there is no such connection in this team", "unknown-connection")
    return found


async def _check_connections(
    session: AsyncSession, workflow: Workflow, facts: Facts, values: dict[str, Any]
) -> None:
    """Put the connection's id for its name. Raises Invalid with every one that is not there."""
    errors: list[Mapping[str, Any]] = []
    for variable in facts.variables:
        if variable.type == "connection" and values.get(variable.name) is not None:
            try:
                values[variable.name] = await _own_connection(
                    session, workflow.team_id, values[variable.name], f"variables.{variable.name}"
                )
            except Invalid as error:
                errors += error.errors
    if errors:
        raise Invalid("the run's variables are not right", errors=errors)


async def _names(session: AsyncSession, facts: Facts, values: Mapping[str, Any]) -> dict[str, str]:
    """By id, the names of the run's connections: people are told the name."""
    variables = {"connectionId", *(v.name for v in facts.variables if v.type == "connection")}
    ids = [value for name, value in values.items() if name in variables and value is not None]
    rows = await session.execute(
        select(Connection.id, Connection.name).where(Connection.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


async def _team_values(session: AsyncSession, team_id: str) -> dict[str, tuple[str, Any]]:
    rows = await session.scalars(
        select(TeamVariable).where(
            TeamVariable.team_id == team_id, TeamVariable.is_secret.is_(False)
        )
    )
    return {row.name: (row.type, json.loads(row.value or "null")) for row in rows}


async def current_user(session: AsyncSession, team_id: str, actor: Actor) -> dict[str, Any]:
    """Who started it. ``teamOwner`` is there for runs that nobody started, too."""
    owner = await session.scalar(
        select(Membership.user_id)
        .where(Membership.team_id == team_id, Membership.role == "owner")
        .order_by(Membership.id)
        .limit(1)
    )
    user = None if actor.id is None else await session.get(User, actor.id)
    return {
        "id": user.id if user else None,
        "email": user.email if user else None,
        "name": user.name if user else None,
        "teamOwner": owner,
    }


def _trigger(triggered_by: str, payload: Any, context: dict[str, Any]) -> dict[str, Any]:
    kinds = {"schedule": "scheduled", "webhook": "webhook", "event": "event"}
    kind = kinds.get(triggered_by, "manual")
    body = payload
    if kind == "manual" and payload is None:
        # What a person sends along stands for what a sender would have sent; nothing is nothing,
        # and then no trigger's filter is asked.
        body = {key: value for key, value in context.items() if key != "connectionId"} or None
    # What a webhook brings was measured when it came in.
    if kind != "webhook" and len(json.dumps(body)) > 400_000:
        raise Invalid("what comes with the trigger takes more than 400 kB")
    return {"type": kind, "body": body}


def status_event(execution: WorkflowExecution) -> dict[str, Any]:
    """What subscribers are told about a run."""
    return {
        "id": execution.id,
        "workflowId": execution.workflow_id,
        "version": execution.version,
        "status": execution.status,
        "reason": execution.reason,
        "error": execution.error,
        "startedAt": execution.started_at.isoformat() if execution.started_at else None,
        "completedAt": execution.completed_at.isoformat() if execution.completed_at else None,
    }


async def request_cancel(
    session: AsyncSession, actor: Actor, execution: WorkflowExecution
) -> WorkflowExecution:
    """Cancelled at once if it has not been handed over, else marked for the orchestrator.

    Its open approvals are cancelled with it. Cancelling twice is cancelling once.
    """
    now = utc_now()
    await session.execute(
        update(WorkflowExecution)
        .where(
            WorkflowExecution.id == execution.id,
            WorkflowExecution.status == "pending",
            WorkflowExecution.prefect_flow_run_id.is_(None),
        )
        .values(status="cancelled", completed_at=now, reason=f"cancelled by {actor.name}")
    )
    await session.refresh(execution)
    if execution.status in ("success", "failed"):
        raise Conflict(f"the run has ended already: {execution.status}", code="already-ended")
    first = execution.cancel_requested_at is None
    execution.cancel_requested_at = execution.cancel_requested_at or now
    execution.cancelled_by = execution.cancelled_by or actor.id
    await session.flush()
    if not first:
        return execution
    await session.execute(
        update(WorkflowApproval)
        .where(WorkflowApproval.execution_id == execution.id, WorkflowApproval.status == "pending")
        .values(status="cancelled", decided_at=now, resumed_at=now)
    )
    event = status_event(execution) | {"cancelRequestedAt": now.isoformat()}
    await append(session, f"execution:{execution.id}", execution.team_id, "execution", event)
    await append(session, f"team:{execution.team_id}", execution.team_id, "execution", event)
    await record(
        session,
        actor,
        "execution.cancel",
        "execution",
        execution.id,
        team_id=execution.team_id,
        execution_id=execution.id,
        version=execution.version,
    )
    return execution
