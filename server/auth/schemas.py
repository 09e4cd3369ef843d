"""Bodies of /api/auth, /api/users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from server.actors import Role
from server.auth.passwords import MAX_LENGTH, MIN_LENGTH
from server.schemas import Answer, Body, Name, Text


def _email(text: str) -> str:
    local, at, domain = text.partition("@")
    if not at or not local or "." not in f"{domain}." or not domain or "@" in domain:
        raise ValueError("is not an e-mail address")
    if any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("is not an e-mail address")
    return text.lower()


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=320),
    AfterValidator(_email),
]
Password = Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
Token = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Scope = Literal["read", "write", "execute", "approve", "admin"]


class Login(Body):
    email: Email
    password: Annotated[SecretStr, Field(min_length=1, max_length=MAX_LENGTH)]


class LoginToken(Body):
    token: Token


class TeamOfMine(Answer):
    id: str
    name: str
    slug: str
    role: Role


class Me(Answer):
    id: str
    email: str
    name: str
    is_admin: bool
    teams: list[TeamOfMine]
    csrf_token: str | None = Field(
        None, description="Send as X-CSRF-Token with every change when signed in by cookie"
    )


class ChangeMe(Body):
    name: Name | None = None
    password: Password | None = None
    current_password: Annotated[SecretStr, Field(max_length=MAX_LENGTH)] | None = None


class NewToken(Body):
    name: Name
    team_id: str | None = Field(None, max_length=25)
    scopes: list[Scope] = Field(default_factory=list, max_length=5)
    expires_in_days: int | None = Field(None, ge=1, le=3650)


class TokenAnswer(Answer):
    id: str
    name: str
    prefix: str
    team_id: str | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenMade(TokenAnswer):
    token: str = Field(description="Shown this once")


class SessionAnswer(Answer):
    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool = False


class AcceptInvitation(Body):
    token: Token
    name: Name
    password: Password | None = None
    create_token: bool = Field(False, description="Also make an API token, for headless use")


class Accepted(Answer):
    user: UserAnswer
    team_id: str
    role: Role
    token: str | None = Field(None, description="Shown this once")


class NewUser(Body):
    email: Email
    name: Name
    password: Password | None = None
    team_id: str | None = Field(None, max_length=25)
    role: Role = "viewer"
    is_admin: bool = False
    create_token: bool = False


class UserAnswer(Answer):
    id: str
    email: str
    name: str
    is_admin: bool
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None


class UserMade(UserAnswer):
    token: str | None = Field(None, description="Shown this once")


class ChangeUser(Body):
    name: Name | None = None
    is_admin: bool | None = None
    disabled: bool | None = None


class AuthMethods(Answer):
    password: bool = True
    oidc: str | None = Field(None, description="What the button of the identity provider says")


Accepted.model_rebuild()
