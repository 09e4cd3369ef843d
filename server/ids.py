"""Ids that look like cuids and sort by the time they were made.

``cmif3k2p0x8v…``: ``c``, eight base-36 digits of milliseconds, sixteen random ones.
Newest-first lists page by id alone, which one index answers.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timedelta

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def new_id() -> str:
    return "c" + _base36(time.time_ns() // 1_000_000, 8) + random_word(16)


def first_id_at(moment: datetime, shift: timedelta = timedelta()) -> str:
    """Sorts before every id that is made from ``moment + shift`` on."""
    milliseconds = int((moment.timestamp() + shift.total_seconds()) * 1000)
    return "c" + _base36(min(max(milliseconds, 0), 36**8 - 1), 8)


def random_word(length: int) -> str:
    """Base-36 digits from the system's random source."""
    return "".join(secrets.choice(DIGITS) for _ in range(length))


def _base36(number: int, width: int) -> str:
    digits = []
    while number:
        number, rest = divmod(number, 36)
        digits.append(DIGITS[rest])
    return "".join(reversed(digits)).rjust(width, "0")[-width:]
