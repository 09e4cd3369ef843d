"""/api/executions, and starting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import StringConstraints
from sqlalchemy import Select, literal, tuple_

from server.access import Access, AccessDep, database_of, needs
from server.errors import Conflict, Unavailable
from server.executions import queries, schemas, service
from server.models import ExecutionLog, Workflow, WorkflowExecution
from server.models.base import UTCDateTime
from server.orchestrator.protocol import OrchestratorUnavailable
from server.paging import PagingQuery, decode_pair, encode_pair
from server.schemas import Moment, Page
from server.workflows.compiling import compiled, refused, take_over
from server.workflows.queries import definition_of
from server.workflows.schemas import Execute, Started, TestRun

router = APIRouter(tags=["executions"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key again answers with the same execution",
        max_length=250,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
Status = Annotated[schemas.RunStatus | None, Query()]
Since = Annotated[Moment | None, Query(description="Triggered at this time or later")]
Until = Annotated[Moment | None, Query(description="Triggered before this time")]
Who = Annotated[str | None, Query(alias="triggeredBy", max_length=60)]


@router.post(
    "/api/workflows/{workflow_id}/execute",
    status_code=202,
    **needs("developer", "execute", errors=(409,)),
)
async def execute(
    workflow_id: str,
    access: AccessDep,
    request: Request,
    body: Execute | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Started:
    """Start a run of the published version. While the orchestrator is down it stays pending."""
    body = body or Execute()
    workflow = await access.find(Workflow, workflow_id)
    execution = await service.create_execution(
        access.session,
        workflow,
        triggered_by=access.caller.user_id,
        actor=access.caller.actor,
        variables=body.variables,
        context=body.context,
        delay_seconds=body.delay_seconds,
        # Apart from the keys of webhooks and schedules, which nobody is to use up beforehand.
        idempotency_key=None if idempotency_key is None else f"api:{idempotency_key}",
    )
    access.after_commit(request.app.state.dispatcher.wake)
    return Started(id=execution.id, status=execution.status)


@router.post(
    "/api/workflows/{workflow_id}/test",
    status_code=202,
    **needs("developer", "execute", errors=(409, 503)),
)
async def dry_run(workflow_id: str, request: Request, body: TestRun | None = None) -> Started:
    """Run the draft as a dry run: reads are real, writes are rehearsed, nothing is sent."""
    from compiler.errors import DefinitionError

    body = body or TestRun()
    database = database_of(request)
    caller = request.state.caller
    async with database.reading() as session:
        workflow = await Access(session, caller, request.state.policy).find(Workflow, workflow_id)
        definition = await definition_of(session, workflow)
        session.expunge_all()
    if not body.dry_run and definition.published_at is None:
        raise Conflict(
            "a draft runs as a dry run only: publish it to run it for real", code="not-published"
        )
    try:
        flow = await compiled(definition.content, definition.format, definition.version)
    except DefinitionError as error:
        raise refused(error) from None
    take_over(definition, flow)
    publisher = request.app.state.publisher
    try:
        deployment_id = await publisher.stage(workflow, definition, flow)
    except OrchestratorUnavailable:
        raise Unavailable("the orchestrator does not answer; nothing was started") from None
    try:
        async with database.writing() as session:
            access = Access(session, caller, request.state.policy)
            execution = await service.create_execution(
                session,
                await access.find(Workflow, workflow_id),
                triggered_by=caller.user_id,
                actor=caller.actor,
                variables=body.input,
                dry_run=body.dry_run,
                approvals=body.approvals,
                definition=definition,
                deployment_id=deployment_id,
            )
    except BaseException:
        await publisher.unstage(deployment_id)
        raise
    request.app.state.dispatcher.wake()
    return Started(id=execution.id, status=execution.status)


@router.get("/api/workflows/{workflow_id}/executions", **needs("viewer"))
async def history(
    workflow_id: str,
    access: AccessDep,
    paging: PagingQuery,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    triggered_by: Who = None,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Page[schemas.ExecutionSummary]:
    """The runs of a workflow, newest first."""
    workflow = await access.find(Workflow, workflow_id)
    query = queries.filtered(
        access.scoped(WorkflowExecution).where(WorkflowExecution.workflow_id == workflow.id),
        status=status,
        triggered_by=triggered_by,
        since=since,
        until=until,
        version=version,
    )
    return await _page(access, [query], paging)


@router.get("/api/executions", **needs("viewer"))
async def executions(
    access: AccessDep,
    paging: PagingQuery,
    team_id: Annotated[str | None, Query(alias="teamId", max_length=25)] = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    triggered_by: Who = None,
) -> Page[schemas.ExecutionSummary]:
    """The runs of my teams, newest first."""
    found = [
        queries.filtered(each, status=status, triggered_by=triggered_by, since=since, until=until)
        for each in access.scoped_each(WorkflowExecution, team_id)
    ]
    return await _page(access, found, paging)


async def _page(
    access: Access, found: list[Select[tuple[WorkflowExecution]]], paging: PagingQuery
) -> Page[schemas.ExecutionSummary]:
    page = await paging.page_of_each(access.session, found, WorkflowExecution.id, lambda row: row)
    names = await queries.workflow_names(access.session, {row.workflow_id for row in page.items})
    items = []
    for row in page.items:
        item = schemas.ExecutionSummary.model_validate(row)
        item.workflow_name = names.get(row.workflow_id)
        items.append(item)
    return Page(items=items, next_cursor=page.next_cursor)


@router.get("/api/executions/{execution_id}", **needs("viewer"))
async def execution(
    execution_id: str, access: AccessDep, request: Request
) -> schemas.ExecutionAnswer:
    """A run and what each of its nodes did."""
    found = await access.find(WorkflowExecution, execution_id, "execution")
    # The number first: what happens while we read comes again as an event, and is not missed.
    seq = await queries.live_seq(access.session, f"execution:{found.id}")
    nodes = await queries.nodes_of(access.session, found.id)
    names = await queries.workflow_names(access.session, {found.workflow_id})
    fields = {
        name: getattr(found, name)
        for name in schemas.ExecutionAnswer.model_fields
        if name not in ("node_executions", "live_seq", "workflow_name", "prefect_url")
    }
    prefect = request.app.state.settings.prefect_ui_url
    return schemas.ExecutionAnswer.model_validate(
        fields
        | {
            "workflow_name": names.get(found.workflow_id),
            "live_seq": seq,
            "prefect_url": f"{prefect}/runs/flow-run/{found.prefect_flow_run_id}"
            if prefect and found.prefect_flow_run_id
            else None,
            "node_executions": [schemas.NodeExecutionAnswer.model_validate(n) for n in nodes],
        }
    )


@router.get("/api/executions/{execution_id}/logs", **needs("viewer"))
async def logs(
    execution_id: str,
    access: AccessDep,
    node_id: Annotated[str | None, Query(alias="nodeId", max_length=200)] = None,
    level: Annotated[str | None, Query(max_length=20), StringConstraints(to_lower=True)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[schemas.LogAnswer]:
    """The log, oldest first. New lines are told on ``execution:<id>`` of /api/live, as ``log``; one
    that is told twice has learnt its node meanwhile."""
    found = await access.find(WorkflowExecution, execution_id, "execution")
    query = queries.logs_of(found.id, node_id, level)
    if cursor is not None:
        at, row_id = decode_pair(cursor)
        place = tuple_(literal(at, UTCDateTime()), literal(row_id))
        query = query.where(tuple_(ExecutionLog.at, ExecutionLog.id) > place)
    ordered = query.order_by(ExecutionLog.at, ExecutionLog.id).limit(limit)
    rows = (await access.session.scalars(ordered)).all()
    last = encode_pair(rows[-1].at, rows[-1].id) if len(rows) == limit else None
    return Page(items=[schemas.LogAnswer.model_validate(row) for row in rows], next_cursor=last)


@router.post(
    "/api/executions/{execution_id}/cancel",
    status_code=202,
    **needs("developer", "execute", errors=(409,)),
)
async def cancel(execution_id: str, access: AccessDep, request: Request) -> Started:
    """End a run: at once if it waits, between two statements if it works."""
    found = await access.find(WorkflowExecution, execution_id, "execution")
    await service.request_cancel(access.session, access.caller.actor, found)
    access.after_commit(request.app.state.canceller.wake)
    return Started(id=found.id, status=found.status)
