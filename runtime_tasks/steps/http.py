"""A call of any HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import Output, Seconds, Value, step, widget


class HttpOutput(Output):
    status: int
    headers: dict[str, str]
    body: Any = None
    """Parsed JSON where the answer is JSON, else text."""
    attempts: int = 1
    sent: bool = True
    """False in a test run, which sends nothing that could change something."""


@step("action", "http_request", label="HTTP request", effect="writes", idempotent=False)
def http_request(
    *,
    url: SecretText,
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET",
    headers: dict[str, SecretText] | None = None,
    body: Value = None,
    auth: SecretText = "",
    expected_status: list[int] | None = None,
    poll_until: Annotated[Any, widget("expression", lambda_of="response")] = None,
    poll_interval: Seconds = 10,
    poll_limit: Seconds = 600,
    request_timeout: Seconds = 30,
) -> HttpOutput:
    """Call an HTTP API and hand on its answer; optionally ask again until it says what it should.

    ``auth`` is a secret bound to its host, such as ``api.example.org TOKEN``. ``pollUntil`` is an
    expression over ``response``, the answer's body; the call is repeated every ``pollInterval``
    seconds until it holds, for ``pollLimit`` seconds at most. Only public addresses are reached,
    redirects to another host are not followed, and an answer may have a megabyte.
    """
    from runtime_tasks.notifications.http import send

    return send(
        url=url,
        method=method,
        headers=headers,
        body=body,
        auth=auth,
        expected_status=expected_status,
        poll_until=poll_until,
        poll_interval=poll_interval,
        poll_limit=poll_limit,
        timeout=request_timeout,
    )
