"""Write one line into the audit log, chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.ids import new_id
from server.models import AuditChain, AuditLog, utc_now

INSTANCE = "instance"
START = "0" * 64


async def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: str | None,
    *,
    team_id: str | None,
    execution_id: str | None = None,
    version: int | None = None,
    **details: Any,
) -> None:
    """In the caller's transaction: what is not committed did not happen. Never pass a secret.

    The chain's row is locked until the transaction ends, so call this last.
    """
    chain = await _lock(session, team_id or INSTANCE)
    entry = AuditLog(
        id=new_id(),
        chain=chain.chain,
        seq=chain.seq + 1,
        at=utc_now(),
        actor_id=actor.id,
        actor=actor.name,
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        execution_id=execution_id,
        version=version,
        details={key: value for key, value in details.items() if value is not None},
        ip=actor.ip,
        user_agent=actor.user_agent,
        previous_hash=chain.hash,
        hash="",
    )
    entry.hash = entry_hash(as_line(entry))
    chain.seq, chain.hash = entry.seq, entry.hash
    session.add(entry)
    await session.flush()


async def _lock(session: AsyncSession, name: str) -> AuditChain:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    await session.execute(
        insert(AuditChain).values(chain=name, seq=0, hash=START).on_conflict_do_nothing()
    )
    chain = await session.scalar(
        select(AuditChain)
        .where(AuditChain.chain == name)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert chain is not None  # noqa: S101 - inserted above
    return chain


def as_line(entry: AuditLog) -> dict[str, Any]:
    """The entry as it is exported. The hash covers all of it except itself."""
    return {
        "chain": entry.chain,
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actorId": entry.actor_id,
        "actor": entry.actor,
        "action": entry.action,
        "subjectType": entry.subject_type,
        "subjectId": entry.subject_id,
        "executionId": entry.execution_id,
        "version": entry.version,
        "details": entry.details,
        "ip": entry.ip,
        "userAgent": entry.user_agent,
        "previousHash": entry.previous_hash,
        "hash": entry.hash,
    }


def entry_hash(line: dict[str, Any]) -> str:
    """SHA-256 over the line without ``hash``: sorted keys, no spaces, UTF-8."""
    covered = {key: value for key, value in line.items() if key != "hash"}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def end_text(end: dict[str, Any]) -> str:
    """What is signed at the end of an export: no text that is signed elsewhere begins like this."""
    return "dataroll audit log ends " + json.dumps(end, sort_keys=True, separators=(",", ":"))
