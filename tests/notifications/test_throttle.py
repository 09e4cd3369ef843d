"""The same alert at most once per window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime_tasks.notifications.throttle import once_per
from runtime_tasks.steps import notify_pagerduty, notify_slack, notify_webhook
from tests.notifications.conftest import Receiver, Reply, Run


def test_the_same_alert_goes_out_once_across_runs(receiver: Receiver, run: Run) -> None:
    details = []
    for number in range(3):
        run.execution_id = f"execution-{number}"
        result = notify_slack(webhook=receiver.url, message="3 pending", throttle=3600)
        details.append((result.delivered, result.detail))
    assert len(receiver.requests) == 1
    assert details[1:] == [(True, "not sent again: the same alert went out before")] * 2


def test_another_text_or_target_is_another_alert(receiver: Receiver) -> None:
    notify_slack(webhook=receiver.url, message="3 pending", throttle=3600)
    notify_slack(webhook=receiver.url, message="4 pending", throttle=3600)
    notify_slack(webhook=f"{receiver.url}/other", message="4 pending", throttle=3600)
    assert len(receiver.requests) == 3


def test_another_payload_channel_subject_or_action_is_another_alert(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_PAGERDUTY_URL", receiver.url)
    for payload in ({"version": 1}, {"version": 2}, {"version": 2}):
        notify_webhook(url=receiver.url, payload=payload, throttle=3600)
    assert len(receiver.requests) == 2
    for channel in ("#a", "#b", "#b"):
        notify_slack(webhook=receiver.url, message="x", channel=channel, throttle=3600)
    assert len(receiver.requests) == 4
    notify_pagerduty(routing_key="k", dedup_key="d", throttle=3600)
    notify_pagerduty(routing_key="k", dedup_key="d", event_action="resolve", throttle=3600)
    assert [request.json.get("event_action") for request in receiver.requests[4:]] == [
        "trigger",
        "resolve",
    ]


def test_an_alert_that_did_not_go_out_silences_nobody(receiver: Receiver) -> None:
    receiver.replies = [Reply(404), Reply()]
    first = notify_slack(webhook=receiver.url, message="x", throttle=3600)
    second = notify_slack(webhook=receiver.url, message="x", throttle=3600)
    assert (first.delivered, second.detail) == (False, "ok")


def test_after_the_window_it_goes_out_again() -> None:
    seen = []
    for at in (1000.0, 1059.0, 1060.0, 1119.0, 1121.0):
        with once_per("k", 60, now=at) as first:
            seen.append(first)
    assert seen == [True, False, True, False, True]


def test_a_failure_leaves_the_window_as_it_was() -> None:
    with once_per("k", 60, now=1000):
        pass
    with pytest.raises(RuntimeError), once_per("k", 60, now=1100):
        raise RuntimeError
    with once_per("k", 60, now=1101) as first:
        assert first


def test_of_many_at_once_one_sends() -> None:
    def claim(_: int) -> bool:
        with once_per("k", 60, now=1000) as first:
            return first

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(64))) == 1
