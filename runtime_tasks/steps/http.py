"""A call of any HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from runtime_tasks.output import Output
from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import Seconds, Value, step
from runtime_tasks.steps.marks import widget


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

    Only public addresses are reached, redirects to another host are not followed, and an answer
    may have a megabyte.

    ``url``: where to; secrets may stand in it.
    ``headers``: by name; secrets may stand in the values.
    ``body``: sent as JSON, or as it is where it is text.
    ``auth``: a secret bound to its host, such as ``api.example.org TOKEN``; it goes to no other host.
    ``expectedStatus``: the answers that are no failure; without it, all of 200 to 299.
    ``pollUntil``: an expression over ``response``, the answer's body: ask again until it holds.
    ``pollInterval``: how long to wait between two calls.
    ``pollLimit``: how long to ask again before the node fails.
    ``requestTimeout``: how long one call may take.
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
