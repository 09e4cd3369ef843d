"""The first start: an admin, their team, and a link that signs them in once.

::

    link = await ensure_first_admin(database, settings)
    if link is not None:
        print(link.url)      # http://127.0.0.1:8420/login?token=…
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import SERVER
from server.audit.record import record
from server.auth.service import LOGIN_LINK_HOURS, make_one_time_token, make_user
from server.database import Database
from server.models import ApiToken, Membership, Team, User, utc_now
from server.secret_box import read_or_make
from server.settings import Settings
from server.tokens import new_token, token_hash

ADMIN_EMAIL = "admin@localhost"
TOKEN_NAME = "DATAROLL_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a token


@dataclass(frozen=True)
class LoginLink:
    """Good once, for a day."""

    url: str
    email: str
    expires_at: datetime


async def ensure_first_admin(database: Database, settings: Settings) -> LoginLink:
    """Makes the admin and a team where there is nobody yet; a fresh login link every time."""
    async with database.writing() as session:
        admin = await _first_admin(session)
        await _fixed_token(session, admin, settings.admin_token)
        token = await make_one_time_token(
            session, "login", admin.id, timedelta(hours=LOGIN_LINK_HOURS)
        )
    return LoginLink(
        url=f"{settings.public_url}/login?token={token}",
        email=admin.email,
        expires_at=utc_now() + timedelta(hours=LOGIN_LINK_HOURS),
    )


async def _first_admin(session: AsyncSession) -> User:
    admin = await session.scalar(
        select(User)
        .where(User.is_admin.is_(True), User.disabled_at.is_(None))
        .order_by(User.id)
        .limit(1)
    )
    if admin is not None:
        return admin
    admin = await make_user(
        session, email=ADMIN_EMAIL, name="Admin", password_hash=None, is_admin=True
    )
    team = await session.scalar(select(Team).where(Team.slug == "default"))
    if team is None:
        team = Team(name="Default", slug="default")
        session.add(team)
        await session.flush()
        await record(session, SERVER, "team.create", "team", team.id, team_id=team.id)
    session.add(Membership(team_id=team.id, user_id=admin.id, role="owner"))
    await session.flush()
    return admin


async def _fixed_token(session: AsyncSession, admin: User, token: str | None) -> None:
    """The token from the environment, and only that one, is good under its name."""
    hashed = None if token is None else token_hash(token)
    await session.execute(
        update(ApiToken)
        .where(
            ApiToken.name == TOKEN_NAME,
            ApiToken.revoked_at.is_(None),
            ApiToken.token_hash != (hashed or ""),
        )
        .values(revoked_at=utc_now())
    )
    if token is None or hashed is None:
        return
    known = await session.scalar(select(ApiToken).where(ApiToken.token_hash == hashed))
    if known is None:
        session.add(
            ApiToken(
                user_id=admin.id,
                name=TOKEN_NAME,
                prefix=token[:4],
                token_hash=hashed,
                scopes=[],
            )
        )
    else:
        known.user_id, known.revoked_at = admin.id, None
    await session.flush()


def worker_token(settings: Settings, environment: dict[str, str]) -> str:
    """What the worker sends: ``DATAROLL_WORKER_TOKEN``, or ``worker.token`` in DATAROLL_HOME."""
    given = environment.get("DATAROLL_WORKER_TOKEN", "").strip()
    return given or read_or_make(settings.home / "worker.token", lambda: new_token("worker"))
