"""A webhook's key and secret: made here, shown once."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field

from server.models import WorkflowTrigger
from server.secret_box import SecretBox
from server.tokens import token_hash


@dataclass(frozen=True)
class Shown:
    """What is shown once."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


def renew(trigger: WorkflowTrigger, box: SecretBox) -> Shown:
    """Give ``trigger`` a new key and secret; the old ones stop working with the commit."""
    key = f"dr_hook_{secrets.token_urlsafe(32)}"
    trigger.key_hash = token_hash(key)
    trigger.key_prefix = key[:14]
    secret = new_secret(trigger.config.get("scheme", "standard"))
    trigger.secret = box.encrypt(secret)
    return Shown(key, secret)


def new_secret(scheme: str) -> str:
    """256 random bits, written as the scheme's senders expect them."""
    if scheme == "standard":
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)
