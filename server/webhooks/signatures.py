"""Is a delivery from whom it says? Four ways to sign, one answer: its delivery id, or nothing.

::

    delivery("github", secret, headers, body)     # "72d3162e-cc78-11e3-…", or None: not theirs

``standard``        Standard Webhooks: HMAC-SHA256 over ``id.timestamp.body``, five minutes of grace
``github``          ``X-Hub-Signature-256``: HMAC-SHA256 over the body
``gitlab``          ``X-Gitlab-Token``: the secret itself
``shared-secret``   ``Authorization: Bearer``, ``X-Webhook-Secret`` or a header of one's own: the secret itself

The delivery id is the sender's own. GitHub's signature does not cover it: who has recorded a
signed body may send it again under another id, so the filter and the approvals must hold.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from time import time

GRACE = 300
"""Seconds that a timestamp may be off; Standard Webhooks' own libraries take five minutes."""
LONGEST_ID = 250

NEVER = ""
"""A delivery that cannot be told from another: each one counts."""


def delivery(
    scheme: str,
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    header: str | None = None,
    now: float | None = None,
) -> str | None:
    """The delivery's id, :data:`NEVER` where the sender gives none, None where it is not theirs.

    Malformed headers are answered like wrong ones. Every comparison takes constant time.
    """
    if not secret:
        return None
    match scheme:
        case "standard":
            return _standard(secret, headers, body, time() if now is None else now)
        case "github":
            signed = _hex(headers.get("x-hub-signature-256", "").removeprefix("sha256="))
            if not hmac.compare_digest(signed, _hmac(secret.encode(), body)):
                return None
            return _given(headers, "x-github-delivery") or _digest(body)
        case "gitlab":
            if not _same(headers.get("x-gitlab-token", ""), secret):
                return None
            return _given(headers, "idempotency-key", "x-gitlab-event-uuid")
        case "shared-secret":
            bearer = headers.get("authorization", "")
            given = bearer[7:] if bearer[:7].lower() == "bearer " else ""
            named = headers.get((header or "x-webhook-secret").lower(), "")
            if not _same(named or given, secret):
                return None
            return _given(headers, "idempotency-key", "webhook-id", "x-delivery-id")
    return None


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    sent_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if (
        not sent_id
        or len(sent_id) > LONGEST_ID
        or not (timestamp.isascii() and timestamp.isdigit())
    ):
        return None
    if len(timestamp) > 12 or abs(now - int(timestamp)) > GRACE:
        return None
    code = _hmac(_key(secret), f"{sent_id}.{timestamp}.".encode() + body)
    good = False
    for part in headers.get("webhook-signature", "").split(" ")[:10]:
        version, _, signature = part.partition(",")
        if version == "v1":
            good |= hmac.compare_digest(_base64(signature), code)
    return sent_id if good else None


def _given(headers: Mapping[str, str], *names: str) -> str:
    return next((headers[name][:LONGEST_ID] for name in names if headers.get(name)), NEVER)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    return _base64(secret.removeprefix("whsec_")) or secret.encode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
