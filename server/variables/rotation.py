"""Every encrypted column, for a new key. A column missing here would be lost with the old key."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import Connection, TeamVariable, WorkflowTrigger, WorkflowVariable
from server.secret_box import SecretBox


async def rotate_all(session: AsyncSession, box: SecretBox) -> int:
    """In one transaction: either everything is under the new key or nothing. The rows are locked
    first, so that a value which is being changed is not set back to what it was."""
    count = 0
    for connection in await session.scalars(select(Connection).with_for_update()):
        connection.url = box.rotate(connection.url)
        count += 1
    for team_secret in await session.scalars(
        select(TeamVariable).where(TeamVariable.is_secret.is_(True)).with_for_update()
    ):
        if team_secret.value is not None:
            team_secret.value = box.rotate(team_secret.value)
            count += 1
    for secret in await session.scalars(
        select(WorkflowVariable).where(WorkflowVariable.is_secret.is_(True)).with_for_update()
    ):
        if secret.default_value is not None:
            secret.default_value = box.rotate(secret.default_value)
            count += 1
    for trigger in await session.scalars(
        select(WorkflowTrigger).where(WorkflowTrigger.secret.is_not(None)).with_for_update()
    ):
        trigger.secret = box.rotate(trigger.secret or "")
        count += 1
    return count
