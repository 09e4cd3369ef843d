"""/api/auth/methods and /api/auth/oidc: signing in through the identity provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import database_of, needs
from server.actors import Actor
from server.audit.record import record
from server.auth import oidc, schemas, service
from server.auth.routes import sign_in
from server.errors import Forbidden, NotFound, Unauthorized
from server.models import Invitation, User, database_now

router = APIRouter(tags=["auth"])

COOKIE = "dataroll_oidc"
PATH = "/api/auth/oidc"
REDIRECT = {303: {"description": "Goes on to the provider, or home"}}


def _provider(request: Request) -> oidc.Provider:
    provider: oidc.Provider | None = request.app.state.oidc
    if provider is None:
        raise NotFound("no identity provider is configured")
    return provider


def _callback(request: Request) -> str:
    return f"{request.app.state.settings.public_url}{PATH}/callback"


@router.get("/api/auth/methods", **needs("public"))
async def methods(request: Request) -> schemas.AuthMethods:
    """How one can sign in here."""
    provider: oidc.Provider | None = request.app.state.oidc
    return schemas.AuthMethods(oidc=None if provider is None else provider.label)


def _needs() -> dict[str, object]:
    gate = needs("public", errors=(401, 403, 404, 503))
    return {**gate, "responses": {**gate["responses"], **REDIRECT}}


@router.get(f"{PATH}/login", status_code=303, response_class=Response, **_needs())  # type: ignore[arg-type]
async def login(request: Request) -> Response:
    """Go to the identity provider."""
    url, cookie = await oidc.first_step(
        _provider(request), _callback(request), request.app.state.secret_box
    )
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=oidc.STEP_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.public_url.startswith("https://"),
        path=PATH,
    )
    return answer


@router.get(f"{PATH}/callback", status_code=303, response_class=Response, **_needs())  # type: ignore[arg-type]
async def callback(
    request: Request,
    code: Annotated[str, Query(max_length=2000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Back from the identity provider."""
    identity = await oidc.second_step(
        _provider(request),
        _callback(request),
        request.app.state.secret_box,
        request.cookies.get(COOKIE, ""),
        state,
        code,
    )
    async with database_of(request).writing() as session:
        user = await _person(session, identity)
    answer = RedirectResponse("/", 303)
    await sign_in(request, answer, user, "oidc")
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


async def _person(session: AsyncSession, identity: oidc.Identity) -> User:
    """Known by the provider's subject, or by a verified address; new ones need an invitation."""
    known = (
        await session.scalars(select(User).where(User.oidc_subject == identity.subject))
    ).one_or_none()
    if known is None and identity.email is not None:
        known = await service.find_user(session, identity.email)
        if known is not None and known.oidc_subject is None:
            await _take_over(session, known, identity)
        elif known is not None:
            raise Unauthorized("this address belongs to another account of the provider")
        else:
            known = await _invited(session, identity, identity.email)
    if known is None:
        raise Forbidden("nobody here knows you yet: ask for an invitation")
    if known.disabled_at is not None:
        raise Unauthorized("this account is disabled")
    return known


async def _take_over(session: AsyncSession, user: User, identity: oidc.Identity) -> None:
    """The provider vouches for the address, which nobody has before: whoever made this account
    may have been somebody else. What they could get in with is good no longer."""
    user.oidc_subject = identity.subject
    user.password_hash = None
    await service.revoke_credentials(session, user.id)
    actor = Actor(user.id, user.email)
    await record(session, actor, "user.provider", "user", user.id, team_id=None)


async def _invited(session: AsyncSession, identity: oidc.Identity, email: str) -> User | None:
    invitations = (
        await session.scalars(
            select(Invitation).where(
                Invitation.email == email,
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > database_now(),
            )
        )
    ).all()
    if not invitations:
        return None
    user = await service.make_user(session, email=email, name=identity.name, password_hash=None)
    user.oidc_subject = identity.subject
    for invitation in invitations:
        invitation.accepted_at = (await session.execute(select(database_now()))).scalar_one()
        await service.add_member(session, invitation.team_id, user.id, invitation.role)
        await record(
            session,
            Actor(user.id, email),
            "team.join",
            "user",
            user.id,
            team_id=invitation.team_id,
            role=invitation.role,
        )
    return user
