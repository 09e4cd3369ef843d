"""What the trigger routes take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from server.schemas import Answer, Body, JsonObject
from server.triggers.config import TriggerType


class NewTrigger(Body):
    type: TriggerType
    config: JsonObject = Field(
        default_factory=dict,
        description=(
            "scheduled: `{cron, timezone, catchUp}`; webhook: `{scheme: standard | github | "
            "gitlab | shared-secret, header, filter, variables, connectionId}`; event: `{event, "
            "filter, variables, connectionId}`"
        ),
    )
    is_active: bool = True


class ChangeTrigger(Body):
    config: JsonObject | None = None
    is_active: bool | None = None


class TriggerAnswer(Answer):
    id: str
    workflow_id: str
    type: str
    config: dict[str, Any]
    is_active: bool
    node_id: str | None
    """The trigger node it stands for; null when it was made here."""
    key_prefix: str | None
    """The beginning of a webhook's key, to tell one from another."""
    last_fired_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    revision: int


class TriggerMade(TriggerAnswer):
    """With what is shown once, and never again: a webhook's address and its secret."""

    key: str | None = None
    url: str | None = None
    secret: str | None = None


class NewEvent(Body):
    """Something that happened outside: a deployment."""

    type: str = Field("deployment", pattern="^deployment$")
    id: str = Field("", max_length=200)
    """The same id again is the same event."""
    data: JsonObject = Field(default_factory=dict)
    team_id: str | None = Field(None, max_length=25)


class EventTaken(Answer):
    id: str
    executions: list[str]
    """The runs that it started."""
