"""What arrives at a webhook: JSON, signed as the Standard Webhooks library checks it."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from runtime_tasks.secrets import secret
from runtime_tasks.steps import notify_webhook
from tests.notifications.conftest import Receiver, Reply, Run

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def test_the_signature_is_one_that_the_standards_library_accepts(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_SIGNING", SECRET)
    result = notify_webhook(
        url=f"{receiver.url}/hook", message="héllo", signing_secret=secret("signing")
    )
    [request] = receiver.requests
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo
    assert body == {
        "type": "dataroll.notification",
        "data": {
            "executionId": "execution-1",
            "nodeId": "notify-1",
            "title": "",
            "message": "héllo",
            "severity": "info",
            "facts": {},
            "items": [],
            "document": "",
            "link": None,
        },
    }
    assert result.detail == request.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"h", b"H", 1), request.headers)


def test_every_attempt_carries_the_same_id(receiver: Receiver, run: Run) -> None:
    receiver.replies = [Reply(500), Reply(502), Reply()]
    notify_webhook(url=receiver.url, message="x")
    run.node_id = "notify-2"
    notify_webhook(url=receiver.url, message="x")
    first, second, third, other = (request.headers["webhook-id"] for request in receiver.requests)
    assert first == second == third != other


def test_a_payload_of_ones_own_is_sent_as_it_is(receiver: Receiver) -> None:
    notify_webhook(url=receiver.url, payload={"ref": "main", "n": [1, None]})
    assert receiver.requests[0].json == {"ref": "main", "n": [1, None]}
    assert "webhook-signature" not in receiver.requests[0].headers


def test_a_redirect_is_not_followed(receiver: Receiver, run: Run) -> None:
    receiver.replies = [Reply(302, headers={"location": "http://169.254.169.254/"})]
    result = notify_webhook(url=receiver.url, message="x")
    assert result.detail == "answered 302, a redirect; those are not followed"


def test_a_forbidden_address_does_not_fail_the_run_but_sends_nothing(
    receiver: Receiver, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATAROLL_ALLOW_ADDRESSES")
    result = notify_webhook(url=receiver.url, message="x")
    assert "the address is loopback" in result.detail
    assert (result.attempts, receiver.requests) == (1, [])
