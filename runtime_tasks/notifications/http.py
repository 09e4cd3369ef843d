"""The HTTP request step: credentials bound to their host, expected answers, asking again.

``auth`` is a secret that names the one origin it may be sent to, so that a workflow's author can
use it there and nowhere else::

    api.example.org ghp_token                                        Bearer token
    {"host": "api.example.org", "bearer": "ghp_token"}               the same
    {"host": "api.example.org", "username": "u", "password": "p"}    Basic
    {"host": "api.example.org", "header": "X-Api-Key", "value": "…"} any header
    {"host": "http://10.0.0.8:8080", "bearer": "…"}                  not https, on purpose
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime_tasks.context import current, reveal
from runtime_tasks.errors import OutcomeUnknown, StepConfigError, StepError
from runtime_tasks.javascript.logic import truthy
from runtime_tasks.notifications.delivery import TRY_AGAIN
from runtime_tasks.notifications.exchange import (
    Answer,
    Call,
    NoAnswer,
    Unreachable,
    check_url,
    exchange,
)
from runtime_tasks.notifications.message import plain
from runtime_tasks.secrets import Secret
from runtime_tasks.steps.http import HttpOutput

READS = frozenset({"GET", "HEAD"})
NOT_REPEATABLE = frozenset({"POST", "PATCH"})
REDIRECTS = 5
FORBIDDEN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
KEPT_BACK = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"})
HIDDEN = "••••"


class Auth(BaseModel):
    """What the secret in ``auth`` says."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: str
    bearer: str = Field("", repr=False)
    username: str = ""
    password: str = Field("", repr=False)
    header: str = ""
    value: str = Field("", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        if self.bearer:
            return {"Authorization": f"Bearer {self.bearer}"}
        if self.header:
            return {self.header: self.value}
        pair = f"{self.username}:{self.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def send(
    *,
    url: Secret | str,
    method: str = "GET",
    headers: Mapping[str, Secret | str] | None = None,
    body: Any = None,
    auth: Secret | str = "",
    expected_status: list[int] | None = None,
    poll_until: Callable[[Any], Any] | None = None,
    poll_interval: float = 10,
    poll_limit: float = 600,
    timeout: float = 30,
) -> HttpOutput:
    """One call, or one until ``poll_until`` holds for its body. Raises StepError."""
    context = current()
    call, secrets = _call(url, method, headers, body, auth, timeout, polls=poll_until is not None)
    if context.dry_run and method not in READS:
        context.log.info("%s %s, not sent in a test run", method, _place(url))
        status = expected_status[0] if expected_status else 200
        return HttpOutput(status=status, headers={}, attempts=0, sent=False)
    until = monotonic() + poll_limit
    attempts = 0
    seen: dict[str, Any] | None = None
    while True:
        attempts += 1
        try:
            answer = _answer(call, url, expected_status)
            output = _output(answer, secrets, attempts)
            _check_status(output, url, expected_status)
        except StepError as error:
            # What has answered once may be away for a moment, while it is being waited for.
            if seen is None or not passing(error):
                raise
            seen = {"error": str(error), **error.details}
        else:
            if poll_until is None or _holds(poll_until, output.body) or context.dry_run:
                return output
            seen = {"status": output.status, "body": _beginning(output.body)}
        if monotonic() + poll_interval > until:
            raise StepError(
                f"what was waited for did not come within {poll_limit:g} seconds", details=seen
            )
        context.progress(f"not yet: asking again in {poll_interval:g} seconds")
        context.sleep(poll_interval)


def passing(error: StepError) -> bool:
    """Whether it may be better a moment later: no connection, no answer, busy."""
    busy = error.details.get("status") in TRY_AGAIN
    return busy or isinstance(error, (NoAnswer, Unreachable))


def _call(
    url: Secret | str,
    method: str,
    headers: Mapping[str, Secret | str] | None,
    body: Any,
    auth: Secret | str,
    timeout: float,
    *,
    polls: bool,
) -> tuple[Call, list[str]]:
    """The call, and the secrets in it, which the answer must not bring back."""
    address = reveal(url)
    check_url(address)
    sent = {name: reveal(value) for name, value in (headers or {}).items()}
    secrets = [sent[name] for name, value in (headers or {}).items() if isinstance(value, Secret)]
    if isinstance(url, Secret):
        secrets.append(address)
    for name in sent:
        if name.lower() in FORBIDDEN_HEADERS:
            raise StepConfigError(f"the header {name} is set by the call itself")
    if auth:
        granted = parse_auth(reveal(auth))
        if origin(granted.host) != origin(address):
            raise StepConfigError(
                f"the credentials in 'auth' are bound to {granted.host} and are not sent elsewhere"
            )
        sent |= granted.headers
        secrets += [granted.bearer, granted.password, granted.value, *granted.headers.values()]
    given = {name.lower() for name in sent}
    if method in NOT_REPEATABLE and not polls and "idempotency-key" not in given:
        # Servers that know this header do the work once, however often the node is retried.
        # To a question that is asked again they would give their first answer for ever.
        sent["Idempotency-Key"] = f"{current().execution_id}-{current().node_id}"
    content: bytes | None = None
    if isinstance(body, str):
        content = body.encode()
        if "content-type" not in {name.lower() for name in sent}:
            sent["Content-Type"] = "text/plain; charset=utf-8"
    return (
        Call(method, address, sent, json=plain(body), content=content, seconds=timeout),
        [value for value in secrets if len(value) >= 4],
    )


