"""Teams, who is in them, and who may say so."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import RANK, Caller
from server.audit.record import record
from server.errors import Conflict, Forbidden, NotFound
from server.ids import random_word
from server.models import (
    Invitation,
    Membership,
    Team,
    User,
    Workflow,
    WorkflowExecution,
    utc_now,
)
from server.tokens import new_token, token_hash


def slug_of(name: str, fallback: str) -> str:
    """``Safe Production Migration`` → ``safe-production-migration``."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-")
    return slug or fallback


def require_may_grant(caller: Caller, team_id: str, role: str) -> None:
    """Admins give roles up to their own; owners are made by owners."""
    held = caller.roles.get(team_id)
    if held is None:
        raise NotFound(f"there is no team '{team_id[:40]}' here")
    if RANK[held] < RANK["admin"] or RANK[role] > RANK[held]:
        raise Forbidden(
            f"giving the role {role} takes that role, and admin at least; you are {held}"
        )


async def make_team(session: AsyncSession, caller: Caller, name: str) -> Team:
    slug = slug_of(name, "team")
    if await session.scalar(select(Team.id).where(Team.slug == slug)):
        slug = f"{slug}-{random_word(6)}"
    team = Team(name=name, slug=slug)
    session.add(team)
    await session.flush()
    session.add(Membership(team_id=team.id, user_id=caller.user_id, role="owner"))
    await session.flush()
    await record(session, caller.actor, "team.create", "team", team.id, team_id=team.id, name=name)
    return team


async def require_quiet(session: AsyncSession, team_id: str) -> None:
    """Raises Conflict while a schedule, a webhook or a run of the team could still do something."""
    await session.execute(select(Team.id).where(Team.id == team_id).with_for_update())
    live = await session.scalar(
        select(Workflow.name)
        .where(
            Workflow.team_id == team_id,
            Workflow.is_published.is_(True),
            Workflow.deleted_at.is_(None),
        )
        .limit(1)
    )
    if live is not None:
        raise Conflict(
            f"'{live}' is published: unpublish the team's workflows first", code="in-use"
        )
    run = await session.scalar(
        select(WorkflowExecution.id)
        .where(
            WorkflowExecution.team_id == team_id,
            WorkflowExecution.status.in_(["pending", "running", "waiting"]),
        )
        .limit(1)
    )
    if run is not None:
        raise Conflict(f"run {run} is under way: cancel it or let it end first", code="in-use")


async def invite(
    session: AsyncSession, caller: Caller, team_id: str, email: str, role: str, days: int
) -> tuple[str, Invitation]:
    require_may_grant(caller, team_id, role)
    token = new_token("inv")
    invitation = Invitation(
        team_id=team_id,
        email=email,
        role=role,
        token_hash=token_hash(token),
        invited_by=caller.user_id,
        expires_at=utc_now() + timedelta(days=days),
    )
    session.add(invitation)
    await session.flush()
    await record(
        session,
        caller.actor,
        "team.invite",
        "invitation",
        invitation.id,
        team_id=team_id,
        email=email,
        role=role,
    )
    return token, invitation


async def find_member(session: AsyncSession, team_id: str, user_id: str) -> tuple[Membership, User]:
    row = (
        await session.execute(
            select(Membership, User)
            .join(User, User.id == Membership.user_id)
            .where(Membership.team_id == team_id, Membership.user_id == user_id)
            .with_for_update()
        )
    ).first()
    if row is None:
        raise NotFound(f"there is no member '{user_id[:40]}' in this team")
    return row[0], row[1]


async def change_role(session: AsyncSession, caller: Caller, member: Membership, role: str) -> None:
    require_may_grant(caller, member.team_id, role)
    require_may_grant(caller, member.team_id, member.role)
    if member.role == "owner" and role != "owner":
        await _keep_an_owner(session, member.team_id)
    old, member.role = member.role, role
    await session.flush()
    await record(
        session,
        caller.actor,
        "team.role",
        "user",
        member.user_id,
        team_id=member.team_id,
        old=old,
        new=role,
    )


async def remove_member(session: AsyncSession, caller: Caller, member: Membership) -> None:
    """Admins remove people of their rank or below; anybody may leave."""
    if member.user_id != caller.user_id:
        require_may_grant(caller, member.team_id, member.role)
    if member.role == "owner":
        await _keep_an_owner(session, member.team_id)
    await session.delete(member)
    await session.flush()
    await record(
        session, caller.actor, "team.leave", "user", member.user_id, team_id=member.team_id
    )


async def _keep_an_owner(session: AsyncSession, team_id: str) -> None:
    # The team's row is the lock: two owners cannot both be the last but one.
    await session.execute(select(Team.id).where(Team.id == team_id).with_for_update())
    owners = await session.scalar(
        select(func.count()).where(Membership.team_id == team_id, Membership.role == "owner")
    )
    if (owners or 0) <= 1:
        raise Conflict("a team keeps at least one owner; make somebody else owner first")
