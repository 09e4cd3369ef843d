"""The team's secrets, decrypted once, for masking what is written down."""

from __future__ import annotations

from urllib.parse import unquote

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncSession

from runtime_tasks.redaction import Redactor
from server.models import Connection, TeamVariable, Workflow, WorkflowTrigger, WorkflowVariable
from server.secret_box import SecretBox

_cache: dict[tuple[int, str], tuple[tuple[object, ...], Redactor]] = {}
_KEPT = 500


async def team_redactor(session: AsyncSession, team_id: str) -> Redactor:
    """Kept until a secret of the team changes."""
    box: SecretBox | None = session.info.get("secret_box")
    if box is None:
        return Redactor(())
    stamp = await _stamp(session, team_id)
    key = (id(box), team_id)
    cached = _cache.get(key)
    if cached is not None and cached[0] == stamp:
        return cached[1]
    redactor = Redactor(await _secrets(session, box, team_id))
    if len(_cache) >= _KEPT:
        _cache.clear()
    _cache[key] = (stamp, redactor)
    return redactor


async def _stamp(session: AsyncSession, team_id: str) -> tuple[object, ...]:
    mine = select(Workflow.id).where(Workflow.team_id == team_id)
    queries = (
        select(func.count(), func.max(TeamVariable.updated_at)).where(
            TeamVariable.team_id == team_id, TeamVariable.is_secret.is_(True)
        ),
        select(func.count(), func.max(Connection.updated_at)).where(Connection.team_id == team_id),
        select(func.count(), func.max(WorkflowVariable.updated_at)).where(
            WorkflowVariable.is_secret.is_(True), WorkflowVariable.workflow_id.in_(mine)
        ),
        select(func.count(), func.max(WorkflowTrigger.updated_at)).where(
            WorkflowTrigger.secret.is_not(None), WorkflowTrigger.workflow_id.in_(mine)
        ),
    )
    return tuple([tuple((await session.execute(query)).one()) for query in queries])


async def _secrets(session: AsyncSession, box: SecretBox, team_id: str) -> set[str]:
    mine = select(Workflow.id).where(Workflow.team_id == team_id)
    sealed = [
        *await session.scalars(
            select(TeamVariable.value).where(
                TeamVariable.team_id == team_id, TeamVariable.is_secret.is_(True)
            )
        ),
        *await session.scalars(
            select(WorkflowVariable.default_value).where(
                WorkflowVariable.is_secret.is_(True), WorkflowVariable.workflow_id.in_(mine)
            )
        ),
        *await session.scalars(
            select(WorkflowTrigger.secret).where(WorkflowTrigger.workflow_id.in_(mine))
        ),
    ]
    secrets = {box.decrypt(value) for value in sealed if value is not None}
    for url in await session.scalars(select(Connection.url).where(Connection.team_id == team_id)):
        secrets |= url_secrets(box.decrypt(url))
    return secrets


def url_secrets(url: str) -> set[str]:
    """The password, as written and as meant, and the URL itself when it holds one."""
    try:
        password = make_url(url).password
    except ArgumentError:
        return {url}
    if not password:
        return set()
    return {url, password, unquote(password)}