def parse_auth(text: str) -> Auth:
    """Raises StepConfigError that does not repeat the secret."""
    try:
        if text.lstrip().startswith("{"):
            return Auth.model_validate_json(text)
        host, token = text.split()
        return Auth(host=host, bearer=token)
    except (ValidationError, ValueError):
        raise StepConfigError(
            "the secret in 'auth' must name its host: 'api.example.org TOKEN', or JSON with "
            "host and bearer, username and password, or header and value"
        ) from None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Without a scheme it is https."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        raise StepConfigError("the host in 'auth' is no host") from None
    return (parts.scheme, (parts.hostname or "").rstrip("."), port)


def _answer(call: Call, url: Secret | str, expected: list[int] | None) -> Answer:
    """The answer, after redirects within the same origin, which only reads follow."""
    try:
        for _ in range(REDIRECTS + 1):
            answer = exchange(call)
            location = answer.headers.get("location")
            redirected = 300 <= answer.status < 400 and answer.status not in (expected or [])
            if not (redirected and location and call.method in READS):
                return answer
            target = urljoin(call.url, location)
            if origin(target) != origin(call.url):
                raise StepError(
                    f"{_place(url)} answered {answer.status} with a redirect to another place, "
                    "which is not followed; name that place in 'url' if it is meant"
                )
            call = Call(call.method, target, call.headers, seconds=call.seconds)
        raise StepError(f"{_place(url)} redirects in a circle")
    except NoAnswer as error:
        if call.method in READS or call.method in ("PUT", "DELETE"):
            raise NoAnswer(f"{_place(url)}: {error}") from None
        raise OutcomeUnknown(
            f"{_place(url)}: {error}; whether the {call.method} was done is not known"
        ) from None


def _output(answer: Answer, secrets: list[str], attempts: int) -> HttpOutput:
    return HttpOutput(
        status=answer.status,
        headers={
            name: _hidden(value, secrets)
            for name, value in answer.headers.items()
            if name not in KEPT_BACK
        },
        body=_body(answer, secrets),
        attempts=attempts,
    )


def _body(answer: Answer, secrets: list[str]) -> Any:
    if not answer.text:
        return None
    try:
        # Parsed first: JSON may write a secret in other letters (\u0022 for a quotation mark).
        return _hidden(json.loads(answer.text), secrets)
    except (ValueError, RecursionError):
        return _hidden(answer.text, secrets)


def _hidden(value: Any, secrets: list[str]) -> Any:
    """``value`` without what was sent in confidence and has come back."""
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, HIDDEN)
            return value
        case list():
            return [_hidden(item, secrets) for item in value]
        case dict():
            return {_hidden(key, secrets): _hidden(item, secrets) for key, item in value.items()}
        case _:
            return value


def _check_status(output: HttpOutput, url: Secret | str, expected: list[int] | None) -> None:
    if output.status in expected if expected else 200 <= output.status < 300:
        return
    wanted = " or ".join(map(str, expected)) if expected else "2xx"
    raise StepError(
        f"{_place(url)} answered {output.status}, expected {wanted}",
        details={"status": output.status, "body": _beginning(output.body)},
    )


def _holds(condition: Callable[[Any], Any], body: Any) -> bool:
    try:
        answer = condition(body)
        if isinstance(answer, str):
            # A text is true, so this would never wait; it is an expression without its braces.
            raise StepConfigError("'pollUntil' is an expression: write it between {{ and }}")
        return truthy(answer)
    except StepError:
        raise
    except Exception as error:
        raise StepError(
            f"'pollUntil' cannot be worked out for this answer: {type(error).__name__}",
            details={"body": _beginning(body)},
        ) from None


def _place(url: Secret | str) -> str:
    """How an error calls the URL: its host, or nothing where the URL is a secret."""
    if isinstance(url, Secret):
        return "the URL in its secret"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _beginning(body: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return body if len(text) <= 2000 else text[:2000] + "…"
