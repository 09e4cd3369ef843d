"""/api/connections: the databases that workflows change."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Access, AccessDep, check_etag, database_of, etag, needs
from server.audit.record import record
from server.connections import schemas
from server.connections.probe import probe
from server.connections.urls import is_own, shown
from server.errors import Conflict, field_error
from server.ids import new_id
from server.models import Connection, WorkflowExecution, utc_now
from server.paging import PagingQuery
from server.schemas import Page
from server.secret_box import SecretBox
from server.triggers.events import Happening, happened

router = APIRouter(tags=["connections"])


def _answer(connection: Connection) -> schemas.ConnectionAnswer:
    return schemas.ConnectionAnswer.model_validate(connection)


def _box(session: AsyncSession) -> SecretBox:
    box: SecretBox = session.info["secret_box"]
    return box


@router.get("/api/connections", **needs("viewer"))
async def connections(
    access: AccessDep,
    paging: PagingQuery,
    team_id: Annotated[str | None, Query(alias="teamId", max_length=25)] = None,
    environment: Annotated[schemas.Environment | None, Query()] = None,
) -> Page[schemas.ConnectionAnswer]:
    query = access.scoped(Connection, team_id)
    if environment is not None:
        query = query.where(Connection.environment == environment)
    return await paging.page(access.session, query, Connection.id, _answer)


@router.post("/api/connections", status_code=201, **needs("developer", errors=(409,)))
async def create(
    body: schemas.NewConnection, request: Request, access: AccessDep, response: Response
) -> schemas.ConnectionAnswer:
    """Name a database and where its migrations are. The URL is encrypted and write-only."""
    team_id = access.team(body.team_id)
    _check_own(request, body.url.get_secret_value())
    await _check_name(access.session, team_id, body.name)
    url = body.url.get_secret_value()
    connection = Connection(
        id=new_id(),
        team_id=team_id,
        name=body.name,
        environment=body.environment,
        url=_box(access.session).encrypt(url),
        database=shown(url),
        tool=body.tool,
        migrations=body.migrations.model_dump(by_alias=True, exclude_none=True),
        created_by=access.caller.user_id,
        revision=1,
    )
    access.session.add(connection)
    await access.session.flush()
    await _audit(access, "connection.create", connection)
    response.headers["ETag"] = etag(connection.revision)
    return _answer(connection)


def _check_own(request: Request, url: str) -> None:
    if is_own(url, request.app.state.database.url, request.app.state.settings.home):
        raise field_error("url", "is dataroll's own database, which no workflow changes", "own")


async def _check_name(session: AsyncSession, team_id: str, name: str) -> None:
    taken = select(Connection.id).where(Connection.team_id == team_id, Connection.name == name)
    if await session.scalar(taken) is not None:
        raise Conflict(
            f"a connection is called '{name}' already",
            errors=[{"field": "name", "message": "is taken", "code": "taken"}],
        )


async def _audit(access: Access, action: str, connection: Connection, **details: Any) -> None:
    await record(
        access.session,
        access.caller.actor,
        action,
        "connection",
        connection.id,
        team_id=connection.team_id,
        name=connection.name,
        environment=connection.environment,
        **details,
    )


@router.get("/api/connections/{connection_id}", **needs("viewer"))
async def connection(
    connection_id: str, access: AccessDep, response: Response
) -> schemas.ConnectionAnswer:
    found = await access.find(Connection, connection_id)
    response.headers["ETag"] = etag(found.revision)
    return _answer(found)


@router.patch("/api/connections/{connection_id}", **needs("developer", errors=(409, 412)))
async def change(
    connection_id: str,
    body: schemas.ChangeConnection,
    request: Request,
    response: Response,
    access: AccessDep,
) -> schemas.ConnectionAnswer:
    """Change a connection. What is left out stays, the URL too."""
    found = await access.find(Connection, connection_id, lock=True)
    check_etag(request, found.revision)
    if body.name is not None and body.name != found.name:
        await _check_name(access.session, found.team_id, body.name)
        found.name = body.name
    if body.environment is not None:
        found.environment = body.environment
    if body.tool is not None:
        found.tool = body.tool
    if body.migrations is not None:
        found.migrations = body.migrations.model_dump(by_alias=True, exclude_none=True)
    if body.url is not None:
        url = body.url.get_secret_value()
        _check_own(request, url)
        found.url, found.database = _box(access.session).encrypt(url), shown(url)
        found.tested_at = found.test_passed = found.test_message = None
    found.revision += 1
    await access.session.flush()
    changed = sorted(body.model_fields_set)
    await _audit(access, "connection.change", found, changed=changed)
    response.headers["ETag"] = etag(found.revision)
    return _answer(found)


@router.delete(
    "/api/connections/{connection_id}", status_code=204, **needs("developer", errors=(409, 412))
)
async def delete(connection_id: str, request: Request, access: AccessDep) -> None:
    found = await access.find(Connection, connection_id, lock=True)
    check_etag(request, found.revision)
    busy = await access.session.scalar(
        select(WorkflowExecution.id)
        .where(
            WorkflowExecution.connection_id == found.id,
            WorkflowExecution.status.in_(["pending", "running", "waiting"]),
        )
        .limit(1)
    )
    if busy is not None:
        raise Conflict(f"run {busy} is using this connection", code="in-use")
    await access.session.delete(found)
    await access.session.flush()
    await _audit(access, "connection.delete", found)


@router.post("/api/connections/{connection_id}/test", **needs("developer", "execute"))
async def test(connection_id: str, request: Request) -> schemas.ConnectionTested:
    """Connect and look whether the migrations folder is there. Nothing is changed."""
    database = database_of(request)
    async with database.reading() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await access.find(Connection, connection_id)
        url = _box(session).decrypt(found.url)
    result = await probe(url, found.migrations)
    async with database.writing() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await access.find(Connection, connection_id)
        found.tested_at, found.test_passed = utc_now(), result.ok
        found.test_message = result.message
        await session.flush()
        await _audit(access, "connection.test", found, ok=result.ok)
        tested = Happening(
            new_id(),
            found.team_id,
            "connection.tested",
            {"connectionId": found.id, "name": found.name, "ok": result.ok}
            | {"environment": found.environment, "message": result.message},
            started_by=access.caller.user_id,
        )
        if await happened(session, tested):
            access.after_commit(request.app.state.dispatcher.wake)
    return schemas.ConnectionTested(ok=result.ok, message=result.message, duration=result.duration)
