"""What arrives at PagerDuty."""

from __future__ import annotations

from datetime import datetime

import pytest

from runtime_tasks.secrets import secret
from runtime_tasks.steps import notify_pagerduty
from tests.notifications.conftest import Receiver, Reply


@pytest.fixture(autouse=True)
def pagerduty(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver.replies = [Reply(202, b'{"status":"success","dedup_key":"k"}')]
    monkeypatch.setenv("DATAROLL_PAGERDUTY_URL", f"{receiver.url}/v2/enqueue")
    monkeypatch.setenv("DATAROLL_SECRET_PAGER", "R0UTINGKEY")
    return receiver


def test_an_incident_opens_as_an_events_v2_trigger(
    pagerduty: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_PUBLIC_URL", "https://dataroll.example.org")
    result = notify_pagerduty(
        routing_key=secret("pager"),
        message="rolled back",
        template="migration_failed",
        details={"connectionId": "prod", "rolledBack": [{"id": "7", "name": "add_email"}]},
        severity="critical",
    )
    assert (result.delivered, result.detail) == (True, "dataroll-execution-1")
    [request] = pagerduty.requests
    assert request.path == "/v2/enqueue"
    event = request.json
    assert datetime.fromisoformat(event["payload"].pop("timestamp")).tzinfo
    assert event == {
        "routing_key": "R0UTINGKEY",
        "event_action": "trigger",
        "dedup_key": "dataroll-execution-1",
        "client": "dataroll",
        "client_url": "https://dataroll.example.org/executions/execution-1",
        "links": [
            {
                "href": "https://dataroll.example.org/executions/execution-1",
                "text": "Open the run",
            }
        ],
        "payload": {
            "summary": "Migration failed: rolled back",
            "source": "dataroll/notify-1",
            "severity": "critical",
            "custom_details": {"Database": "prod", "Rolled back": "1", "items": ["add_email"]},
        },
    }


def test_a_later_node_of_the_same_run_resolves_it(pagerduty: Receiver) -> None:
    notify_pagerduty(routing_key=secret("pager"), message="down")
    notify_pagerduty(routing_key=secret("pager"), event_action="resolve")
    opened, resolved = (request.json for request in pagerduty.requests)
    assert resolved == {
        "routing_key": "R0UTINGKEY",
        "event_action": "resolve",
        "dedup_key": opened["dedup_key"],
    }


def test_a_key_of_ones_own_ties_runs_together(pagerduty: Receiver) -> None:
    notify_pagerduty(routing_key=secret("pager"), message="x" * 5000, dedup_key="prod" * 100)
    event = pagerduty.requests[0].json
    assert (len(event["dedup_key"]), len(event["payload"]["summary"])) == (255, 1024)


def test_a_wrong_key_is_said_and_not_repeated(pagerduty: Receiver) -> None:
    pagerduty.replies = [Reply(400, b'{"errors":["R0UTINGKEY is wrong"]}')]
    result = notify_pagerduty(routing_key=secret("pager"), message="x")
    assert (result.delivered, result.detail, result.attempts) == (False, "answered 400", 1)
