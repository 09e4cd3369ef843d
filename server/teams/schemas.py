"""Bodies of /api/teams."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from server.actors import Role
from server.auth.schemas import Email
from server.schemas import Answer, Body, Name


class NewTeam(Body):
    name: Name


class ChangeTeam(Body):
    name: Name | None = None
    allow_self_approval: bool | None = None


class TeamAnswer(Answer):
    id: str
    name: str
    slug: str
    role: Role | None = Field(None, description="Mine")
    allow_self_approval: bool
    created_at: datetime
    updated_at: datetime


class MemberAnswer(Answer):
    user_id: str
    email: str
    name: str
    role: Role
    since: datetime


class ChangeMember(Body):
    role: Role


class NewInvitation(Body):
    email: Email
    role: Role = "viewer"
    expires_in_days: int = Field(7, ge=1, le=90)


class InvitationAnswer(Answer):
    id: str
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


class InvitationMade(InvitationAnswer):
    token: str = Field(description="Shown this once")
    url: str
