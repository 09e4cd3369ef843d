"""Notifications: Slack, email, PagerDuty, webhook."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from runtime_tasks.context import reveal
from runtime_tasks.output import Output
from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import MessageTemplate, Seconds, Text, Value, step


class NotificationOutput(Output):
    provider: str
    delivered: bool
    detail: str = ""
    """Why it was not delivered, or what the other side said."""
    attempts: int = 0


@step("notification", "slack", label="Slack", effect="writes")
def notify_slack(
    *,
    webhook: SecretText,
    message: Text = "",
    template: MessageTemplate = "",
    details: Value = None,
    channel: str = "",
    throttle: Seconds = 0,
    must_deliver: bool = False,
) -> NotificationOutput:
    """Post a message to a Slack channel through an incoming webhook.

    A message that cannot be delivered does not fail the run unless ``mustDeliver`` is set.

    ``webhook``: the address of the incoming webhook, as a secret.
    ``message``: what is said, where the template does not say it all.
    ``template``: one of the server's message templates.
    ``details``: what the template shows, usually another node's output.
    ``channel``: another channel than the webhook's own, where Slack allows that.
    ``throttle``: the same message goes out at most once in this time; 0 for each time.
    ``mustDeliver``: fail the node when the message cannot be delivered.
    """
    from runtime_tasks.notifications.notify import notify
    from runtime_tasks.notifications.slack import post_to_slack

    delivery = notify(
        "slack",
        lambda composed: post_to_slack(reveal(webhook), composed, channel=channel),
        target=webhook,
        message=message,
        template=template,
        details=details,
        throttle=throttle,
        also=channel,
        must_deliver=must_deliver,
    )
    return NotificationOutput(provider="slack", **asdict(delivery))


@step("notification", "email", label="Email", effect="writes")
def notify_email(
    *,
    to: list[str],
    subject: str = "",
    message: Text = "",
    template: MessageTemplate = "",
    details: Value = None,
    smtp: SecretText = "",
    throttle: Seconds = 0,
    must_deliver: bool = False,
) -> NotificationOutput:
    """Send an e-mail, as HTML and as text.

    A mail that cannot be delivered does not fail the run unless ``mustDeliver`` is set.

    ``to``: the addresses.
    ``subject``: without it the message's title.
    ``message``: what is said, where the template does not say it all.
    ``template``: one of the server's message templates.
    ``details``: what the template shows, usually another node's output.
    ``smtp``: smtp://user:password@host:587, as a secret; without it the worker's DATAROLL_SMTP_URL.
    ``throttle``: the same message goes out at most once in this time; 0 for each time.
    ``mustDeliver``: fail the node when the message cannot be delivered.
    """
    from runtime_tasks.notifications.email import send_email
    from runtime_tasks.notifications.notify import notify

    delivery = notify(
        "email",
        lambda composed: send_email(reveal(smtp), to, composed, subject=subject),
        target=",".join(to),
        message=message,
        template=template,
        details=details,
        throttle=throttle,
        also=subject,
        must_deliver=must_deliver,
    )
    return NotificationOutput(provider="email", **asdict(delivery))


@step("notification", "pagerduty", label="PagerDuty", effect="writes")
def notify_pagerduty(
    *,
    routing_key: SecretText,
    message: Text = "",
    template: MessageTemplate = "",
    details: Value = None,
    severity: Literal["critical", "error", "warning", "info"] = "error",
    event_action: Literal["trigger", "resolve"] = "trigger",
    dedup_key: str = "",
    throttle: Seconds = 0,
    must_deliver: bool = False,
) -> NotificationOutput:
    """Open or resolve a PagerDuty incident.

    ``routingKey``: the integration key of the service, as a secret.
    ``message``: what is said, where the template does not say it all.
    ``template``: one of the server's message templates.
    ``details``: what the template shows, usually another node's output.
    ``severity``: how bad it is, in PagerDuty's words.
    ``eventAction``: trigger opens an incident, resolve closes it.
    ``dedupKey``: ties the two together; without one it is the run, so that a later node of the
    same run resolves what an earlier one opened.
    ``throttle``: the same message goes out at most once in this time; 0 for each time.
    ``mustDeliver``: fail the node when the message cannot be delivered.
    """
    from runtime_tasks.notifications.notify import notify
    from runtime_tasks.notifications.pagerduty import send_event

    delivery = notify(
        "pagerduty",
        lambda composed: send_event(
            reveal(routing_key),
            composed,
            severity=severity,
            action=event_action,
            dedup_key=dedup_key,
        ),
        target=routing_key,
        message=message,
        template=template,
        details=details,
        throttle=throttle,
        also=(event_action, dedup_key),
        must_deliver=must_deliver,
    )
    return NotificationOutput(provider="pagerduty", **asdict(delivery))


@step("notification", "webhook", label="Webhook", effect="writes")
def notify_webhook(
    *,
    url: SecretText,
    message: Text = "",
    template: MessageTemplate = "",
    details: Value = None,
    payload: Value = None,
    signing_secret: SecretText = "",
    throttle: Seconds = 0,
    must_deliver: bool = False,
) -> NotificationOutput:
    """Post a JSON message to a URL, signed as Standard Webhooks asks when there is a secret.

    Every attempt carries the same ``webhook-id``, so that the receiver can tell a repeat.

    ``url``: where to; secrets may stand in it.
    ``message``: what is said, where the template does not say it all.
    ``template``: one of the server's message templates.
    ``details``: what the template shows, usually another node's output.
    ``payload``: the body; without it the message with its facts.
    ``signingSecret``: what the body is signed with, as a secret.
    ``throttle``: the same message goes out at most once in this time; 0 for each time.
    ``mustDeliver``: fail the node when the message cannot be delivered.
    """
    from runtime_tasks.notifications.notify import notify
    from runtime_tasks.notifications.webhook import post_webhook

    delivery = notify(
        "webhook",
        lambda composed: post_webhook(
            reveal(url), composed, payload=payload, signing_secret=reveal(signing_secret)
        ),
        target=url,
        message=message,
        template=template,
        details=details,
        throttle=throttle,
        also=payload,
        must_deliver=must_deliver,
    )
    return NotificationOutput(provider="webhook", **asdict(delivery))
