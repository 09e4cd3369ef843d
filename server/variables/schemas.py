"""Bodies of /api/variables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.schemas import Answer, Body, Json, LongText

VariableType = Literal["string", "number", "boolean", "object", "secret", "list", "connection"]
VariableName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=100)
]


class NewVariable(Body):
    team_id: str | None = Field(None, max_length=25)
    workflow_id: str | None = Field(
        None, max_length=25, description="Set a secret of this workflow instead of the team's"
    )
    name: VariableName
    type: VariableType = "string"
    value: Json = Field(description="Of a secret write-only")
    description: LongText | None = None


class ChangeVariable(Body):
    value: Json = None
    description: LongText | None = None


class SecretValue(Body):
    value: Annotated[str, StringConstraints(min_length=1, max_length=50_000)] | None = Field(
        description="Write-only; null takes the value away"
    )


class TeamVariableAnswer(Answer):
    id: str
    team_id: str
    workflow_id: str | None = None
    name: str
    type: str
    value: Json = Field(description="Null for secrets, always")
    is_secret: bool
    is_set: bool
    description: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    revision: int
