"""Bodies of /api/connections. The URL goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from server.connections.urls import checked_url
from server.schemas import Answer, Body, Name, Text

Environment = Literal["development", "staging", "production"]
Tool = Literal[
    "auto",
    "alembic",
    "django",
    "dbmate",
    "prisma",
    "drizzle",
    "flyway",
    "golang-migrate",
    "goose",
    "sql",
]


def _url(secret: SecretStr) -> SecretStr:
    return SecretStr(checked_url(secret.get_secret_value()))


Url = Annotated[SecretStr, Field(min_length=1, max_length=2000), AfterValidator(_url)]


def _git_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.password or (parts.username and parts.scheme in ("http", "https")):
        raise ValueError("holds a password: give git a credential helper or a deploy key instead")
    if url.startswith("-") or parts.scheme not in ("http", "https", "ssh", "git", "file", ""):
        raise ValueError("is not a git address")
    return url


Place = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Migrations(Body):
    """A folder the worker can read, or a git URL with ref and subfolder."""

    path: Place | None = None
    git_url: Annotated[Place, AfterValidator(_git_url)] | None = None
    ref: Annotated[Text, StringConstraints(pattern=r"^[^-\s][^\s]{0,199}$")] | None = None
    subfolder: Place | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Migrations:
        if self.path is not None and self.git_url is not None:
            raise ValueError("give a path or a gitUrl, not both")
        if self.git_url is None and (self.ref or self.subfolder):
            raise ValueError("ref and subfolder belong to a gitUrl")
        return self


class NewConnection(Body):
    team_id: str | None = Field(None, max_length=25)
    name: Name
    environment: Environment = "development"
    url: Url = Field(description="Write-only")
    migrations: Migrations = Field(default_factory=Migrations)
    tool: Tool = "auto"


class ChangeConnection(Body):
    name: Name | None = None
    environment: Environment | None = None
    url: Url | None = Field(None, description="Write-only")
    migrations: Migrations | None = None
    tool: Tool | None = None


class MigrationsAnswer(Answer):
    path: str | None = None
    git_url: str | None = None
    ref: str | None = None
    subfolder: str | None = None


class ConnectionAnswer(Answer):
    id: str
    team_id: str
    name: str
    environment: Environment
    database: str = Field(description="The URL without user and password")
    tool: str
    migrations: MigrationsAnswer
    created_by: str
    created_at: datetime
    updated_at: datetime
    tested_at: datetime | None
    test_passed: bool | None
    test_message: str | None
    revision: int


class ConnectionTested(Answer):
    ok: bool
    message: str
    duration: int = Field(description="Milliseconds")
