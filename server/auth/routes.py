"""/api/auth: sign in and out, and one's own tokens and sessions."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from server.access import AccessDep, CallerDep, SessionDep, database_of, needs
from server.actors import Actor
from server.audit.record import record
from server.auth import schemas, service
from server.auth.attempts import count_attempt
from server.auth.authenticate import (
    COOKIE,
    address,
    agent,
    check_origin,
    own_origin,
    signed_in,
)
from server.auth.passwords import hash_password, verify_password
from server.errors import Forbidden, NotFound, Unauthorized, field_error
from server.models import ApiToken, BrowserSession, Team, User, utc_now
from server.paging import PagingQuery
from server.schemas import Page

router = APIRouter(tags=["auth"])


@router.post("/api/auth/login", **needs("public", errors=(401, 403)))
async def login(body: schemas.Login, request: Request, response: Response) -> schemas.Me:
    """Sign in with a password; sets the session's cookie."""
    _check_own(request)
    await count_attempt(request, body.email)
    database = database_of(request)
    async with database.reading() as session:
        user = await service.find_user(session, body.email)
    good = await verify_password(
        body.password.get_secret_value(), None if user is None else user.password_hash
    )
    if user is None or not good or user.disabled_at is not None:
        async with database.writing() as session:
            actor = Actor(user.id if user else None, body.email, address(request), agent(request))
            await record(session, actor, "auth.login-failed", "user", actor.id, team_id=None)
        raise Unauthorized("the address or the password is wrong")
    return await sign_in(request, response, user, "password")


@router.post("/api/auth/login-link", **needs("public", errors=(401, 403)))
async def login_by_link(
    body: schemas.LoginToken, request: Request, response: Response
) -> schemas.Me:
    """Sign in with the token of a one-time link."""
    _check_own(request)
    await count_attempt(request, "link")
    async with database_of(request).writing() as session:
        user, _ = await service.use_one_time_token(session, "login", body.token)
    return await sign_in(request, response, user, "link")


async def sign_in(request: Request, response: Response, user: User, how: str) -> schemas.Me:
    async with database_of(request).writing() as session:
        token, row = await service.start_session(
            session, user, address(request), agent(request), how
        )
        teams = await _teams(session, user.id, None)
    set_cookie(request, response, token)
    return schemas.Me(
        id=user.id,
        email=user.email,
        name=user.name,
        is_admin=user.is_admin,
        teams=teams,
        csrf_token=row.csrf_token,
    )


def set_cookie(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=service.SESSION_DAYS * 86400,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.public_url.startswith("https://"),
        path="/",
    )


def _check_own(request: Request) -> None:
    """Nobody signs a visitor in as somebody else from another site."""
    if not own_origin(request):
        raise Forbidden("this request comes from another site", code="foreign-origin")


async def _teams(
    session: SessionDep, user_id: str, limit_to: str | None
) -> list[schemas.TeamOfMine]:
    from server.auth.authenticate import roles_of

    roles = await roles_of(session, user_id, limit_to)
    rows = await session.scalars(select(Team).where(Team.id.in_(roles)).order_by(Team.name))
    return [
        schemas.TeamOfMine.model_validate(
            {"id": team.id, "name": team.name, "slug": team.slug, "role": roles[team.id]}
        )
        for team in rows
    ]


@router.post("/api/auth/logout", status_code=204, **needs("signed-in"))
async def logout(caller: CallerDep, session: SessionDep, response: Response) -> None:
    """End this session. An API token is revoked with DELETE /api/auth/tokens/{id} instead."""
    if caller.credential == "session":
        row = await session.get(BrowserSession, caller.credential_id)
        if row is not None:
            row.revoked_at = utc_now()
        response.delete_cookie(COOKIE, path="/")


@router.get("/api/auth/me", **needs("signed-in"))
async def me(caller: CallerDep, session: SessionDep) -> schemas.Me:
    """Who I am, my teams and roles, and the token that changes need."""
    teams = [
        team for team in await _teams(session, caller.user_id, None) if team.id in caller.roles
    ]
    return schemas.Me(
        id=caller.user_id,
        email=caller.email,
        name=caller.name,
        is_admin=caller.is_admin,
        teams=teams,
        csrf_token=caller.csrf_token,
    )


@router.patch("/api/auth/me", **needs("signed-in", "admin"))
async def change_me(body: schemas.ChangeMe, caller: CallerDep, request: Request) -> schemas.Me:
    """Change my name or password. A new password ends every other session and token of mine."""
    if body.password is not None and caller.limited:
        # Whoever has the password may do everything; this token may not.
        raise Forbidden("a token that is limited cannot set the password")
    database = database_of(request)
    async with database.reading() as session:
        user = await session.get(User, caller.user_id)
    assert user is not None  # noqa: S101 - the caller was just authenticated
    hashed = None
    if body.password is not None:
        await count_attempt(request, caller.email)
        current = body.current_password.get_secret_value() if body.current_password else ""
        if user.password_hash and not await verify_password(current, user.password_hash):
            raise field_error("currentPassword", "is wrong")
        service.refuse_weak(body.password.get_secret_value(), user.email)
        hashed = await hash_password(body.password.get_secret_value())
    async with database.writing() as session:
        changed = await session.get(User, caller.user_id)
        assert changed is not None  # noqa: S101 - users are disabled, never deleted
        if body.name is not None:
            changed.name = body.name
        if hashed is not None:
            changed.password_hash = hashed
            await service.revoke_credentials(session, changed.id, keep=caller.credential_id)
            await record(session, caller.actor, "user.password", "user", changed.id, team_id=None)
        await session.flush()
        return schemas.Me(
            id=changed.id,
            email=changed.email,
            name=changed.name,
            is_admin=caller.is_admin,
            teams=await _teams(session, changed.id, None),
            csrf_token=caller.csrf_token,
        )


