"""Cron expressions that mean the same to everybody: five fields, and they fire.

::

    check_cron("30 2 * * mon-fri")     # returns it
    check_cron("0 0 31 2 *")           # ValueError: never fires: February has no day 31

Prefect takes more: six fields, ``@daily``, ``L``, ``W``, ``#``. It also takes times that never
come, and then fails while scheduling, after publish. So the check is here, before.

When both day fields are restricted, either is enough, as in every cron since the 1970s.
"""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, WEEKDAYS),
)

PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?", re.ASCII)


def check_cron(text: str) -> str:
    """``text`` if it is a cron expression that fires. Raises ValueError with what is wrong."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(
            f"a cron expression has five fields (minute hour day month weekday), here are {len(fields)}"
        )
    _, _, days, months, _ = (
        _values(field, *form) for field, form in zip(fields, FIELDS, strict=True)
    )
    if fields[4].startswith("*") and not any(min(days) <= LONGEST[m - 1] for m in months):
        names = " or ".join(MONTHS[month - 1].title() for month in sorted(months))
        raise ValueError(f"it never fires: there is no day {min(days)} in {names}")
    return text


def check_timezone(name: str) -> str:
    """``name`` if it is an IANA timezone. Raises ValueError."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"'{name}' is no timezone; they are called like Europe/Zurich or UTC"
        ) from None
    return name


def _values(field: str, name: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    values: set[int] = set()
    for part in field.split(","):
        match = PART.fullmatch(part)
        if not match:
            raise ValueError(
                f"the {name} '{field}' is not understood: use *, 5, 1-5, */10 or a list"
            )
        star, first, last, step = match.groups()
        if step and int(step) == 0:
            raise ValueError(f"the {name} '{field}' has a step of 0")
        start = low if star else _value(first, name, low, high, names)
        # `5/10` counts on from 5 to the end of the range.
        end = high if star or (step and not last) else start
        if last:
            end = _value(last, name, low, high, names)
        if end < start:
            raise ValueError(f"the {name} '{field}' runs backwards")
        values.update(range(start, end + 1, int(step or 1)))
    return values


def _value(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + (1 if names is MONTHS else 0)
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"'{text}' is no {name}: it goes from {low} to {high}")
    return int(text)
