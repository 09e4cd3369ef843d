"""Into the audit log goes which run was given which secret, before it is given."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import database_of
from server.actors import Actor
from server.audit.record import record
from server.auth.authenticate import address, agent
from server.models import WorkflowExecution


async def note_read(
    request: Request,
    session: AsyncSession,
    execution: WorkflowExecution,
    action: str,
    subject_type: str,
    subject_id: str,
    **details: Any,
) -> None:
    """In a transaction of its own: reading is a GET, and what cannot be noted is not answered.

    ``session`` has read, and gives its connection back first: whoever holds one and waits for
    another one waits for ever when everybody does.
    """
    await session.commit()
    async with database_of(request).writing() as session:
        await record(
            session,
            Actor(None, "worker", address(request), agent(request)),
            action,
            subject_type,
            subject_id,
            team_id=execution.team_id,
            execution_id=execution.id,
            version=execution.version,
            process=execution.process,
            **details,
        )
