"""/api/workflows: make, read, change, delete, publish, and their versions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Access, AccessDep, check_etag, database_of, etag, needs
from server.errors import NotFound
from server.models import Workflow, WorkflowDefinition
from server.paging import PagingQuery
from server.schemas import Page
from server.workflows import present, publish, queries, schemas, service
from server.workflows.compiling import check

router = APIRouter(tags=["workflows"])

Version = Annotated[int, Path(ge=1, le=1_000_000)]
TeamQuery = Annotated[str | None, Query(alias="teamId", max_length=25)]


@router.post("/api/workflows", status_code=201, **needs("developer"))
async def create(
    body: schemas.NewWorkflow, access: AccessDep, response: Response
) -> schemas.WorkflowAnswer:
    """Make a workflow: a bare draft, or the definition given."""
    team_id = access.team(body.team_id)
    given = body.definition
    if given is None:
        content = service.bare_definition(body.name or "", body.trigger, body.description)
    workflow = await service.make_workflow(
        access.session,
        access.caller.actor,
        team_id=team_id,
        content=content if given is None else given.content,
        format="yaml" if given is None else given.format,
        name=body.name,
        description=body.description,
        trigger=body.trigger,
        tags=list(body.tags),
    )
    return await _answer(access, workflow, response)


async def _answer(
    access: AccessDep, workflow: Workflow, response: Response
) -> schemas.WorkflowAnswer:
    definition = await queries.definition_of(access.session, workflow)
    problems = await check(definition.content, definition.format, definition.version)
    response.headers["ETag"] = etag(workflow.revision)
    return schemas.WorkflowAnswer.model_validate(
        await present.detail(access.session, workflow, problems)
    )


@router.get("/api/workflows", **needs("viewer"))
async def workflows(
    access: AccessDep,
    paging: PagingQuery,
    team_id: TeamQuery = None,
    status: Annotated[Literal["draft", "published"] | None, Query()] = None,
    trigger: Annotated[schemas.TriggerKind | None, Query()] = None,
    trigger_type: Annotated[
        schemas.TriggerKind | None, Query(alias="triggerType", description="The same as `trigger`")
    ] = None,
    tag: Annotated[str | None, Query(max_length=50)] = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[schemas.WorkflowSummary]:
    """The workflows of my teams, newest first."""
    query = queries.listed(
        access,
        team_id=team_id,
        status=status,
        trigger=trigger or trigger_type,
        tag=tag,
        search=search,
    )
    page = await paging.page(access.session, query, Workflow.id, lambda workflow: workflow)
    recent = await queries.recent_executions(access.session, [each.id for each in page.items])
    return Page(
        items=[present.summary(each, recent.get(each.id, [])) for each in page.items],
        next_cursor=page.next_cursor,
    )


@router.post("/api/workflows/import", status_code=201, **needs("developer"))
async def import_workflow(
    body: schemas.Import, access: AccessDep, response: Response
) -> schemas.WorkflowAnswer:
    """Make a workflow from an exported definition; its name is taken from there."""
    workflow = await service.make_workflow(
        access.session,
        access.caller.actor,
        team_id=access.team(body.team_id),
        content=body.content,
        format=body.format,
        source="imported",
    )
    return await _answer(access, workflow, response)


@router.get("/api/workflows/{workflow_id}", **needs("viewer"))
async def workflow(
    workflow_id: str, access: AccessDep, response: Response
) -> schemas.WorkflowAnswer:
    """A workflow with its definition and what is wrong with it."""
    return await _answer(access, await access.find(Workflow, workflow_id), response)


@router.patch("/api/workflows/{workflow_id}", **needs("developer", errors=(409, 412, 503)))
async def change(
    workflow_id: str, body: schemas.ChangeWorkflow, request: Request, response: Response
) -> schemas.WorkflowAnswer:
    """Change a workflow, publish it, take it back: all that is asked for, or nothing.

    Send the ETag as If-Match: 412 says that somebody was faster.
    """
    database, caller = database_of(request), request.state.caller
    found = await _look(request, workflow_id)
    check_etag(request, found.revision)
    sent = body.model_dump(
        by_alias=False, exclude_unset=True, include={"name", "description", "tags"}
    )
    changing = bool(sent) or body.definition is not None or body.changelog is not None

    async def apply(session: AsyncSession, workflow: Workflow) -> None:
        if changing:
            await service.change_workflow(
                session,
                caller.actor,
                workflow,
                changes=sent,
                content=body.definition.content if body.definition else None,
                format=body.definition.format if body.definition else None,
                changelog=body.changelog,
            )

    if body.is_published is None:
        async with database.writing() as session:
            access = Access(session, caller, request.state.policy)
            found = await access.find(Workflow, workflow_id, lock=True)
            check_etag(request, found.revision)
            await apply(session, found)
    else:
        asked = publish.publish if body.is_published else publish.unpublish
        await asked(
            database,
            request.app.state.publisher,
            caller,
            workflow_id,
            revision=found.revision,
            change=apply if changing else None,
        )
    async with database.reading() as session:
        access = Access(session, caller, request.state.policy)
        return await _answer(access, await access.find(Workflow, workflow_id), response)


@router.delete(
    "/api/workflows/{workflow_id}", status_code=204, **needs("developer", errors=(409, 412, 503))
)
async def delete(workflow_id: str, request: Request) -> None:
    """Delete a workflow. Its runs and its audit log stay."""
    found = await _look(request, workflow_id)
    check_etag(request, found.revision)
    await publish.remove(
        database_of(request),
        request.app.state.publisher,
        request.state.caller,
        workflow_id,
        revision=found.revision,
    )


@router.post("/api/workflows/{workflow_id}/publish", **needs("developer", errors=(409, 412, 503)))
async def publish_workflow(
    workflow_id: str, request: Request, response: Response, body: schemas.Publish | None = None
) -> schemas.Published:
    """Lock the draft as a version and run from it. All of it happens, or nothing."""
    body = body or schemas.Publish()
    found = await _look(request, workflow_id)
    check_etag(request, found.revision)
    publication = await publish.publish(
        database_of(request),
        request.app.state.publisher,
        request.state.caller,
        workflow_id,
        changelog=body.changelog,
        revision=found.revision,
    )
    return await _published(request, response, publication)


@router.post("/api/workflows/{workflow_id}/unpublish", **needs("developer", errors=(409, 503)))
async def unpublish_workflow(
    workflow_id: str, request: Request, response: Response
) -> schemas.WorkflowAnswer:
    """Start no more runs. Those under way go on."""
    await _look(request, workflow_id)
    found = await publish.unpublish(
        database_of(request), request.app.state.publisher, request.state.caller, workflow_id
    )
    async with database_of(request).reading() as session:
        response.headers["ETag"] = etag(found.revision)
        return schemas.WorkflowAnswer.model_validate(await present.detail(session, found, []))


async def _look(request: Request, workflow_id: str) -> Workflow:
    """Find the workflow in a transaction that is over before the orchestrator is asked."""
    async with database_of(request).reading() as session:
        access = Access(session, request.state.caller, request.state.policy)
        return await access.find(Workflow, workflow_id)


async def _published(
    request: Request, response: Response, publication: publish.Publication
) -> schemas.Published:
    async with database_of(request).reading() as session:
        fields = await present.detail(session, publication.workflow, [])
    response.headers["ETag"] = etag(publication.workflow.revision)
    runs = [schemas.InFlight.model_validate(run) for run in publication.in_flight]
    return schemas.Published.model_validate(fields | {"in_flight": runs})


@router.post("/api/workflows/{workflow_id}/duplicate", status_code=201, **needs("developer"))
async def duplicate(
    workflow_id: str,
    access: AccessDep,
    response: Response,
    body: schemas.Duplicate | None = None,
) -> schemas.WorkflowAnswer:
    """A new draft with the same definition. Secrets are not copied."""
    found = await access.find(Workflow, workflow_id)
    definition = await queries.definition_of(access.session, found)
    copy = await service.make_workflow(
        access.session,
        access.caller.actor,
        team_id=found.team_id,
        content=definition.content,
        format=definition.format,
        name=(body.name if body else None) or f"{found.name[:190]} (copy)",
        description=found.description,
        trigger=found.trigger,
        tags=found.tags,
        source=f"copied from {found.id}",
    )
    return await _answer(access, copy, response)


@router.get(
    "/api/workflows/{workflow_id}/export",
    response_class=Response,
    **{
        **needs("viewer"),
        "responses": {
            200: {
                "description": "The definition, byte for byte as it was saved",
                "content": {
                    "application/yaml": {"schema": {}},
                    "application/json": {"schema": {}},
                },
            },
            **needs("viewer")["responses"],
        },
    },
)
async def export(
    workflow_id: str,
    access: AccessDep,
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """The definition as a file."""
    found = await access.find(Workflow, workflow_id)
    if version is None:
        definition = await queries.definition_of(access.session, found)
    else:
        definition = await queries.version_of(access.session, found.id, version)
    kind = "json" if definition.format == "json" else "yaml"
    return Response(
        definition.content.encode(),
        media_type=f"application/{kind}",
        headers={
            "Content-Disposition": f'attachment; filename="{found.slug}.v{definition.version}.{kind}"'
        },
    )


@router.get("/api/workflows/{workflow_id}/versions", **needs("viewer"))
async def versions(
    workflow_id: str, access: AccessDep, paging: PagingQuery
) -> Page[schemas.VersionSummary]:
    """Every version, newest first."""
    found = await access.find(Workflow, workflow_id)
    query = select(WorkflowDefinition).where(WorkflowDefinition.workflow_id == found.id)
    return await paging.page(
        access.session,
        query,
        WorkflowDefinition.id,
        lambda definition: present.version(found, definition),
    )


@router.get("/api/workflows/{workflow_id}/versions/{version}", **needs("viewer"))
async def version(workflow_id: str, version: Version, access: AccessDep) -> schemas.VersionAnswer:
    """A version with its text and the flow made from it."""
    found = await access.find(Workflow, workflow_id)
    definition = await queries.version_of(access.session, found.id, version)
    return present.version_in_full(found, definition)


@router.get("/api/workflows/{workflow_id}/versions/{version}/compare", **needs("viewer"))
async def compare(
    workflow_id: str,
    version: Version,
    access: AccessDep,
    to: Annotated[int, Query(ge=1, le=1_000_000, description="The version to compare with")],
) -> schemas.Comparison:
    """What changed from `version` to `to`: as text, as Python, and in nodes and edges."""
    found = await access.find(Workflow, workflow_id)
    old = await queries.version_of(access.session, found.id, version)
    new = await queries.version_of(access.session, found.id, to)
    sources = [await _source(definition) for definition in (old, new)]
    return present.compare(old, new, *sources)


async def _source(definition: WorkflowDefinition) -> str:
    """The flow; of a draft the one it would become, or nothing while it has mistakes."""
    if definition.source is not None:
        return definition.source
    from compiler.errors import DefinitionError
    from server.workflows.compiling import compiled

    try:
        return (await compiled(definition.content, definition.format, definition.version)).source
    except DefinitionError:
        return ""


@router.post(
    "/api/workflows/{workflow_id}/versions/{version}/publish",
    **needs("developer", errors=(409, 503)),
)
async def roll_back(
    workflow_id: str, version: Version, request: Request, response: Response
) -> schemas.Published:
    """Run from an earlier version again. The draft stays as it is."""
    found = await _look(request, workflow_id)
    if version > found.version:
        raise NotFound(f"this workflow has no version {version}")
    publication = await publish.publish(
        database_of(request),
        request.app.state.publisher,
        request.state.caller,
        workflow_id,
        version=version,
    )
    return await _published(request, response, publication)
