"""Bodies of /api/workflows/{id}/triggers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from server.schemas import Answer, Body, JsonObject

TriggerType = Literal["manual", "scheduled", "webhook", "event"]


class NewTrigger(Body):
    type: TriggerType
    config: JsonObject = Field(
        default_factory=dict,
        description=(
            "scheduled: `{cron, timezone}`; webhook: `{scheme: standard | github | gitlab | "
            "shared-secret, header, filter, variables, connectionId}`; event: `{event, filter, "
            "variables, connectionId}`"
        ),
    )
    is_active: bool = True


class ChangeTrigger(Body):
    config: JsonObject | None = None
    is_active: bool | None = None


class TriggerAnswer(Answer):
    id: str
    workflow_id: str
    type: TriggerType
    config: dict[str, Any]
    is_active: bool
    node_id: str | None = Field(description="The trigger node it stands for, if it is drawn")
    key_prefix: str | None
    last_fired_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    revision: int


class TriggerMade(TriggerAnswer):
    key: str | None = Field(None, description="Of a webhook; shown this once")
    url: str | None = None
    secret: str | None = Field(None, description="Of a webhook; shown this once")
