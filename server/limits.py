"""How often somebody may call.

What guards a secret that a person has chosen, a password, is counted in the database, for all
servers together (:mod:`server.auth.attempts`). Everything else keeps one process from being
overrun, and is counted in that process: tokens, keys and signatures have 256 bits, and nobody
guesses those however often they may try.
"""

from __future__ import annotations

import time

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.errors import TooMany

CALLS = RateLimitItemPerMinute(6000)
FAILURES = RateLimitItemPerMinute(600)
SIGN_INS = RateLimitItemPerMinute(60)
HOOKS_PER_KEY = RateLimitItemPerSecond(100)
HOOKS_PER_ADDRESS = RateLimitItemPerSecond(200)


class Limits:
    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check_calls(self, credential_id: str) -> None:
        self._hit(CALLS, "call", credential_id)

    def count_failure(self, ip: str) -> None:
        """Only the failures are slowed down: a good token works from behind the same address."""
        self._hit(FAILURES, "failure", ip)

    def check_sign_ins(self, ip: str) -> None:
        """Before the database is asked, so that a flood costs it nothing."""
        self._hit(SIGN_INS, "sign-in", ip)

    def check_webhook(self, ip: str) -> None:
        """Before the signature is looked at: guessing from one address is slow."""
        self._hit(HOOKS_PER_ADDRESS, "hook-ip", ip)

    def check_webhook_key(self, key_hash: str) -> None:
        """After it: so that nobody who cannot sign uses up what a key may."""
        self._hit(HOOKS_PER_KEY, "hook", key_hash)

    def _hit(self, item: RateLimitItem, *names: str) -> None:
        if not self._limiter.hit(item, *names):
            raise self._too_many(item, *names)

    def _too_many(self, item: RateLimitItem, *names: str) -> TooMany:
        return too_many(self._limiter.get_window_stats(item, *names).reset_time - time.time())


def too_many(wait: float) -> TooMany:
    seconds = max(1, int(wait) + 1)
    return TooMany(
        f"too many requests; try again in {seconds} s", headers={"Retry-After": str(seconds)}
    )
