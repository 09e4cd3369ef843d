"""From a request to a caller: a Bearer token, or the session's cookie with its CSRF token."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from runtime_tasks.run_token import flow_run_of
from server.actors import Caller
from server.database import Database
from server.errors import Forbidden, Unauthorized
from server.limits import Limits
from server.models import ApiToken, BrowserSession, Membership, Team, User, utc_now
from server.tokens import same, token_hash

COOKIE = "dataroll_session"
CSRF_HEADER = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")
SEEN_EVERY = timedelta(minutes=1)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="dataroll"'}


async def authenticate(request: Request) -> Caller:
    """Raises Unauthorized, and TooMany after many bad attempts from one address."""
    limits: Limits = request.app.state.limits
    ip = address(request)
    caller = await _caller(request)
    if caller is None:
        limits.count_failure(ip)
        raise Unauthorized("send a valid token or sign in", headers=CHALLENGE)
    limits.check_calls(caller.credential_id)
    return caller


async def signed_in(request: Request) -> Caller | None:
    """Who is calling a public route, if anybody is."""
    return await _caller(request)


async def _caller(request: Request) -> Caller | None:
    database: Database = request.app.state.database
    authorization = request.headers.get("authorization")
    cookie = request.cookies.get(COOKIE)
    found: tuple[ApiToken | BrowserSession, User] | None
    async with database.reading() as session:
        if authorization is not None:
            kind, _, token = authorization.partition(" ")
            if kind.lower() != "bearer" or not token.strip():
                return None
            found = await by_token(session, token.strip())
        elif cookie:
            found = await by_cookie(session, cookie)
        else:
            return None
        if found is None:
            return None
        credential, user = found
        caller = await _build(session, request, credential, user)
    seen = credential.last_used_at if isinstance(credential, ApiToken) else credential.last_seen_at
    if seen is None or utc_now() - seen > SEEN_EVERY:
        await _mark_seen(database, credential)
    return caller


async def by_token(session: AsyncSession, token: str) -> tuple[ApiToken, User] | None:
    row = (
        await session.execute(
            select(ApiToken, User)
            .join(User, User.id == ApiToken.user_id)
            .where(ApiToken.token_hash == token_hash(token))
        )
    ).first()
    if row is None or row[1].disabled_at or row[0].revoked_at or _over(row[0].expires_at):
        return None
    return row[0], row[1]


async def by_cookie(session: AsyncSession, cookie: str) -> tuple[BrowserSession, User] | None:
    row = (
        await session.execute(
            select(BrowserSession, User)
            .join(User, User.id == BrowserSession.user_id)
            .where(BrowserSession.token_hash == token_hash(cookie))
        )
    ).first()
    if row is None or row[1].disabled_at or row[0].revoked_at or _over(row[0].expires_at):
        return None
    return row[0], row[1]


def _over(end: datetime | None) -> bool:
    return end is not None and end <= utc_now()


async def roles_of(session: AsyncSession, user_id: str, team_id: str | None) -> dict[str, str]:
    query = (
        select(Membership.team_id, Membership.role)
        .join(Team, Team.id == Membership.team_id)
        .where(Membership.user_id == user_id, Team.deleted_at.is_(None))
    )
    if team_id is not None:
        query = query.where(Membership.team_id == team_id)
    return {row.team_id: row.role for row in await session.execute(query)}


async def _build(
    session: AsyncSession, request: Request, credential: ApiToken | BrowserSession, user: User
) -> Caller:
    is_token = isinstance(credential, ApiToken)
    team = credential.team_id if isinstance(credential, ApiToken) else None
    return Caller(
        user_id=user.id,
        email=user.email,
        name=user.name,
        is_admin=user.is_admin and team is None,
        roles=await roles_of(session, user.id, team),
        credential="token" if is_token else "session",
        credential_id=credential.id,
        scopes=frozenset(credential.scopes) if isinstance(credential, ApiToken) else frozenset(),
        limited=isinstance(credential, ApiToken) and bool(team or credential.scopes),
        csrf_token=credential.csrf_token if isinstance(credential, BrowserSession) else None,
        ip=address(request),
        user_agent=agent(request),
    )


async def _mark_seen(database: Database, credential: ApiToken | BrowserSession) -> None:
    async with database.writing() as session:
        if isinstance(credential, ApiToken):
            await session.execute(
                update(ApiToken).where(ApiToken.id == credential.id).values(last_used_at=utc_now())
            )
        else:
            await session.execute(
                update(BrowserSession)
                .where(BrowserSession.id == credential.id)
                .values(last_seen_at=utc_now())
            )


def check_run(request: Request) -> str:
    """The flow run whose token this is. The worker's own token opens nothing by itself."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    worker_token: str = request.app.state.worker_token
    run_id = flow_run_of(token.strip(), worker_token) if kind.lower() == "bearer" else None
    if run_id is None:
        limits: Limits = request.app.state.limits
        limits.count_failure(address(request))
        raise Unauthorized("this takes the token of a flow run", headers=CHALLENGE)
    return run_id


def check_scope(caller: Caller, scope: str) -> None:
    """A token with scopes does what they say; ``write`` and the others include ``read``."""
    if not caller.scopes or scope in caller.scopes or scope == "read":
        return
    raise Forbidden(f"this token lacks the scope '{scope}'")


def check_origin(request: Request, caller: Caller) -> None:
    """A cookie is sent by any page that asks; so a change also needs what only ours knows."""
    if caller.credential != "session" or request.method in SAFE:
        return
    if not own_origin(request):
        raise Forbidden("this request comes from another site", code="foreign-origin")
    sent = request.headers.get(CSRF_HEADER, "")
    if caller.csrf_token is None or not same(sent, caller.csrf_token):
        raise Forbidden("send the X-CSRF-Token that /api/auth/me gives", code="csrf-token-missing")


def own_origin(request: Request) -> bool:
    """The Origin, if there is one, is ours. Browsers always send it with changes."""
    if request.headers.get("sec-fetch-site", "same-origin") in ("cross-site", "same-site"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    host = request.headers.get("host", "")
    public = urlsplit(request.app.state.settings.public_url)
    return origin == f"{public.scheme}://{public.netloc}" or urlsplit(origin).netloc == host


def address(request: Request) -> str:
    return request.client.host[:64] if request.client else "unknown"


def agent(request: Request) -> str | None:
    value = request.headers.get("user-agent")
    return value[:300] if value else None
