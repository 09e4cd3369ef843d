"""What would be sent, without sending it: for the editor and for whoever writes a template.

::

    preview("slack", "migration_success", "Done")["blocks"]
    preview("email", template="…YAML…", message="Done", details={…})["html"]
"""

from __future__ import annotations

from typing import Any, Literal

from runtime_tasks.notifications.email import email_html, email_text
from runtime_tasks.notifications.message import Template, compose, parse_template
from runtime_tasks.notifications.pagerduty import pagerduty_event
from runtime_tasks.notifications.slack import slack_payload
from runtime_tasks.notifications.webhook import webhook_body

Provider = Literal["slack", "email", "pagerduty", "webhook"]

SAMPLE: dict[str, Any] = {
    "connectionId": "production",
    "tool": "alembic",
    "migrations": [{"id": "0007", "name": "add_email"}, {"id": "0008", "name": "index_email"}],
    "applied": [{"id": "0007", "name": "add_email"}, {"id": "0008", "name": "index_email"}],
    "rolledBack": [{"id": "0007", "name": "add_email"}],
    "statements": 3,
    "rows": 1200,
    "milliseconds": 840,
    "warnings": [],
    "problems": [],
    "destructive": False,
    "rollbackRehearsed": True,
    "method": "down files",
    "node": "execute-1",
    "message": "lock timeout",
    "pending": 2,
    "connections": [{"id": "production"}],
    "markdown": "# Report\n\n2 pending on production",
    "html": "<h1>Report</h1><p>2 pending on production</p>",
}
"""Details that show every fact of the templates that come along."""


def preview(
    provider: Provider,
    template: str | Template = "",
    message: str = "",
    *,
    details: Any = None,
    link: str | None = None,
) -> dict[str, Any]:
    """The payload for ``provider``. ``template`` is a name, a template or a template's YAML."""
    if isinstance(template, str) and "\n" in template:
        template = parse_template(template)
    composed = compose(template, message, details=SAMPLE if details is None else details, link=link)
    match provider:
        case "slack":
            return slack_payload(composed)
        case "email":
            return {
                "subject": composed.summary,
                "text": email_text(composed),
                "html": email_html(composed),
            }
        case "pagerduty":
            return pagerduty_event(composed)
        case "webhook":
            return webhook_body(composed)
