"""Before any route: sizes, broken addresses; after it: headers that browsers heed."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import ApiError, BadRequest, TooLarge

MAX_BODY = 2_500_000
"""A definition of 1 MB, escaped, in JSON."""
MAX_WEBHOOK = 1_048_576

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", []))
                present = {name for name, _ in headers}
                headers += [(name, value) for name, value in HEADERS if name not in present]
                if scope["path"].startswith("/api/") and b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-cache, private"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            _check_address(scope)
            await self.app(scope, _bounded(scope, receive), send_with_headers)
        except ApiError as error:
            if started:
                raise
            await _refuse(scope, send_with_headers, error)


def _check_address(scope: Scope) -> None:
    if b"\x00" in scope["path"].encode("utf-8", "replace") or b"%00" in scope["query_string"]:
        raise BadRequest("the address holds the character U+0000")
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > 8000:
        raise BadRequest("the address is longer than 8000 characters")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    limit = MAX_WEBHOOK if scope["path"].startswith("/api/webhooks/") else MAX_BODY
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        return message

    return counted


async def _refuse(scope: Scope, send: Any, error: ApiError) -> None:
    body = json.dumps(error.document(scope["path"])).encode()
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [
                (b"content-type", b"application/problem+json"),
                (b"content-length", str(len(body)).encode()),
                *((k.lower().encode(), v.encode()) for k, v in error.headers.items()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
