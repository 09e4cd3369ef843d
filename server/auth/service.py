"""Sign in and out, tokens, invitations, users."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import SERVER, Actor, Caller
from server.audit.record import record
from server.errors import Conflict, Invalid, NotFound, Unauthorized, field_error
from server.models import (
    ApiToken,
    BrowserSession,
    Invitation,
    Membership,
    OneTimeToken,
    Team,
    User,
    database_now,
    utc_now,
)
from server.tokens import new_token, token_hash

SESSION_DAYS = 14
LOGIN_LINK_HOURS = 24


async def find_user(session: AsyncSession, email: str) -> User | None:
    query = select(User).where(User.email == email.lower())
    return (await session.scalars(query)).one_or_none()


async def start_session(
    session: AsyncSession, user: User, ip: str | None, user_agent: str | None, how: str
) -> tuple[str, BrowserSession]:
    """The cookie's value, and the session."""
    token = new_token("ses")
    now = utc_now()
    row = BrowserSession(
        token_hash=token_hash(token),
        user_id=user.id,
        csrf_token=new_token("csrf")[:60],
        expires_at=now + timedelta(days=SESSION_DAYS),
        last_seen_at=now,
        ip=ip,
        user_agent=user_agent,
    )
    session.add(row)
    await session.execute(update(User).where(User.id == user.id).values(last_login_at=now))
    await session.flush()
    actor = Actor(user.id, user.email, ip, user_agent)
    await record(session, actor, "auth.login", "user", user.id, team_id=None, how=how)
    return token, row


async def make_one_time_token(
    session: AsyncSession,
    purpose: str,
    user_id: str,
    lifetime: timedelta,
    credential_id: str | None = None,
) -> str:
    token = new_token(purpose)
    await session.execute(
        delete(OneTimeToken).where(OneTimeToken.expires_at < utc_now() - timedelta(days=1))
    )
    session.add(
        OneTimeToken(
            purpose=purpose,
            token_hash=token_hash(token),
            user_id=user_id,
            credential_id=credential_id,
            expires_at=utc_now() + lifetime,
        )
    )
    await session.flush()
    return token


async def use_one_time_token(
    session: AsyncSession, purpose: str, token: str
) -> tuple[User, str | None]:
    """Its user and the credential that asked for it. Of two who come at once, one gets it."""
    row = (
        await session.execute(
            update(OneTimeToken)
            .where(
                OneTimeToken.token_hash == token_hash(token),
                OneTimeToken.purpose == purpose,
                OneTimeToken.used_at.is_(None),
                OneTimeToken.expires_at > database_now(),
            )
            .values(used_at=database_now())
            .returning(OneTimeToken.user_id, OneTimeToken.credential_id)
        )
    ).first()
    user = None if row is None else await session.get(User, row[0])
    if row is None or user is None or user.disabled_at is not None:
        raise Unauthorized("this link is used, over, or was never good; ask for a new one")
    return user, row[1]


async def make_token(
    session: AsyncSession,
    user: User,
    name: str,
    *,
    actor: Actor,
    team_id: str | None = None,
    scopes: list[str] | None = None,
    days: int | None = None,
) -> tuple[str, ApiToken]:
    token = new_token("api")
    row = ApiToken(
        user_id=user.id,
        team_id=team_id,
        name=name,
        prefix=token[:12],
        token_hash=token_hash(token),
        scopes=sorted(set(scopes or [])),
        expires_at=None if days is None else utc_now() + timedelta(days=days),
    )
    session.add(row)
    await session.flush()
    await record(
        session, actor, "token.create", "token", row.id, team_id=None, name=name, user=user.email
    )
    return token, row


async def make_user(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    is_admin: bool = False,
    actor: Actor = SERVER,
) -> User:
    if await find_user(session, email) is not None:
        raise Conflict(
            f"somebody with the address {email} is here already",
            errors=[{"field": "email", "message": "is taken", "code": "taken"}],
        )
    user = User(email=email.lower(), name=name, password_hash=password_hash, is_admin=is_admin)
    session.add(user)
    await session.flush()
    await record(session, actor, "user.create", "user", user.id, team_id=None, email=user.email)
    return user


