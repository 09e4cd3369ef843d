"""A message as Slack's Block Kit, for an incoming webhook.

Sizes are Slack's: 150 characters in a header, 3,000 in a section, ten fields of 2,000 each
(https://docs.slack.dev/reference/block-kit/blocks). ``&``, ``<`` and ``>`` are escaped as Slack
asks, and ``verbatim`` keeps Slack from looking for names and addresses in the rest: what a stranger
wrote into a commit message mentions no channel and becomes no link.
"""

from __future__ import annotations

from typing import Any

from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.delivery import post
from runtime_tasks.notifications.exchange import Call
from runtime_tasks.notifications.message import Message, Severity

SIGNS: dict[Severity, str] = {"success": "✅", "failure": "❌", "attention": "⚠️", "info": "🛈"}
HEADER, SECTION, FIELD, FIELDS = 150, 3000, 2000, 10


def post_to_slack(webhook: str, message: Message, *, channel: str = "") -> str:
    if not webhook:
        raise StepConfigError("no webhook is set: put the URL of an incoming webhook in a secret")
    return post(Call("POST", webhook, json=slack_payload(message, channel=channel))).text[:200]


def slack_payload(message: Message, *, channel: str = "") -> dict[str, Any]:
    """The JSON that an incoming webhook takes. ``channel`` is honoured by legacy webhooks only."""
    blocks: list[dict[str, Any]] = []
    if message.title:
        title = f"{SIGNS[message.severity]} {message.title}"
        blocks.append(
            {"type": "header", "text": {"type": "plain_text", "text": cut(title, HEADER)}}
        )
    if message.text:
        blocks.append(_section(escaped(message.text)))
    if message.facts:
        fields = [
            _mrkdwn(cut(f"*{escaped(label)}*\n{escaped(value)}", FIELD))
            for label, value in message.facts[:FIELDS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if message.items:
        blocks.append(_section("\n".join(f"• {escaped(item)}" for item in message.items)))
    if message.document:
        blocks.append(_section(f"```{cut(escaped(message.document), SECTION - 10)}```"))
    if message.link:
        link = f"<{escaped(message.link).replace('|', '%7C')}|Open the run>"
        blocks.append({"type": "context", "elements": [_mrkdwn(link)]})
    payload: dict[str, Any] = {"text": cut(escaped(message.summary), SECTION), "blocks": blocks}
    return {**payload, "channel": channel} if channel else payload


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(cut(text, SECTION))}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
