"""/api/teams: teams, members, invitations."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select

from server.access import Access, AccessDep, CallerDep, SessionDep, needs
from server.audit.record import record
from server.errors import NotFound
from server.models import Invitation, Membership, Team, User, utc_now
from server.paging import PagingQuery
from server.schemas import Page
from server.teams import schemas, service

router = APIRouter(tags=["teams"])


def _answer(team: Team, role: str | None) -> schemas.TeamAnswer:
    return schemas.TeamAnswer.model_validate(
        {**{key: getattr(team, key) for key in _PLAIN}, "role": role}
    )


_PLAIN = ("id", "name", "slug", "allow_self_approval", "created_at", "updated_at")


async def _team(access: Access, team_id: str) -> Team:
    team = await access.session.get(Team, access.team(team_id))
    assert team is not None  # noqa: S101 - a membership points to it
    return team


@router.get("/api/teams", **needs("signed-in"))
async def teams(
    caller: CallerDep, session: SessionDep, paging: PagingQuery
) -> Page[schemas.TeamAnswer]:
    """My teams."""
    mine = select(Team).where(Team.id.in_(sorted(caller.roles)), Team.deleted_at.is_(None))
    return await paging.page(
        session, mine, Team.id, lambda team: _answer(team, caller.roles[team.id])
    )


@router.post("/api/teams", status_code=201, **needs("instance"))
async def make_team(
    body: schemas.NewTeam, caller: CallerDep, session: SessionDep
) -> schemas.TeamAnswer:
    """Make a team; whoever makes it owns it."""
    return _answer(await service.make_team(session, caller, body.name), "owner")


@router.get("/api/teams/{team_id}", **needs("viewer"))
async def team(team_id: str, access: AccessDep) -> schemas.TeamAnswer:
    return _answer(await _team(access, team_id), access.caller.roles[team_id])


@router.patch("/api/teams/{team_id}", **needs("admin"))
async def change_team(
    team_id: str, body: schemas.ChangeTeam, access: AccessDep
) -> schemas.TeamAnswer:
    found = await _team(access, team_id)
    if body.name is not None:
        found.name = body.name
    if body.allow_self_approval is not None:
        access.require(team_id, "owner")
        found.allow_self_approval = body.allow_self_approval
    await access.session.flush()
    await record(
        access.session,
        access.caller.actor,
        "team.change",
        "team",
        team_id,
        team_id=team_id,
        name=body.name,
        allowSelfApproval=body.allow_self_approval,
    )
    return _answer(found, access.caller.roles[team_id])


@router.delete("/api/teams/{team_id}", status_code=204, **needs("owner", errors=(409,)))
async def delete_team(team_id: str, access: AccessDep) -> None:
    """The team leaves every list; its runs and its audit log stay.

    409 while something of it is published or under way: nobody could stop it any more.
    """
    found = await _team(access, team_id)
    await service.require_quiet(access.session, team_id)
    found.deleted_at = utc_now()
    await access.session.flush()
    await record(
        access.session, access.caller.actor, "team.delete", "team", team_id, team_id=team_id
    )


@router.get("/api/teams/{team_id}/members", **needs("viewer"))
async def members(
    team_id: str, access: AccessDep, paging: PagingQuery
) -> Page[schemas.MemberAnswer]:
    access.team(team_id)
    rows = select(Membership).where(Membership.team_id == team_id)
    page = await paging.page(access.session, rows, Membership.id, lambda member: member)
    users = await access.session.scalars(
        select(User).where(User.id.in_([member.user_id for member in page.items]))
    )
    known = {user.id: user for user in users}
    return Page(
        items=[_member(member, known[member.user_id]) for member in page.items],
        next_cursor=page.next_cursor,
    )


def _member(member: Membership, user: User) -> schemas.MemberAnswer:
    return schemas.MemberAnswer.model_validate(
        {
            "user_id": user.id,
            "email": user.email,
            "name": user.name,
            "role": member.role,
            "since": member.created_at,
        }
    )


@router.patch("/api/teams/{team_id}/members/{user_id}", **needs("admin", errors=(409,)))
async def change_member(
    team_id: str, user_id: str, body: schemas.ChangeMember, access: AccessDep
) -> schemas.MemberAnswer:
    access.team(team_id)
    member, user = await service.find_member(access.session, team_id, user_id)
    await service.change_role(access.session, access.caller, member, body.role)
    return _member(member, user)


@router.delete(
    "/api/teams/{team_id}/members/{user_id}", status_code=204, **needs("admin", errors=(409,))
)
async def remove_member(team_id: str, user_id: str, access: AccessDep) -> None:
    """Remove somebody of my rank or below."""
    access.team(team_id)
    member, _ = await service.find_member(access.session, team_id, user_id)
    await service.remove_member(access.session, access.caller, member)


@router.post(
    "/api/teams/{team_id}/leave", status_code=204, **needs("viewer", "write", errors=(409,))
)
async def leave(team_id: str, access: AccessDep) -> None:
    """Leave the team. The last owner stays."""
    access.team(team_id)
    member, _ = await service.find_member(access.session, team_id, access.caller.user_id)
    await service.remove_member(access.session, access.caller, member)


@router.get("/api/teams/{team_id}/invitations", **needs("admin"))
async def invitations(
    team_id: str, access: AccessDep, paging: PagingQuery
) -> Page[schemas.InvitationAnswer]:
    """Invitations that can still be accepted."""
    access.team(team_id)
    still_open = select(Invitation).where(
        Invitation.team_id == team_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > utc_now(),
    )
    return await paging.page(
        access.session, still_open, Invitation.id, schemas.InvitationAnswer.model_validate
    )


@router.post("/api/teams/{team_id}/invitations", status_code=201, **needs("admin"))
async def invite(
    team_id: str, body: schemas.NewInvitation, access: AccessDep, request: Request
) -> schemas.InvitationMade:
    access.team(team_id)
    token, invitation = await service.invite(
        access.session, access.caller, team_id, body.email, body.role, body.expires_in_days
    )
    answer = schemas.InvitationAnswer.model_validate(invitation)
    url = f"{request.app.state.settings.public_url}/invitation?token={token}"
    return schemas.InvitationMade(**answer.model_dump(by_alias=False), token=token, url=url)


@router.delete(
    "/api/teams/{team_id}/invitations/{invitation_id}", status_code=204, **needs("admin")
)
async def revoke_invitation(team_id: str, invitation_id: str, access: AccessDep) -> None:
    access.team(team_id)
    invitation = await access.session.get(Invitation, invitation_id)
    if invitation is None or invitation.team_id != team_id or invitation.accepted_at is not None:
        raise NotFound(f"there is no open invitation '{invitation_id[:40]}' here")
    invitation.revoked_at = utc_now()
    await access.session.flush()
    await record(
        access.session,
        access.caller.actor,
        "team.uninvite",
        "invitation",
        invitation.id,
        team_id=team_id,
    )