async def revoke_credentials(session: AsyncSession, user_id: str, keep: str | None = None) -> None:
    """Every session and token of a person, for a new password or a disabled account."""
    for model in (BrowserSession, ApiToken):
        await session.execute(
            update(model)
            .where(model.user_id == user_id, model.revoked_at.is_(None), model.id != (keep or ""))
            .values(revoked_at=utc_now())
        )


async def accept_invitation(
    session: AsyncSession,
    token: str,
    name: str,
    password_hash: str | None,
    signed_in_as: str | None,
) -> tuple[User, Invitation, bool]:
    """Makes the account if the address is new (then the last value is true).

    Somebody who has an account joins by being signed in: whoever wrote the
    invitation holds its token too, and must not become them by it.
    """
    invitation = await session.scalar(
        update(Invitation)
        .where(
            Invitation.token_hash == token_hash(token),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > database_now(),
        )
        .values(accepted_at=database_now())
        .returning(Invitation)
    )
    team = None if invitation is None else await session.get(Team, invitation.team_id)
    if invitation is None or team is None or team.deleted_at is not None:
        raise Unauthorized("this invitation is used, over, or was never good; ask for a new one")
    user = await find_user(session, invitation.email)
    is_new = user is None
    if user is None:
        user = await make_user(
            session, email=invitation.email, name=name, password_hash=password_hash
        )
    elif user.id != signed_in_as or user.disabled_at is not None:
        raise Unauthorized(f"{invitation.email} has an account here: sign in to it, then accept")
    await add_member(session, team.id, user.id, invitation.role)
    actor = Actor(user.id, user.email)
    await record(
        session, actor, "team.join", "user", user.id, team_id=team.id, role=invitation.role
    )
    return user, invitation, is_new


async def add_member(session: AsyncSession, team_id: str, user_id: str, role: str) -> None:
    """An invitation never lowers the role that somebody has."""
    from server.actors import RANK

    member = await session.scalar(
        select(Membership).where(Membership.team_id == team_id, Membership.user_id == user_id)
    )
    if member is None:
        session.add(Membership(team_id=team_id, user_id=user_id, role=role))
    elif RANK[member.role] < RANK[role]:
        member.role = role
    await session.flush()


async def change_user(
    session: AsyncSession,
    caller: Caller,
    user_id: str,
    *,
    name: str | None,
    is_admin: bool | None,
    disabled: bool | None,
) -> User:
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound(f"there is no user '{user_id[:40]}'")
    loses = (is_admin is False and user.is_admin) or (disabled is True and user.is_admin)
    if loses and await _admins(session) <= 1:
        raise Conflict("this is the last one who looks after the installation")
    if name is not None:
        user.name = name
    if is_admin is not None:
        user.is_admin = is_admin
    if disabled is not None:
        if disabled and user.id == caller.user_id:
            raise field_error("disabled", "nobody can disable their own account")
        user.disabled_at = utc_now() if disabled else None
        if disabled:
            await revoke_credentials(session, user.id)
    await session.flush()
    await record(
        session,
        caller.actor,
        "user.change",
        "user",
        user.id,
        team_id=None,
        isAdmin=is_admin,
        disabled=disabled,
    )
    return user


async def _admins(session: AsyncSession) -> int:
    rows = await session.scalars(
        select(User.id).where(User.is_admin.is_(True), User.disabled_at.is_(None))
    )
    return len(rows.all())


def refuse_weak(password: str, email: str) -> None:
    """Length is what counts (NIST SP 800-63B §5.1.1.2); the address is the one guess refused."""
    if password.lower() in (email.lower(), email.partition("@")[0].lower()):
        raise Invalid(
            "the password is the address",
            errors=[{"field": "password", "message": "must not be the address", "code": "weak"}],
        )
