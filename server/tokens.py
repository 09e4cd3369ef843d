"""Tokens: 256 random bits with a prefix that says what they are; only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets


def new_token(kind: str) -> str:
    """``dr_api_…``, ``dr_ses_…``, ``dr_inv_…``: recognisable, for people and secret scanners."""
    return f"dr_{kind}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> str:
    """No salt and no stretching: the token is random, so there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(a: str, b: str) -> bool:
    return secrets.compare_digest(a.encode(), b.encode())
