"""How often somebody may call. Counted in this process; several servers count each for itself."""

from __future__ import annotations

import time

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.errors import TooMany

CALLS = RateLimitItemPerMinute(6000)
FAILURES = RateLimitItemPerMinute(600)
LOGINS_PER_PERSON = RateLimitItemPerMinute(5)
LOGINS_PER_ADDRESS = RateLimitItemPerMinute(60)
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

    def check_login(self, ip: str, email: str) -> None:
        """Before the password is looked at, so that guessing is slow for every account."""
        self._hit(LOGINS_PER_ADDRESS, "login-ip", ip)
        self._hit(LOGINS_PER_PERSON, "login", f"{ip}|{email}")

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
        reset = self._limiter.get_window_stats(item, *names).reset_time
        seconds = max(1, int(reset - time.time()) + 1)
        return TooMany(
            f"too many requests; try again in {seconds} s", headers={"Retry-After": str(seconds)}
        )