@router.get("/api/auth/tokens", **needs("signed-in"))
async def tokens(
    caller: CallerDep, session: SessionDep, paging: PagingQuery
) -> Page[schemas.TokenAnswer]:
    """My API tokens, without their values."""
    mine = select(ApiToken).where(ApiToken.user_id == caller.user_id, ApiToken.revoked_at.is_(None))
    return await paging.page(session, mine, ApiToken.id, schemas.TokenAnswer.model_validate)


@router.post("/api/auth/tokens", status_code=201, **needs("signed-in", "admin", errors=(404,)))
async def make_token(
    body: schemas.NewToken, caller: CallerDep, session: SessionDep
) -> schemas.TokenMade:
    """Make an API token. It can do no more than the token or session that makes it."""
    if body.team_id is not None and body.team_id not in caller.roles:
        raise NotFound(f"there is no team '{body.team_id}' here")
    scopes: set[str] = set(body.scopes) or set(caller.scopes)
    if caller.scopes and not scopes <= caller.scopes:
        raise Forbidden("a token cannot make one that may do more than itself")
    limited = await session.get(ApiToken, caller.credential_id)
    team_id = body.team_id or (limited.team_id if limited is not None else None)
    user = await session.get(User, caller.user_id)
    assert user is not None  # noqa: S101 - the caller was just authenticated
    token, row = await service.make_token(
        session,
        user,
        body.name,
        actor=caller.actor,
        team_id=team_id,
        scopes=sorted(scopes),
        days=body.expires_in_days,
    )
    answer = schemas.TokenAnswer.model_validate(row)
    return schemas.TokenMade(**answer.model_dump(by_alias=False), token=token)


@router.delete(
    "/api/auth/tokens/{token_id}", status_code=204, **needs("signed-in", "admin", errors=(404,))
)
async def revoke_token(token_id: str, caller: CallerDep, session: SessionDep) -> None:
    row = await session.get(ApiToken, token_id)
    if row is None or row.user_id != caller.user_id or row.revoked_at is not None:
        raise NotFound(f"you have no token '{token_id[:40]}'")
    row.revoked_at = utc_now()
    await session.flush()
    await record(
        session, caller.actor, "token.revoke", "token", row.id, team_id=None, name=row.name
    )


@router.get("/api/auth/sessions", **needs("signed-in"))
async def sessions(
    caller: CallerDep, session: SessionDep, paging: PagingQuery
) -> Page[schemas.SessionAnswer]:
    """Where I am signed in."""
    mine = select(BrowserSession).where(
        BrowserSession.user_id == caller.user_id,
        BrowserSession.revoked_at.is_(None),
        BrowserSession.expires_at > utc_now(),
    )

    def present(row: BrowserSession) -> schemas.SessionAnswer:
        answer = schemas.SessionAnswer.model_validate(row)
        answer.current = row.id == caller.credential_id
        return answer

    return await paging.page(session, mine, BrowserSession.id, present)


@router.delete(
    "/api/auth/sessions/{session_id}", status_code=204, **needs("signed-in", errors=(404,))
)
async def revoke_session(session_id: str, caller: CallerDep, session: SessionDep) -> None:
    row = await session.get(BrowserSession, session_id)
    if row is None or row.user_id != caller.user_id or row.revoked_at is not None:
        raise NotFound(f"you have no session '{session_id[:40]}'")
    row.revoked_at = utc_now()
    await session.flush()
    await record(session, caller.actor, "session.revoke", "session", row.id, team_id=None)


@router.post("/api/auth/invitations/accept", **needs("public", errors=(401, 403)))
async def accept(body: schemas.AcceptInvitation, request: Request) -> schemas.Accepted:
    """Join a team by invitation; makes the account where there is none.

    Who has an account already calls this signed in. ``createToken`` serves new accounts only.
    """
    _check_own(request)
    await count_attempt(request, "invitation")
    caller = await signed_in(request)
    if caller is not None:
        check_origin(request, caller)
    hashed = (
        None if body.password is None else await hash_password(body.password.get_secret_value())
    )
    async with database_of(request).writing() as session:
        user, invitation, is_new = await service.accept_invitation(
            session, body.token, body.name, hashed, None if caller is None else caller.user_id
        )
        token = None
        if body.create_token and is_new:
            actor = Actor(user.id, user.email, address(request), agent(request))
            token, _ = await service.make_token(
                session, user, "Invitation", actor=actor, team_id=invitation.team_id
            )
        return schemas.Accepted.model_validate(
            {
                "user": schemas.UserAnswer.model_validate(user),
                "team_id": invitation.team_id,
                "role": invitation.role,
                "token": token,
            }
        )


@router.post("/api/auth/live-ticket", status_code=201, **needs("signed-in", "read"))
async def live_ticket(caller: CallerDep, access: AccessDep) -> schemas.LoginToken:
    """A ticket for the WebSocket /api/live: good once, for half a minute."""
    ticket = await service.make_one_time_token(
        access.session, "live", caller.user_id, timedelta(seconds=30), caller.credential_id
    )
    return schemas.LoginToken(token=ticket)
