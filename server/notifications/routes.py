"""/api/notifications: what a notification would look like, before it is sent anywhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from runtime_tasks.context import LocalContext, using
from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.message import load_template, template_names
from runtime_tasks.notifications.preview import preview
from server.access import needs
from server.errors import field_error
from server.schemas import Answer, Body, JsonObject, Page

router = APIRouter(tags=["notifications"])

LONGEST_TEMPLATE = 20_000


class MessageTemplate(Answer):
    name: str
    title: str
    severity: str
    facts: list[str]
    """The labels of what is shown beside the text, where the details have it."""
    problem: str | None = None
    """Why it cannot be used."""


class PreviewNotification(Body):
    provider: Literal["slack", "email", "pagerduty", "webhook"] = "slack"
    template: Annotated[str, StringConstraints(max_length=LONGEST_TEMPLATE)] = Field(
        "", description="A template's name, or the YAML of one; empty: the message stands alone"
    )
    message: Annotated[str, StringConstraints(max_length=10_000)] = ""
    details: JsonObject | None = Field(
        None, description="What the template shows; without it a sample that has everything"
    )


class NotificationPreview(Answer):
    payload: dict[str, Any]
    """What Slack, PagerDuty or the webhook's receiver would get; of a mail its subject and parts."""


@router.get("/api/notifications/templates", **needs("signed-in", "read"))
async def message_templates() -> Page[MessageTemplate]:
    """The templates that a notification may name: ours, and those in the server's own folder."""
    return Page(items=[_template(name) for name in template_names()])


@router.post("/api/notifications/preview", **needs("signed-in", "read"))
async def preview_notification(body: PreviewNotification) -> NotificationPreview:
    """The payload for a provider; nothing is sent. 422 says what is wrong with a template."""
    with using(LocalContext(execution_id="preview", node_id="preview")):
        try:
            payload = preview(body.provider, body.template, body.message, details=body.details)
        except StepConfigError as error:
            raise field_error("template", str(error)) from None
    return NotificationPreview(payload=payload)


def _template(name: str) -> MessageTemplate:
    try:
        found = load_template(name)
    except StepConfigError as error:
        return MessageTemplate(name=name, title="", severity="", facts=[], problem=str(error))
    return MessageTemplate(
        name=name, title=found.title, severity=found.severity, facts=list(found.facts)
    )
