"""Notifications: Slack, email, PagerDuty, webhook."""

from __future__ import annotations

from typing import Literal

from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import Output, Text, Value, step


class NotificationOutput(Output):
    provider: str
    delivered: bool
    detail: str = ""


@step("notification", "slack", label="Slack", effect="writes")
def notify_slack(
    *, webhook: SecretText, message: Text = "", template: str = "", channel: str = ""
) -> NotificationOutput:
    """Post a message to a Slack channel through an incoming webhook."""
    raise NotImplementedError


@step("notification", "email", label="Email", effect="writes")
def notify_email(
    *,
    to: list[str],
    subject: str = "",
    message: Text = "",
    template: str = "",
    smtp: SecretText = "",
) -> NotificationOutput:
    """Send an e-mail, as HTML and as text."""
    raise NotImplementedError


@step("notification", "pagerduty", label="PagerDuty", effect="writes")
def notify_pagerduty(
    *,
    routing_key: SecretText,
    message: Text = "",
    template: str = "",
    severity: Literal["critical", "error", "warning", "info"] = "error",
    event_action: Literal["trigger", "resolve"] = "trigger",
    dedup_key: str = "",
) -> NotificationOutput:
    """Open or resolve a PagerDuty incident."""
    raise NotImplementedError


@step("notification", "webhook", label="Webhook", effect="writes")
def notify_webhook(
    *,
    url: SecretText,
    message: Text = "",
    template: str = "",
    payload: Value = None,
    signing_secret: SecretText = "",
) -> NotificationOutput:
    """Post a signed JSON message to a URL."""
    raise NotImplementedError
