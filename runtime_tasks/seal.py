"""A seal on what a flow process leaves in Prefect, where whoever reaches Prefect could write.

The key is made from the run's token: the run's process and the
dataroll server know it, Prefect does not. An entry of another run, under
another name, or changed by one character does not hold::

    seal = Seal.of_run(run_token)
    entry = seal.put_on("node-1", {"status": "success"})
    seal.holds("node-1", entry)  # True
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seal:
    _key: bytes = field(repr=False)

    @classmethod
    def of_run(cls, token: str) -> Seal:
        return cls(hmac.digest(token.encode(), b"dataroll journal", "sha256"))

    def put_on(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with its ``seal``: hex, HMAC-SHA256 over the name and the body's sorted JSON."""
        return {**body, "seal": self._over(name, body)}

    def holds(self, name: str, body: Mapping[str, Any]) -> bool:
        given = body.get("seal")
        return isinstance(given, str) and hmac.compare_digest(
            given.encode(), self._over(name, body).encode()
        )

    def _over(self, name: str, body: Mapping[str, Any]) -> str:
        bare = {key: value for key, value in body.items() if key != "seal"}
        text = json.dumps([name, bare], sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def opened(name: str, text: str, seal: Seal | None) -> dict[str, Any] | None:
    """The entry; None where it is not what a worker wrote. Without a seal every object passes."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, dict) or (seal is not None and not seal.holds(name, body)):
        return None
    return body
