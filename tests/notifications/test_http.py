"""The HTTP request step against a real server."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from runtime_tasks.errors import OutcomeUnknown, StepConfigError, StepError
from runtime_tasks.notifications.exchange import Call, NoAnswer, UnfitAnswer, exchange
from runtime_tasks.secrets import secret, secret_text
from runtime_tasks.steps import http_request
from tests.notifications.conftest import Receiver, Reply, Run, receiving


def answers(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"content-type": "application/json"})


def hang_up(handler: BaseHTTPRequestHandler) -> bool:
    return True


def test_json_goes_out_and_comes_back_parsed(receiver: Receiver) -> None:
    receiver.replies = [answers({"id": 7, "list": [1, 2]})]
    result = http_request(
        url=f"{receiver.url}/things?x=1",
        method="POST",
        headers={"X-Team": "ops"},
        body={"name": "é"},
    )
    assert (result.status, result.body, result.attempts) == (200, {"id": 7, "list": [1, 2]}, 1)
    [request] = receiver.requests
    assert (request.method, request.path) == ("POST", "/things?x=1")
    assert request.json == {"name": "é"}
    assert request.headers["x-team"] == "ops"
    assert request.headers["idempotency-key"] == "execution-1-notify-1"


def test_text_stays_text(receiver: Receiver) -> None:
    result = http_request(url=receiver.url, method="PUT", body="plain")
    assert result.body == "ok"
    assert receiver.requests[0].headers["content-type"].startswith("text/plain")


def test_an_unexpected_status_fails_and_shows_the_answer(receiver: Receiver) -> None:
    receiver.replies = [Reply(409, b'{"reason": "busy"}')]
    with pytest.raises(StepError, match="answered 409, expected 2xx") as caught:
        http_request(url=receiver.url)
    assert caught.value.details == {"status": 409, "body": {"reason": "busy"}}


def test_an_expected_status_is_a_success(receiver: Receiver) -> None:
    receiver.replies = [Reply(404, b"")]
    assert http_request(url=receiver.url, expected_status=[200, 404]).status == 404


def test_it_asks_until_the_expression_holds(receiver: Receiver, run: Run) -> None:
    receiver.replies = [answers({"state": "building"})] * 2 + [answers({"state": "live"})]
    result = http_request(
        url=receiver.url, poll_until=lambda body: body["state"] == "live", poll_interval=5
    )
    assert (result.body, result.attempts, run.waits) == ({"state": "live"}, 3, [5, 5])


def test_it_does_not_ask_for_ever(receiver: Receiver) -> None:
    receiver.replies = [answers({"state": "building"})]
    with pytest.raises(StepError, match="did not come within 3 seconds") as caught:
        http_request(url=receiver.url, poll_until=lambda body: False, poll_interval=4, poll_limit=3)
    assert caught.value.details["body"] == {"state": "building"}


def test_while_it_waits_a_server_may_be_away_for_a_moment(receiver: Receiver, run: Run) -> None:
    receiver.replies = [
        answers({"state": "building"}),
        Reply(503),
        Reply(before=hang_up),
        answers({"state": "live"}),
    ]
    result = http_request(
        url=receiver.url, poll_until=lambda body: body["state"] == "live", poll_interval=5
    )
    assert (result.attempts, run.waits) == (4, [5, 5, 5])


def test_a_server_that_stays_away_is_named_at_the_limit(receiver: Receiver) -> None:
    receiver.replies = [answers({"state": "building"}), Reply(502)]
    with pytest.raises(StepError, match=r"did not come within 0\.2 seconds") as caught:
        http_request(
            url=receiver.url, poll_until=lambda body: False, poll_interval=0.15, poll_limit=0.2
        )
    assert caught.value.details["status"] == 502


@pytest.mark.parametrize("reply", [Reply(503), Reply(404)])
def test_what_does_not_answer_at_first_is_not_waited_for(receiver: Receiver, reply: Reply) -> None:
    receiver.replies = [reply]
    with pytest.raises(StepError, match="expected 2xx"):
        http_request(url=receiver.url, poll_until=lambda body: True)
    assert len(receiver.requests) == 1


def test_a_question_asked_by_post_carries_no_idempotency_key(receiver: Receiver) -> None:
    receiver.replies = [answers([])]
    http_request(url=receiver.url, method="POST", poll_until=lambda body: body)  # [] is true
    assert "idempotency-key" not in receiver.requests[0].headers


def test_an_expression_that_does_not_fit_the_answer_is_named(receiver: Receiver) -> None:
    with pytest.raises(StepError, match=r"pollUntil.*TypeError"):
        http_request(url=receiver.url, poll_until=lambda body: body["state"])


def test_an_expression_without_its_braces_is_a_mistake_and_not_true(receiver: Receiver) -> None:
    with pytest.raises(StepConfigError, match=r"between \{\{ and \}\}"):
        http_request(url=receiver.url, poll_until=lambda response: "response.state === 'live'")


def test_credentials_go_to_their_host(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_API", f"{receiver.url} token-1234")
    assert http_request(url=f"{receiver.url}/me", auth=secret("api")).status == 200
    assert receiver.requests[0].headers["authorization"] == "Bearer token-1234"


@pytest.mark.parametrize(
    ("granted", "header", "value"),
    [
        ({"username": "u", "password": "pässword"}, "authorization", "Basic dTpww6Rzc3dvcmQ="),
        ({"header": "X-Api-Key", "value": "k-1"}, "x-api-key", "k-1"),
    ],
)
def test_credentials_may_be_basic_or_any_header(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    granted: dict[str, str],
    header: str,
    value: str,
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_API", json.dumps({"host": receiver.url, **granted}))
    http_request(url=receiver.url, auth=secret("api"))
    assert receiver.requests[0].headers[header] == value


@pytest.mark.parametrize("bound", ["api.example.org", "127.0.0.1", "http://127.0.0.1:1"])
def test_credentials_go_nowhere_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_API", f"{bound} token-1234")
    with pytest.raises(StepConfigError, match="bound to") as caught:
        http_request(url=receiver.url, auth=secret("api"))
    assert "token-1234" not in str(caught.value)
    assert receiver.requests == []


def test_a_token_without_a_host_is_refused_without_repeating_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("token-1234", '{"bearer": "token-1234"}', "{token-1234"):
        monkeypatch.setenv("DATAROLL_SECRET_API", value)
        with pytest.raises(StepConfigError, match="must name its host") as caught:
            http_request(url=receiver.url, auth=secret("api"))
        assert "token-1234" not in repr(caught.value)
        assert caught.value.__suppress_context__


def test_a_secret_that_the_other_side_echoes_is_hidden(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_TOKEN", "token-1234")
    receiver.replies = [answers({"you sent": "Bearer token-1234"})]
    result = http_request(
        url=receiver.url, headers={"Authorization": secret_text("Bearer ", secret("token"))}
    )
    assert receiver.requests[0].headers["authorization"] == "Bearer token-1234"
    assert "token-1234" not in str(result.as_json())


def test_a_secret_is_hidden_in_headers_and_however_json_writes_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAROLL_SECRET_TOKEN", "tok/en-1234")
    receiver.replies = [
        Reply(200, b'{"tok\\/en-1234": ["tok\\u002fen-1234"]}', {"x-echo": "tok/en-1234"})
    ]
    result = http_request(url=receiver.url, headers={"X-Token": secret("token")})
    assert result.body == {"••••": ["••••"]}
    assert result.headers["x-echo"] == "••••"


def test_no_error_holds_a_url_that_is_a_secret(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (
        f"{receiver.url}/hush-hush",  # answers 500
        "http://127.0.0.1:1/hush-hush",  # nobody listens
        "http://hush-hush.invalid/hush-hush",  # no such name
        "http://192.168.0.1/hush-hush",  # forbidden
        "http://[hush-hush/",  # nonsense
    ):
        receiver.replies = [Reply(500)]
        monkeypatch.setenv("DATAROLL_SECRET_URL", url)
        with pytest.raises(StepError) as caught:
            http_request(url=secret("url"), request_timeout=3)
        error: BaseException | None = caught.value
        assert "hush" not in f"{error!r} {caught.value.details}"
        assert error is not None
        assert error.__cause__ is None


def test_a_redirect_within_the_same_place_is_followed_by_reads(receiver: Receiver) -> None:
    receiver.replies = [Reply(302, headers={"location": "/there"}), answers("arrived")]
    assert http_request(url=receiver.url).body == "arrived"
    assert [request.path for request in receiver.requests] == ["/", "/there"]


def test_a_redirect_to_elsewhere_is_not_followed(receiver: Receiver) -> None:
    with receiving() as other:
        receiver.replies = [Reply(302, headers={"location": f"{other.url}/loot"})]
        with pytest.raises(StepError, match="redirect to another place"):
            http_request(url=receiver.url)
        assert other.requests == []


def test_a_write_follows_no_redirect(receiver: Receiver) -> None:
    receiver.replies = [Reply(307, headers={"location": "/there"})]
    with pytest.raises(StepError, match="answered 307"):
        http_request(url=receiver.url, method="POST")
    assert len(receiver.requests) == 1


def test_a_circle_of_redirects_ends(receiver: Receiver) -> None:
    receiver.replies = [Reply(302, headers={"location": "/"})]
    with pytest.raises(StepError, match="circle"):
        http_request(url=receiver.url)


def test_a_large_answer_is_refused(receiver: Receiver) -> None:
    receiver.replies = [Reply(200, b"x" * 1_000_001)]
    with pytest.raises(UnfitAnswer, match="larger than 1,000,000 bytes"):
        http_request(url=receiver.url)


def test_a_compressed_answer_is_refused(receiver: Receiver) -> None:
    receiver.replies = [Reply(200, b"\x1f\x8b", {"content-encoding": "gzip"})]
    with pytest.raises(UnfitAnswer, match="compressed"):
        http_request(url=receiver.url)


def test_an_answer_that_drips_ends_at_the_deadline(receiver: Receiver) -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while not stop.wait(0.05):
                handler.wfile.write(b"X-Drop: 1\r\n")
        except OSError:
            pass
        return True

    receiver.replies = [Reply(before=drip)]
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        exchange(Call("GET", receiver.url, seconds=0.5))
    assert time.monotonic() - began < 3
    stop.set()


def test_a_write_whose_answer_is_lost_is_in_doubt_and_not_repeated(receiver: Receiver) -> None:
    receiver.replies = [Reply(before=hang_up)]
    with pytest.raises(OutcomeUnknown, match="whether the POST was done is not known") as caught:
        http_request(url=receiver.url, method="POST")
    assert not caught.value.retryable


def test_a_read_whose_answer_is_lost_may_be_repeated(receiver: Receiver) -> None:
    receiver.replies = [Reply(before=hang_up)]
    with pytest.raises(NoAnswer) as caught:
        http_request(url=receiver.url)
    assert caught.value.retryable


def test_a_test_run_reads_and_does_not_write(receiver: Receiver, run: Run) -> None:
    run.dry_run = True
    assert http_request(url=receiver.url, poll_until=lambda body: False).body == "ok"
    written = http_request(url=receiver.url, method="DELETE", expected_status=[204])
    assert (written.sent, written.status) == (False, 204)
    assert [request.method for request in receiver.requests] == ["GET"]


def test_a_header_that_frames_the_message_is_refused(receiver: Receiver) -> None:
    for name in ("Host", "content-length", "Transfer-Encoding"):
        with pytest.raises(StepConfigError, match="set by the call itself"):
            http_request(url=receiver.url, headers={name: "x"})


def test_a_header_cannot_smuggle_another(receiver: Receiver) -> None:
    for method in ("GET", "POST"):
        # Nothing was sent, so nothing is in doubt.
        with pytest.raises(StepConfigError, match="cannot be sent as it is written"):
            http_request(url=receiver.url, method=method, headers={"X-A": "1\r\nX-B: 2"})
    assert receiver.requests == []
