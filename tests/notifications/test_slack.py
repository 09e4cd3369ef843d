"""What arrives at Slack."""

from __future__ import annotations

from typing import Any

import pytest

from runtime_tasks.notifications.message import compose
from runtime_tasks.notifications.slack import slack_payload
from runtime_tasks.secrets import secret
from runtime_tasks.steps import notify_slack
from runtime_tasks.steps.migrations import ExecuteOutput, Migration
from tests.notifications.conftest import Receiver, Reply, Run

APPLIED = ExecuteOutput(
    connection_id="prod",
    tool="alembic",
    plan_hash="x",
    applied=[Migration(id="1", name="add_email"), Migration(id="2", name="add <index>")],
    statements=3,
    rows=0,
    milliseconds=1234.6,
)


def said(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def test_a_message_arrives_as_block_kit_with_the_runs_link(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_PUBLIC_URL", "https://dataroll.example.org/")
    monkeypatch.setenv("DATAROLL_SECRET_SLACKWEBHOOK", f"{receiver.url}/services/T0/B0/XXX")
    result = notify_slack(
        webhook=secret("slackWebhook"),
        message="Migrations applied successfully to production",
        template="migration_success",
        details=APPLIED,
    )
    assert (result.provider, result.delivered, result.attempts) == ("slack", True, 1)
    [request] = receiver.requests
    assert request.path == "/services/T0/B0/XXX"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "text": "Migrations applied: Migrations applied successfully to production",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "✅ Migrations applied"}},
            {
                "type": "section",
                "text": said("Migrations applied successfully to production"),
            },
            {
                "type": "section",
                "fields": [
                    said("*Database*\nprod"),
                    said("*Applied*\n2"),
                    said("*Statements*\n3"),
                    said("*Rows changed*\n0"),
                    said("*Milliseconds*\n1235"),
                ],
            },
            {
                "type": "section",
                "text": said("• add_email\n• add &lt;index&gt;"),
            },
            {
                "type": "context",
                "elements": [
                    said("<https://dataroll.example.org/executions/execution-1|Open the run>")
                ],
            },
        ],
    }


def test_a_message_without_template_or_public_url_is_one_section(receiver: Receiver) -> None:
    notify_slack(webhook=receiver.url, message="hello <!channel>", channel="#ops")
    assert receiver.requests[0].json == {
        "text": "hello &lt;!channel&gt;",
        "blocks": [{"type": "section", "text": said("hello &lt;!channel&gt;")}],
        "channel": "#ops",
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel> <@U123> <https://evil.example|the run>",
        "@channel @here #general https://evil.example",
        "``` <!here> ```",
        "&lt;!channel&gt;",
    ],
)
def test_what_a_stranger_wrote_mentions_nobody_and_links_nowhere(hostile: str) -> None:
    details = {"connectionId": hostile, "applied": [{"name": hostile}], "markdown": hostile}
    for template in ("migration_success", "report", ""):
        payload = slack_payload(compose(template, hostile, details=details))
        for text in texts(payload["blocks"]):
            # Escaped, Slack finds no control sequence; verbatim, it looks for nothing else.
            assert not {"<", ">"} & set(text["text"])
            assert text["type"] == "plain_text" or text["verbatim"] is True


def texts(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in texts(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if isinstance(value.get("text"), str) else []
    return own + [found for item in value.values() for found in texts(item)]


def test_people_are_told_a_connections_name_and_not_its_id(receiver: Receiver, run: Run) -> None:
    run.names = {"cm1234": "orders <eu>"}
    notify_slack(
        webhook=receiver.url,
        message="Done on cm1234",
        template="migration_success",
        details={"connectionId": "cm1234"},
    )
    blocks = receiver.requests[0].json["blocks"]
    assert blocks[1]["text"]["text"] == "Done on orders &lt;eu&gt;"
    assert blocks[2]["fields"][0]["text"] == "*Database*\norders &lt;eu&gt;"


def test_long_texts_keep_slacks_limits() -> None:
    message = compose("report", "x" * 9000, details={"markdown": "&" * 9000})
    sizes = [
        len(block["text"]["text"]) for block in slack_payload(message)["blocks"] if "text" in block
    ]
    assert max(sizes) <= 3000


def test_a_busy_slack_is_asked_again_when_it_said(receiver: Receiver, run: Run) -> None:
    receiver.replies = [Reply(429, headers={"retry-after": "7"}), Reply(503), Reply()]
    result = notify_slack(webhook=receiver.url, message="hello")
    assert (result.delivered, result.attempts) == (True, 3)
    assert run.waits == [7, 4]


def test_a_slack_that_stays_away_does_not_fail_the_run(receiver: Receiver, run: Run) -> None:
    receiver.replies = [Reply(500)]
    result = notify_slack(webhook=receiver.url, message="hello")
    assert (result.delivered, result.detail, result.attempts) == (False, "answered 500", 4)
    assert run.waits == [1, 4, 10]


def test_a_webhook_that_is_gone_is_not_asked_again(receiver: Receiver, run: Run) -> None:
    receiver.replies = [Reply(404, b"no_service")]
    result = notify_slack(webhook=receiver.url, message="hello")
    assert (result.delivered, result.detail, run.waits) == (False, "answered 404", [])


def test_a_test_run_renders_and_sends_nothing(receiver: Receiver, run: Run) -> None:
    run.dry_run = True
    result = notify_slack(webhook=receiver.url, message="hello", template="migration_success")
    assert result.detail == "not sent: this is a test run"
    assert receiver.requests == []


def test_a_missing_secret_is_said_and_does_not_fail_the_run() -> None:
    result = notify_slack(webhook=secret("nowhere"), message="hello")
    assert not result.delivered
    assert "DATAROLL_SECRET_NOWHERE" in result.detail
