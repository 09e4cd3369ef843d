"""The methods of text, and those that texts and lists share."""

from __future__ import annotations

import math
from typing import Any

from runtime_tasks.errors import ExpressionFailed
from runtime_tasks.javascript.numbers import WHITE_SPACE, number
from runtime_tasks.javascript.texts import (
    from_units,
    has_wide,
    text_of,
    to_units,
    unit_length,
    unit_slice,
)
from runtime_tasks.javascript.values import LIMIT, as_json, called, is_list, undefined


def starts_with(value: Any, start: Any) -> bool:
    whole, part = only_text(value, "startsWith"), text_of(start)
    return whole.startswith(part) or to_units(whole).startswith(to_units(part))


def ends_with(value: Any, end: Any) -> bool:
    whole, part = only_text(value, "endsWith"), text_of(end)
    return whole.endswith(part) or to_units(whole).endswith(to_units(part))


def contains(whole: str, part: str) -> bool:
    """Whether the units of one text stand in another, halves of characters included."""
    if part in whole:
        return True
    if not has_wide(whole) or part.isascii():
        return False
    return any(piece != whole for piece in _split_units(whole, part, 1))


def lower(value: Any) -> str:
    return only_text(value, "toLowerCase").lower()


def upper(value: Any) -> str:
    return only_text(value, "toUpperCase").upper()


def trim(value: Any) -> str:
    return only_text(value, "trim").strip(WHITE_SPACE)


def split(value: Any, separator: Any = undefined) -> list[str]:
    """``value.split(separator)``: without one the text alone, with "" its 16-bit units."""
    whole = only_text(value, "split")
    if separator is undefined:
        return [whole]
    between = text_of(separator)
    if not between:
        if not has_wide(whole):
            return list(whole)
        units = to_units(whole)
        return [from_units(units[at : at + 2]) for at in range(0, len(units), 2)]
    if has_wide(whole) and not between.isascii():
        return _split_units(whole, between, -1)
    return whole.split(between)


def _split_units(whole: str, between: str, most: int) -> list[str]:
    units, mark = to_units(whole), to_units(between)
    pieces: list[str] = []
    start = at = 0
    while (at := units.find(mark, at)) >= 0 and most != 0:
        if at % 2:  # bytes of two neighbours that happen to look like the mark
            at += 1
            continue
        pieces.append(from_units(units[start:at]))
        start = at = at + len(mark)
        most -= 1
    pieces.append(from_units(units[start:]))
    return pieces


def slice(value: Any, start: Any = undefined, stop: Any = undefined) -> Any:  # noqa: A001
    """``value.slice(start, stop)`` of a text or a list; negative numbers count from the end."""
    value = as_json(value)
    if is_list(value):
        first, last = _bounds(len(value), start, stop)
        return list(value[first:last])
    whole = only_text(value, "slice")
    first, last = _bounds(unit_length(whole), start, stop)
    return unit_slice(whole, first, last)


def _bounds(length: int, start: Any, stop: Any) -> tuple[int, int]:
    first = _clamped(number(start), length)
    last = length if stop is undefined else _clamped(number(stop), length)
    return first, max(first, last)


def _clamped(at: float, length: int) -> int:
    if math.isnan(at):
        return 0
    if math.isinf(at):
        return length if at > 0 else 0
    whole = math.trunc(at)
    return max(0, whole + length) if whole < 0 else min(whole, length)


def only_text(value: Any, method: str) -> str:
    value = as_json(value)
    if not isinstance(value, str):
        raise ExpressionFailed(f"{called(value)} has no method {method!r}")
    if len(value) > LIMIT:
        raise ExpressionFailed(
            f"a text of more than {LIMIT:,} characters is too long for {method!r}"
        )
    return value
