"""Take in a run that dataroll did not start: a schedule of the orchestrator did, or a person in
its own UI.

::

    async with database.writing() as session:
        execution = await adopt(session, state)

The mirror adopts what it finds, the flow process asks to be adopted when it starts: whoever
comes first makes the execution, the other one finds it. A run whose parameters the workflow
would have refused is taken in all the same, with the refusal as its error: it did start. So is a
run of a version that is not the published one: the versions before may lack an approval.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import SERVER
from server.errors import ApiError, Conflict
from server.executions.service import create_execution
from server.executions.starter import ADOPTED
from server.ids import new_id
from server.models import Workflow, WorkflowDefinition, WorkflowExecution, utc_now
from server.orchestrator.protocol import RunState
from server.triggers.catch_up import missed_by, trigger_of
from server.triggers.from_prefect import Received, received

IMPLICIT = ("currentUser", "trigger", "execution")
"""What the server gives every run; what an unadopted run carries there is nobody's word."""


async def adopt(session: AsyncSession, state: RunState) -> WorkflowExecution | None:
    """The run's execution, made if need be. None when its deployment is not one of ours."""
    known = await _known(session, state.run_id)
    if known is not None:
        return known
    found = await _deployed(session, state.deployment_id)
    if found is None:
        return None
    workflow, definition = found
    try:
        async with session.begin_nested():
            event = await received(session, workflow.id, state)
            execution = await _create(session, workflow, definition, state, event)
            execution.prefect_flow_run_id = state.run_id
            if event is None:
                await _tie_to_schedule(session, execution, state)
            else:
                _tie_to_webhook(execution, event)
            await session.flush()
    except IntegrityError:
        # Somebody else has adopted it at the same moment.
        return await _known(session, state.run_id)
    return execution


async def _known(session: AsyncSession, run_id: str) -> WorkflowExecution | None:
    query = select(WorkflowExecution).where(WorkflowExecution.prefect_flow_run_id == run_id)
    return (await session.scalars(query)).one_or_none()


async def _deployed(
    session: AsyncSession, deployment_id: str | None
) -> tuple[Workflow, WorkflowDefinition] | None:
    if deployment_id is None:
        return None
    rows = await session.execute(
        select(Workflow, WorkflowDefinition)
        .join(WorkflowDefinition, WorkflowDefinition.workflow_id == Workflow.id)
        .where(WorkflowDefinition.deployment_id == deployment_id)
    )
    row = rows.first()
    return None if row is None else (row[0], row[1])


async def _create(
    session: AsyncSession,
    workflow: Workflow,
    definition: WorkflowDefinition,
    state: RunState,
    event: Received | None,
) -> WorkflowExecution:
    by = "schedule" if state.scheduled else "webhook" if event else "prefect"
    given = as_variables(definition, state.parameters)
    webhook = event.trigger if event else None
    if webhook is not None:
        given = {**(webhook.config.get("variables") or {}), **given}
    connection = webhook.config.get("connectionId") if webhook is not None else None
    try:
        async with session.begin_nested():
            _refuse_what_is_not_live(workflow, definition)
            return await create_execution(
                session,
                workflow,
                triggered_by=by,
                actor=SERVER,
                variables=given,
                context={"connectionId": connection} if connection else {},
                trigger_payload=event.body if event else None,
                idempotency_key=f"{ADOPTED}{state.run_id}",
                definition=definition,
                deployment_id=state.deployment_id,
            )
    except ApiError as refusal:
        execution = WorkflowExecution(
            id=new_id(),
            workflow_id=workflow.id,
            team_id=workflow.team_id,
            definition_id=definition.id,
            version=definition.version,
            status="pending",
            triggered_by=by,
            context={"context": {}, "variables": given, "trigger": None},
            error=described(refusal),
            idempotency_key=f"{ADOPTED}{state.run_id}",
            deployment_id=state.deployment_id,
        )
        session.add(execution)
        await session.flush()
        return execution


def _tie_to_webhook(execution: WorkflowExecution, event: Received) -> None:
    """Note which webhook fired; a run that it would not have started is over at once."""
    if event.trigger is not None:
        execution.trigger_id = event.trigger.id
        event.trigger.last_fired_at, event.trigger.last_error = utc_now(), execution.error
    if event.refusal is not None:
        execution.status, execution.reason = "cancelled", event.refusal
        execution.completed_at = utc_now()


def _refuse_what_is_not_live(workflow: Workflow, definition: WorkflowDefinition) -> None:
    live = workflow.is_published and workflow.deleted_at is None
    if not live or workflow.published_definition_id != definition.id:
        raise Conflict(
            f"version {definition.version} of the workflow is not the published one: it is not run"
            " from Prefect any more",
            code="not-published",
        )


async def _tie_to_schedule(
    session: AsyncSession, execution: WorkflowExecution, state: RunState
) -> None:
    """Note which schedule fired; a run that comes too late for its policy is over at once."""
    trigger = await trigger_of(session, execution.workflow_id, state)
    if trigger is None:
        return
    missed = await missed_by(trigger, state.starts_at)
    execution.trigger_id = trigger.id
    trigger.last_fired_at = state.starts_at or utc_now()
    trigger.last_error = missed
    if missed is not None:
        execution.status, execution.reason = "cancelled", missed
        execution.completed_at = utc_now()


def as_variables(definition: WorkflowDefinition, parameters: Any) -> dict[str, Any]:
    """The run's parameters under the names of the definition, without what the server gives."""
    interface = definition.interface or {}
    originals = {str(python): str(name) for name, python in (interface.get("names") or {}).items()}
    return {
        originals.get(name, str(name)): value
        for name, value in dict(parameters).items()
        if name not in IMPLICIT
    }


def described(refusal: ApiError) -> str:
    """The refusal with the fields that it names."""
    details = "; ".join(f"{e.get('field')} {e.get('message')}" for e in refusal.errors)
    return f"{refusal.detail}: {details}" if details else refusal.detail
