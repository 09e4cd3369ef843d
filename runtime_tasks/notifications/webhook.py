"""A message as signed JSON, by the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the
signature is HMAC-SHA256 over ``id.timestamp.body``, in ``webhook-signature`` as ``v1,<base64>``.
A secret is ``whsec_`` and base64; any other text is taken as its own bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from time import time
from typing import Any

from runtime_tasks.context import current
from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.delivery import post
from runtime_tasks.notifications.exchange import Call
from runtime_tasks.notifications.message import Message, plain


def post_webhook(
    url: str, message: Message, *, payload: Any = None, signing_secret: str = ""
) -> str:
    if not url:
        raise StepConfigError("no URL is set")
    body = webhook_body(message) if payload is None else plain(payload)
    content = json.dumps(body, ensure_ascii=False, default=str).encode()
    headers = {"content-type": "application/json", "webhook-id": message_id()}
    if signing_secret:
        headers |= signature(headers["webhook-id"], int(time()), content, signing_secret)
    post(Call("POST", url, headers=headers, content=content))
    return headers["webhook-id"]


def webhook_body(message: Message) -> dict[str, Any]:
    return {
        "type": "dataroll.notification",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": {
            "executionId": current().execution_id,
            "nodeId": current().node_id,
            "title": message.title,
            "message": message.text,
            "severity": message.severity,
            "facts": dict(message.facts),
            "items": list(message.items),
            "document": message.document,
            "link": message.link,
        },
    }


def message_id() -> str:
    """The same for every attempt of this node in this run."""
    context = current()
    name = f"{context.execution_id}\0{context.node_id}"
    return f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def signature(id: str, timestamp: int, content: bytes, secret: str) -> dict[str, str]:  # noqa: A002
    """The two headers that prove who sent ``content``."""
    signed = f"{id}.{timestamp}.".encode() + content
    code = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }


def signing_key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise StepConfigError("the signing secret is not 'whsec_' and base64") from None
