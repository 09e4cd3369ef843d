"""One guarded HTTP exchange, with limits, and errors that name no address in full.

::

    answer = exchange(Call("POST", url, json={"text": "hello"}))
    answer.status, answer.json()

The URL of an incoming webhook is a secret, and httpx prints URLs in its exceptions; so nothing
that httpx raises leaves this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from runtime_tasks.errors import StepConfigError, StepError
from runtime_tasks.notifications.transport import Guard, GuardedTransport

LARGEST_ANSWER = 1_000_000
"""Bytes. A workflow hands answers on to later nodes and keeps them; more belongs in a file."""

AGENT = "dataroll"


class Unreachable(StepError):
    """Nothing was sent, or nothing that arrived: the name, the connection or TLS failed."""


class NoAnswer(StepError):
    """It was sent; what came of it is not known."""


class UnfitAnswer(StepError):
    """The answer is too large, or compressed although nobody asked for that."""


@dataclass(frozen=True)
class Call:
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = None
    content: bytes | None = None
    """The body's exact bytes; goes before ``json``."""
    seconds: float = 15
    """For the whole exchange, from the name to the last byte."""
    largest: int = LARGEST_ANSWER


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """The parsed body. Raises ValueError when it is no JSON."""
        return json.loads(self.content)


def exchange(call: Call) -> Answer:
    """Send ``call`` and read the whole answer; redirects are answers and are not followed.

    Raises Refused (a forbidden address), Unreachable, NoAnswer, UnfitAnswer, StepConfigError.
    """
    check_url(call.url)
    content = call.content
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **call.headers}
    if content is None and call.json is not None:
        content = json.dumps(call.json, ensure_ascii=False).encode()
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
    guard = Guard(call.seconds)
    try:
        with (
            httpx.Client(
                transport=GuardedTransport(guard), trust_env=False, timeout=call.seconds
            ) as client,
            client.stream(call.method, call.url, headers=headers, content=content) as response,
        ):
            return Answer(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                content=_body(response, call),
            )
    except (httpx.LocalProtocolError, httpx.InvalidURL, ValueError):
        # Before anything was sent: a header with a line break, for example.
        raise StepConfigError("the URL or a header cannot be sent as it is written") from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unreachable(f"no connection: {_reason(error)}") from None
    except httpx.TimeoutException:
        raise NoAnswer(f"no answer within {call.seconds:g} seconds") from None
    except httpx.HTTPError as error:
        raise NoAnswer(f"the connection broke: {type(error).__name__}") from None


def check_url(url: str) -> None:
    """Only http and https, with a host, without credentials. Raises StepConfigError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise StepConfigError("this is no URL; one looks like https://example.org/path") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise StepConfigError("the URL must start with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise StepConfigError("the URL holds credentials; put them into 'auth' or a header")


def _body(response: httpx.Response, call: Call) -> bytes:
    # A compressed body can grow a thousandfold on reading; we asked for none.
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnfitAnswer("the answer is compressed, which was not asked for")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > call.largest:
            raise UnfitAnswer(f"the answer is larger than {call.largest:,} bytes")
    return bytes(body)


def _reason(error: httpx.HTTPError) -> str:
    """What the operating system or TLS said; their texts hold no URL."""
    if isinstance(error, httpx.ConnectTimeout):
        return "it took too long"
    text = str(error)
    return text if text and "://" not in text and len(text) < 200 else "refused"
