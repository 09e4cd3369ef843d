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
from server.approvals.signing import Signer
from server.audit.record import INSTANCE, START, as_line, end_text
from server.database import Database
from server.errors import field_error
from server.models import AuditChain, AuditLog, utc_now
from server.paging import decode, encode
from server.schemas import Answer, Page

router = APIRouter(tags=["audit"])

TeamQuery = Annotated[str | None, Query(alias="teamId", max_length=25)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=100)]
Word = Annotated[str | None, Query(max_length=60)]
EXPORT = {
    200: {
        "description": "One entry a line, oldest first, and the signed end; `dataroll audit verify`"
        " checks it",
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
    """Line by line, a few hundred at a time: the log may be long. The last line, signed, says
    where the chain ended when the export began."""
    async with database.reading() as session:
        signer: Signer = session.info["signer"]
        found = await session.get(AuditChain, chain)
    end = (0, START) if found is None else (found.seq, found.hash)
    last = 0
    while last < end[0]:
        async with database.reading() as session:
            rows = (
                await session.scalars(
                    select(AuditLog)
                    .where(AuditLog.chain == chain, AuditLog.seq > last, AuditLog.seq <= end[0])
                    .order_by(AuditLog.seq)
                    .limit(500)
                )
            ).all()
        if not rows:
            break
        for row in rows:
            yield _json_line(as_line(row))
        last = rows[-1].seq
    closing = {"chain": chain, "seq": end[0], "hash": end[1], "at": utc_now().isoformat()}
    signature = signer.sign(end_text(closing))
    yield _json_line({"end": closing, "publicKey": signer.public_key, "signature": signature})


def _json_line(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
