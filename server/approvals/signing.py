"""Decisions are signed, so that a run believes the server and not whoever reaches Prefect.

The private key is ``approval.key`` in DATAROLL_HOME (or ``DATAROLL_APPROVAL_KEY``,
for several servers): 32 bytes in base64, readable by the owner alone. Flow
processes get the public half as ``DATAROLL_APPROVAL_PUBLIC_KEY``.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.secret_box import read_or_make


@dataclass(frozen=True)
class Signer:
    _key: Ed25519PrivateKey

    @classmethod
    def open(cls, home: Path, environment: Mapping[str, str] | None = None) -> Signer:
        env = os.environ if environment is None else environment
        text = env.get("DATAROLL_APPROVAL_KEY", "").strip() or read_or_make(
            home / "approval.key", lambda: base64.b64encode(os.urandom(32)).decode()
        )
        return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text)))

    def sign(self, text: str) -> str:
        """Base64 of the 64-byte signature over the UTF-8 text."""
        return base64.b64encode(self._key.sign(text.encode())).decode()

    @property
    def public_key(self) -> str:
        """Base64 of 32 bytes."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()


def decision_text(
    *,
    execution: str,
    node: str,
    digest: str,
    plan_hash: str,
    outcome: str,
    by: list[str],
    comment: str,
    decided_at: str,
) -> str:
    """The exact text that is signed and handed to the run."""
    return json.dumps(
        {
            "execution": execution,
            "node": node,
            "digest": digest,
            "planHash": plan_hash,
            "outcome": outcome,
            "by": by,
            "comment": comment,
            "decidedAt": decided_at,
        },
        separators=(",", ":"),
    )
