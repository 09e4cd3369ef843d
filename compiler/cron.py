"""Five-field cron expressions: refused when they cannot be read or can never fire.

Prefect takes ``0 0 31 2 *`` and fails when it schedules; it also takes six
fields. Both are caught here, at the author's desk.
"""

from __future__ import annotations

import re
from zoneinfo import available_timezones

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_PART = re.compile(r"(\*|[0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?(?:/([0-9]{1,2}))?\Z")


def cron_problem(text: str) -> str | None:
    """What is wrong with a cron expression, or None."""
    fields = text.split()
    if len(fields) != 5:
        return f"a schedule has five fields, not {len(fields)}"
    values: list[set[int]] = []
    for field, (name, low, high, words) in zip(fields, FIELDS, strict=True):
        found = _values(field.lower(), low, high, words)
        if found is None:
            return f"'{field[:20]}' is no {name}"
        values.append(found)
    _, _, days, months, _ = values
    # With both day fields given, cron fires when either fits.
    only_days = fields[2] != "*" and fields[4] == "*"
    if only_days and not any(day <= _LONGEST.get(month, 31) for day in days for month in months):
        return "this day never comes in these months"
    return None


def _values(field: str, low: int, high: int, words: list[str]) -> set[int] | None:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.match(part)
        if match is None:
            return None
        first, last, every = match.groups()
        if first == "*":
            if last is not None:
                return None
            start, end = low, high
        else:
            begins = _number(first, low, high, words)
            ends = begins if last is None else _number(last, low, high, words)
            if begins is None or ends is None:
                return None
            start, end = begins, high if every and last is None else ends
        step = int(every) if every else 1
        if step == 0 or start > end:
            return None
        found.update(range(start, end + 1, step))
    return found


def _number(text: str, low: int, high: int, words: list[str]) -> int | None:
    if text in words:
        return words.index(text) + (1 if words is MONTHS else 0)
    if not text.isdigit():
        return None
    number = int(text)
    return number if low <= number <= high else None


def timezone_problem(name: str) -> str | None:
    """What is wrong with a timezone's name, or None."""
    return None if name in available_timezones() else f"'{name[:60]}' is no timezone"
