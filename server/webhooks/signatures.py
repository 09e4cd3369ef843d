"""Is this call from who knows the secret? And which delivery is it?

``standard`` is Standard Webhooks, ``github`` is X-Hub-Signature-256,
``gitlab`` compares X-Gitlab-Token, ``shared-secret`` compares a header.
Whatever is malformed is as bad as what is wrong.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from standardwebhooks.webhooks import Webhook

from server.tokens import same

DELIVERY_HEADERS = {
    "standard": "webhook-id",
    "github": "x-github-delivery",
    "gitlab": "x-gitlab-event-uuid",
    "shared-secret": "idempotency-key",
}
DEFAULT_HEADER = "x-webhook-secret"


def is_signed(
    scheme: str, secret: str, headers: Mapping[str, str], body: bytes, header: str | None
) -> bool:
    try:
        if scheme == "standard":
            Webhook(secret).verify(body, dict(headers))
            return True
        if scheme == "github":
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            return same(headers.get("x-hub-signature-256", ""), f"sha256={digest}")
        name = "x-gitlab-token" if scheme == "gitlab" else (header or DEFAULT_HEADER).lower()
        return same(headers.get(name, ""), secret)
    except Exception:
        return False


def delivery_id(scheme: str, headers: Mapping[str, str]) -> str | None:
    """The sender's number of this delivery; the same one again is the same delivery."""
    given = headers.get(DELIVERY_HEADERS[scheme], "").strip()
    return given[:300] or None
