"""/api/users: the people of this installation, for those who look after it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select

from server.access import CallerDep, SessionDep, database_of, needs
from server.auth import schemas, service
from server.auth.passwords import hash_password
from server.errors import NotFound
from server.models import Team, User
from server.paging import PagingQuery
from server.schemas import Page
from server.teams.service import require_may_grant

router = APIRouter(tags=["users"])


@router.get("/api/users", **needs("instance"))
async def users(session: SessionDep, paging: PagingQuery) -> Page[schemas.UserAnswer]:
    return await paging.page(session, select(User), User.id, schemas.UserAnswer.model_validate)


@router.post("/api/users", status_code=201, **needs("instance", errors=(404, 409)))
async def make_user(body: schemas.NewUser, caller: CallerDep, request: Request) -> schemas.UserMade:
    """Make a person, and if wanted put them into a team of mine and give them an API token."""
    if body.team_id is not None:
        require_may_grant(caller, body.team_id, body.role)
    hashed = None
    if body.password is not None:
        service.refuse_weak(body.password.get_secret_value(), body.email)
        hashed = await hash_password(body.password.get_secret_value())
    async with database_of(request).writing() as session:
        team = None if body.team_id is None else await session.get(Team, body.team_id)
        if body.team_id is not None and (team is None or team.deleted_at is not None):
            raise NotFound(f"there is no team '{body.team_id}'")
        user = await service.make_user(
            session,
            email=body.email,
            name=body.name,
            password_hash=hashed,
            is_admin=body.is_admin,
            actor=caller.actor,
        )
        if team is not None:
            await service.add_member(session, team.id, user.id, body.role)
        token = None
        if body.create_token:
            token, _ = await service.make_token(session, user, "First", actor=caller.actor)
        answer = schemas.UserAnswer.model_validate(user)
        return schemas.UserMade(**answer.model_dump(by_alias=False), token=token)


@router.patch("/api/users/{user_id}", **needs("instance", errors=(404, 409)))
async def change_user(
    user_id: str, body: schemas.ChangeUser, caller: CallerDep, session: SessionDep
) -> schemas.UserAnswer:
    user = await service.change_user(
        session,
        caller,
        user_id,
        name=body.name,
        is_admin=body.is_admin,
        disabled=body.disabled,
    )
    return schemas.UserAnswer.model_validate(user)
