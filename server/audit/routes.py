"""/api/audit: who did what. Read by admins, exported as JSON lines with the chain of hashes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy import Select, select

from server.access import Access, AccessDep, SessionDep, database_of, needs
from server.audit.record import INSTANCE, as_line
from server.database import Database
from server.errors import field_error
from server.models import AuditLog
from server.paging import decode, encode
from server.schemas import Answer, Page

router = APIRouter(tags=["audit"])

TeamQuery = Annotated[str | None, Query(alias="teamId", max_length=25)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=100)]
Word = Annotated[str | None, Query(max_length=60)]
EXPORT = {
    200: {
        "description": "One entry a line, oldest first; `dataroll audit verify` checks it",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


class AuditEntry(Answer):
    seq: int
    at: datetime
    actor_id: str | None
    actor: str
    action: str
    subject_type: str
    subject_id: str | None
    execution_id: str | None
    version: int | None
    details: dict[str, Any]
    ip: str | None
    user_agent: str | None
    hash: str = Field(description="Covers this entry and, through it, all before it")


def _filtered(
    chain: str, action: str | None, subject_id: str | None, execution_id: str | None
) -> Select[tuple[AuditLog]]:
    query = select(AuditLog).where(AuditLog.chain == chain)
    if action is not None:
        query = query.where(AuditLog.action == action)
    if subject_id is not None:
        query = query.where(AuditLog.subject_id == subject_id)
    if execution_id is not None:
        query = query.where(AuditLog.execution_id == execution_id)
    return query


async def _page(
    session: SessionDep, query: Select[tuple[AuditLog]], limit: int, cursor: str | None
) -> Page[AuditEntry]:
    if cursor is not None:
        seq = decode(cursor)
        if not seq.isdecimal() or len(seq) > 9:
            raise field_error("cursor", "is not one that a list gave out; start without it")
        query = query.where(AuditLog.seq < int(seq))
    rows = (await session.scalars(query.order_by(AuditLog.seq.desc()).limit(limit + 1))).all()
    more = len(rows) > limit
    return Page(
        items=[AuditEntry.model_validate(row) for row in rows[:limit]],
        next_cursor=encode(str(rows[limit - 1].seq)) if more else None,
    )


@router.get("/api/audit", **needs("admin"))
async def audit(
    access: AccessDep,
    team_id: TeamQuery = None,
    action: Word = None,
    subject_id: Annotated[str | None, Query(alias="subjectId", max_length=25)] = None,
    execution_id: Annotated[str | None, Query(alias="executionId", max_length=25)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """What was done in a team, newest first."""
    query = _filtered(access.team(team_id), action, subject_id, execution_id)
    return await _page(access.session, query, limit, cursor)


@router.get(
    "/api/audit/export",
    response_class=StreamingResponse,
    **{**needs("admin"), "responses": EXPORT | needs("admin")["responses"]},
)
async def export(request: Request, team_id: TeamQuery = None) -> StreamingResponse:
    """The team's whole log as JSON lines."""
    async with database_of(request).reading() as session:
        chain = Access(session, request.state.caller, request.state.policy).team(team_id)
    return _stream(database_of(request), chain)


@router.get("/api/audit/instance", **needs("instance"))
async def instance_audit(
    session: SessionDep, action: Word = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[AuditEntry]:
    """What belongs to no team: sign-ins, people, tokens."""
    return await _page(session, _filtered(INSTANCE, action, None, None), limit, cursor)


@router.get(
    "/api/audit/instance/export",
    response_class=StreamingResponse,
    **{**needs("instance"), "responses": EXPORT | needs("instance")["responses"]},
)
async def instance_export(request: Request) -> StreamingResponse:
    return _stream(database_of(request), INSTANCE)


def _stream(database: Database, chain: str) -> StreamingResponse:
    return StreamingResponse(
        exported(database, chain),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="audit-{chain}.jsonl"'},
    )


async def exported(database: Database, chain: str) -> AsyncIterator[str]:
    """Line by line, a few hundred at a time: the log may be long."""
    last = 0
    while True:
        async with database.reading() as session:
            rows = (
                await session.scalars(
                    select(AuditLog)
                    .where(AuditLog.chain == chain, AuditLog.seq > last)
                    .order_by(AuditLog.seq)
                    .limit(500)
                )
            ).all()
        if not rows:
            return
        for row in rows:
            yield json.dumps(as_line(row), ensure_ascii=False, separators=(",", ":")) + "\n"
        last = rows[-1].seq
