"""/api/worker: connections, secrets and approvals for a run that is under way, and for no other.

Everything answers 404 once the run is over, and for what is not its team's.
"""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import SessionDep, database_of, needs
from server.approvals import service as approvals
from server.errors import Invalid, NotFound, Unavailable
from server.executions.adopt import adopt
from server.executions.bounded import bounded
from server.models import (
    FINISHED,
    Connection,
    TeamVariable,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowVariable,
    utc_now,
)
from server.orchestrator.protocol import OrchestratorUnavailable
from server.secret_box import SecretBox
from server.variables.redactor import team_redactor
from server.worker import schemas
from server.workflows.facts import read_facts

router = APIRouter(tags=["worker"])
BASE = "/api/worker/executions/{execution_id}"


async def _open_run(session: AsyncSession, execution_id: str) -> WorkflowExecution:
    execution = await session.get(WorkflowExecution, execution_id)
    if execution is None or execution.status in FINISHED:
        raise NotFound(f"there is no run '{execution_id[:40]}' under way")
    return execution


def _box(session: AsyncSession) -> SecretBox:
    box: SecretBox = session.info["secret_box"]
    return box


def _connection(session: AsyncSession, row: Connection) -> schemas.WorkerConnection:
    return schemas.WorkerConnection.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "environment": row.environment,
            "url": _box(session).decrypt(row.url),
            "tool": row.tool,
            "migrations": row.migrations,
        }
    )


@router.post("/api/worker/adopt", **needs("worker", errors=(503,)))
async def adopt_run(body: schemas.Adopt, request: Request) -> schemas.Adopted:
    """A flow run that a schedule has started learns its execution. Asking again changes nothing.

    What the run is, the orchestrator says, not the caller.
    """
    try:
        state = await request.app.state.orchestrator.get(body.flow_run_id)
    except OrchestratorUnavailable:
        raise Unavailable("the orchestrator does not answer; ask again") from None
    if state is None:
        raise NotFound("the orchestrator knows no such run")
    async with database_of(request).writing() as session:
        execution = await adopt(session, state)
        if execution is None:
            raise NotFound("the run's deployment is none that dataroll has published")
        execution_id, parameters = execution.id, execution.parameters
        refused = None if parameters else execution.error
        stop = execution.reason if execution.status == "cancelled" else None
    if refused:
        raise Invalid(refused)
    return schemas.Adopted(execution_id=execution_id, parameters=parameters, stop=stop)


@router.get(f"{BASE}/connections/{{connection_id}}", **needs("worker"))
async def connection(
    execution_id: str, connection_id: str, session: SessionDep, response: Response
) -> schemas.WorkerConnection:
    """A connection of the run's team by id or name, with its URL."""
    execution = await _open_run(session, execution_id)
    row = await session.scalar(
        select(Connection)
        .where(
            Connection.team_id == execution.team_id,
            (Connection.id == connection_id) | (Connection.name == connection_id),
        )
        .limit(1)
    )
    if row is None:
        raise NotFound(f"the run's team has no connection '{connection_id[:100]}'")
    response.headers["Cache-Control"] = "no-store"
    return _connection(session, row)


@router.get(f"{BASE}/connections", **needs("worker"))
async def connections(
    execution_id: str, session: SessionDep, response: Response
) -> list[schemas.WorkerConnection]:
    """All connections of the run's team."""
    execution = await _open_run(session, execution_id)
    rows = await session.scalars(
        select(Connection).where(Connection.team_id == execution.team_id).order_by(Connection.name)
    )
    response.headers["Cache-Control"] = "no-store"
    return [_connection(session, row) for row in rows]


@router.get(f"{BASE}/secrets/{{name}}", **needs("worker"))
async def secret(
    execution_id: str, name: str, session: SessionDep, response: Response
) -> schemas.WorkerSecret:
    """A secret that the run's version declares: the workflow's own, else the team's."""
    execution = await _open_run(session, execution_id)
    definition = await session.get(WorkflowDefinition, execution.definition_id)
    facts = read_facts(definition.content, definition.format) if definition else None
    declared = {v.name for v in facts.variables if v.is_secret} if facts else set()
    sealed = None
    if name in declared:
        sealed = await session.scalar(
            select(WorkflowVariable.default_value).where(
                WorkflowVariable.workflow_id == execution.workflow_id,
                WorkflowVariable.name == name,
                WorkflowVariable.is_secret.is_(True),
            )
        ) or await session.scalar(
            select(TeamVariable.value).where(
                TeamVariable.team_id == execution.team_id,
                TeamVariable.name == name,
                TeamVariable.is_secret.is_(True),
            )
        )
    if sealed is None:
        raise NotFound(f"the run has no secret '{name[:100]}'")
    response.headers["Cache-Control"] = "no-store"
    return schemas.WorkerSecret(value=_box(session).decrypt(sealed))


@router.post(f"{BASE}/approvals", status_code=201, **needs("worker"))
async def ask(execution_id: str, body: schemas.AskApproval, session: SessionDep) -> schemas.Asked:
    """Ask for an approval. The same node again gives the same request."""
    execution = await _open_run(session, execution_id)
    redactor = await team_redactor(session, execution.team_id)
    approval = await approvals.request_approval(
        session,
        execution,
        node_id=body.node_id,
        approvers=list(body.approvers),
        required=body.required,
        timeout_seconds=body.timeout,
        message=redactor.text(body.message),
        skip_if_creator=body.skip_if_creator,
        digest=body.digest,
        plans=[bounded(redactor.json(plan)) for plan in body.plans],
        plan_hash=body.plan_hash,
    )
    return schemas.Asked.model_validate(approval)


@router.get(f"{BASE}/approvals/{{node_id}}", **needs("worker"))
async def decision(execution_id: str, node_id: str, session: SessionDep) -> schemas.Decision:
    """How it was decided, with the server's signature."""
    execution = await _open_run(session, execution_id)
    approval = await approvals.find_request(session, execution.id, node_id)
    if approval is None:
        raise NotFound(f"the run has asked for no approval at '{node_id[:100]}'")
    signed = json.loads(approval.decision) if approval.decision else {}
    return schemas.Decision.model_validate(
        {
            "status": approval.status,
            "outcome": signed.get("outcome"),
            "by": signed.get("by", []),
            "comment": signed.get("comment", ""),
            "decided_at": approval.decided_at,
            "decision": approval.decision,
            "signature": approval.signature,
            "resumes": await approvals.last_resume(session, execution.id),
        }
    )


@router.post(f"{BASE}/heartbeat", **needs("worker"))
async def heartbeat(
    execution_id: str, body: schemas.Heartbeat, session: SessionDep
) -> schemas.Heard:
    """The flow process lives; it hears whether it is to stop."""
    execution = await _open_run(session, execution_id)
    await session.execute(
        update(WorkflowExecution)
        .where(WorkflowExecution.id == execution_id)
        .values(heartbeat_at=utc_now(), process=body.process)
    )
    return schemas.Heard(cancel_requested=execution.cancel_requested_at is not None)
