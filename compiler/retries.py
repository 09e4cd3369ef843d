"""How often a node is tried again, with each delay written out.

>>> delays(Retry(3, 10, "exponential"))
(10, 20, 40)
>>> delays(Retry(3, 10, "linear"))
(10, 20, 30)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.definition import Retry
from compiler.tree import Tree

if TYPE_CHECKING:
    from compiler.reader import Reader

MAX_RETRIES = 50
"""Prefect takes at most fifty delays."""
LONGEST_DELAY = 24 * 3600
"""Seconds; exponential back-off stops growing here."""
DEFAULT_RETRIES = 3
DEFAULT_DELAY = 10
BACKOFFS = ("exponential", "linear")


def delays(retry: Retry) -> tuple[int | float, ...]:
    """Seconds before each further try."""
    factors = [2**n if retry.backoff == "exponential" else n + 1 for n in range(retry.retries)]
    return tuple(min(retry.delay * factor, LONGEST_DELAY) for factor in factors)


def retry_of(reader: Reader, entries: dict[str, Tree], node: str) -> Retry | None:
    """``maxRetries`` alone asks for retries too; ``retryable: false`` turns them off."""
    retryable = entries.get("retryable")
    asked = reader.flag(retryable, "retryable", node) if retryable is not None else None
    retries = reader.number(
        entries.get("maxRetries"), "maxRetries", node, least=0, most=MAX_RETRIES, whole=True
    )
    delay = reader.number(
        entries.get("retryDelay"), "retryDelay", node, least=0, most=LONGEST_DELAY
    )
    backoff = reader.one_of(entries.get("retryBackoff"), BACKOFFS, "retryBackoff", node)
    if asked is False or (asked is None and not retries):
        return None
    count = int(DEFAULT_RETRIES if retries is None else retries)
    if count == 0:
        return None
    return Retry(count, DEFAULT_DELAY if delay is None else delay, backoff or BACKOFFS[0])
