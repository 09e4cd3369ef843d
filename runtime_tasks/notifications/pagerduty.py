"""A message as a PagerDuty event: Events API v2, trigger and resolve.

Sizes and fields: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (summary
1,024 characters, dedup_key 255). ``DATAROLL_PAGERDUTY_URL`` chooses the EU service region.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Literal

from runtime_tasks.context import current
from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.delivery import post
from runtime_tasks.notifications.exchange import Call
from runtime_tasks.notifications.message import Message
from runtime_tasks.notifications.slack import cut

ENQUEUE = "https://events.pagerduty.com/v2/enqueue"

Severity = Literal["critical", "error", "warning", "info"]
Action = Literal["trigger", "resolve"]


def send_event(
    routing_key: str,
    message: Message,
    *,
    severity: Severity = "error",
    action: Action = "trigger",
    dedup_key: str = "",
) -> str:
    """Returns the deduplication key of the incident."""
    if not routing_key:
        raise StepConfigError("no routing key is set: put the integration's key in a secret")
    event = pagerduty_event(message, severity=severity, action=action, dedup_key=dedup_key)
    url = os.environ.get("DATAROLL_PAGERDUTY_URL", ENQUEUE)
    post(Call("POST", url, json={"routing_key": routing_key, **event}))
    return str(event["dedup_key"])


def pagerduty_event(
    message: Message,
    *,
    severity: Severity = "error",
    action: Action = "trigger",
    dedup_key: str = "",
) -> dict[str, Any]:
    """The event without its routing key, which is a secret."""
    key = cut(dedup_key or f"dataroll-{current().execution_id}", 255)
    if action == "resolve":
        return {"event_action": "resolve", "dedup_key": key}
    event: dict[str, Any] = {
        "event_action": "trigger",
        "dedup_key": key,
        "client": "dataroll",
        "payload": {
            "summary": cut(message.summary or "dataroll", 1024),
            "source": f"dataroll/{current().node_id}",
            "severity": severity,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "custom_details": {
                **dict(message.facts),
                **({"items": list(message.items)} if message.items else {}),
                **({"document": cut(message.document, 4000)} if message.document else {}),
            },
        },
    }
    if message.link:
        event |= {
            "client_url": message.link,
            "links": [{"href": message.link, "text": "Open the run"}],
        }
    return event
