"""/api/worker: connections, secrets and approvals for a run that is under way, and for no other.

The caller's token was made for one flow run. Everything answers 404 for another execution than the
one that this flow run runs, once the run is over, and for what is not its team's.
"""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import SessionDep, database_of, needs
from server.approvals import service as approvals
from server.errors import Conflict, Forbidden, NotFound
from server.executions.begin import begin
from server.executions.bounded import bounded
from server.executions.process import attempt_of
from server.models import (
    FINISHED,
    Connection,
    WorkflowExecution,
    utc_now,
)
from server.secret_box import SecretBox
from server.variables.of_run import secret_of_run
from server.variables.redactor import team_redactor
from server.worker import schemas
from server.worker.reads import note_read

router = APIRouter(tags=["worker"])
BASE = "/api/worker/executions/{execution_id}"


AttemptHeader = Annotated[
    int | None,
    Header(
        alias="X-Dataroll-Attempt",
        ge=0,
        description="How often the run had been started again when the calling process began; once a later"
        " attempt is known, an earlier one gets 409 `superseded` and has to end",
    ),
]


async def open_run(
    execution_id: str, request: Request, session: SessionDep, attempt: AttemptHeader = None
) -> WorkflowExecution:
    """The run under way. Its row is locked where the call writes."""
    execution = await session.get(
        WorkflowExecution,
        execution_id,
        with_for_update=request.method != "GET",
        populate_existing=True,
    )
    if (
        execution is None
        or execution.prefect_flow_run_id != request.state.flow_run_id
        or execution.status in FINISHED
    ):
        raise NotFound(f"there is no run '{execution_id[:40]}' under way")
    if attempt is not None and attempt < attempt_of(execution):
        raise Conflict("another process runs this flow now", code="superseded")
    return execution


RunDep = Annotated[WorkflowExecution, Depends(open_run, scope="function")]


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


@router.post("/api/worker/adopt", **needs("worker", errors=(409, 503)))
async def adopt_run(
    body: schemas.Adopt, request: Request, attempt: AttemptHeader = None
) -> schemas.Adopted:
    """A flow process learns which execution it runs, and with what. Asking again changes nothing.

    A run that a schedule, or somebody in the orchestrator's own UI, has started gets an execution.
    """
    _refuse_another_run(request, body.flow_run_id)
    begun = await begin(
        database_of(request),
        request.app.state.orchestrator,
        body.flow_run_id,
        body.process,
        attempt or 0,
    )
    return schemas.Adopted.model_validate(begun)


@router.post("/api/worker/news", status_code=204, **needs("worker"))
async def news(body: schemas.News, request: Request) -> None:
    """A flow process has written to its journal: the mirror looks at that run now, not in a while.

    Nothing is taken from the caller but the hint.
    """
    _refuse_another_run(request, body.flow_run_id)
    request.app.state.mirror.hint(body.flow_run_id)


def _refuse_another_run(request: Request, flow_run_id: str) -> None:
    if flow_run_id != request.state.flow_run_id:
        raise Forbidden("this token was made for another flow run")


@router.get(f"{BASE}/connections/{{connection_id}}", **needs("worker"))
async def connection(
    execution: RunDep,
    connection_id: str,
    request: Request,
    session: SessionDep,
    response: Response,
) -> schemas.WorkerConnection:
    """A connection of the run's team by id or name, with its URL."""
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
    answer = _connection(session, row)
    await note_read(
        request, session, execution, "connection.read", "connection", row.id, name=row.name
    )
    response.headers["Cache-Control"] = "no-store"
    return answer


@router.get(f"{BASE}/connections", **needs("worker"))
async def connections(
    execution: RunDep, request: Request, session: SessionDep, response: Response
) -> list[schemas.WorkerConnection]:
    """All connections of the run's team."""
    rows = await session.scalars(
        select(Connection).where(Connection.team_id == execution.team_id).order_by(Connection.name)
    )
    answers = [_connection(session, row) for row in rows]
    names = [answer.name for answer in answers]
    await note_read(
        request, session, execution, "connection.read-all", "execution", execution.id, names=names
    )
    response.headers["Cache-Control"] = "no-store"
    return answers


@router.get(f"{BASE}/secrets/{{name}}", **needs("worker"))
async def secret(
    execution: RunDep, name: str, request: Request, session: SessionDep, response: Response
) -> schemas.WorkerSecret:
    """A secret that the run's version declares: the workflow's own, else the team's."""
    answer = schemas.WorkerSecret(value=await secret_of_run(session, execution, name))
    await note_read(
        request, session, execution, "secret.read", "execution", execution.id, name=name
    )
    response.headers["Cache-Control"] = "no-store"
    return answer


@router.post(f"{BASE}/approvals", status_code=201, **needs("worker"))
async def ask(execution: RunDep, body: schemas.AskApproval, session: SessionDep) -> schemas.Asked:
    """Ask for an approval. The same node again gives the same request."""
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
        distinct=body.distinct,
        notify=body.notify.model_dump(),
        digest=body.digest,
        plans=[bounded(redactor.json(plan)) for plan in body.plans],
        plan_hash=body.plan_hash,
    )
    return schemas.Asked.model_validate(approval)


@router.get(f"{BASE}/approvals/{{node_id}}", **needs("worker"))
async def decision(execution: RunDep, node_id: str, session: SessionDep) -> schemas.Decision:
    """How it was decided, with the server's signature."""
    approval = await approvals.find_request(session, execution.id, node_id)
    if approval is None:
        raise NotFound(f"the run has asked for no approval at '{node_id[:100]}'")
    cancelled = execution.cancel_requested_at is not None
    signed = json.loads(approval.decision) if approval.decision and not cancelled else {}
    return schemas.Decision.model_validate(
        {
            # A run that is to end hears of no consent any more.
            "status": "cancelled" if cancelled else approval.status,
            "reason": "the run was cancelled" if cancelled else approval.rejection_reason,
            "outcome": signed.get("outcome"),
            "by": signed.get("by", []),
            "comment": signed.get("comment", ""),
            "decided_at": approval.decided_at,
            "decision": approval.decision if signed else None,
            "signature": approval.signature if signed else None,
            "resumes": await approvals.last_resume(session, execution.id),
        }
    )


@router.post(f"{BASE}/suspend", **needs("worker", errors=(409,)))
async def suspend(
    execution: RunDep, body: schemas.Suspend, session: SessionDep
) -> schemas.Suspended:
    """The process is about to end, and the run waits without one until an approval is decided."""
    if execution.process != body.process:
        raise Conflict("another process runs this flow now", code="superseded")
    waits = await approvals.all_open(session, execution, body.node_ids)
    if waits:
        execution.suspended_at = utc_now()
        await session.flush()
    return schemas.Suspended(suspended=waits)


@router.post(f"{BASE}/heartbeat", **needs("worker"))
async def heartbeat(
    execution: RunDep, body: schemas.Heartbeat, session: SessionDep
) -> schemas.Heard:
    """The flow process lives; it hears whether it is to stop."""
    execution.heartbeat_at, execution.process = utc_now(), body.process
    execution.suspended_at = None  # it could not be suspended after all
    await session.flush()
    return schemas.Heard(cancel_requested=execution.cancel_requested_at is not None)
