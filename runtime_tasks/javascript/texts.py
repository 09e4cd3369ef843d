"""``String(value)``, and the 16-bit units that JavaScript counts text in.

A character beyond U+FFFF is two units, so "🦉".length is 2 and "🦉"[0] is half an owl.
"""

from __future__ import annotations

import re
from typing import Any

from runtime_tasks.errors import ExpressionFailed
from runtime_tasks.javascript.numbers import numeral
from runtime_tasks.javascript.values import (
    DEEPEST,
    LIMIT,
    as_json,
    is_list,
    is_nothing,
    is_number,
    own_member,
    undefined,
)

_TWO_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_WIDE = re.compile("[\U00010000-\U0010ffff]")


def text(*parts: Any) -> str:
    """All parts as text, one behind the other: a template with several holes."""
    return glued(within_limit("", [text_of(part) for part in parts]))


def text_of(value: Any) -> str:
    """``String(value)``."""
    return value if type(value) is str else _text_of(value, {}, 0)


def _text_of(value: Any, known: dict[int, str], depth: int) -> str:
    value = as_json(value)
    if isinstance(value, str):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return numeral(value)
    if is_list(value):
        return _text_of_list(value, known, depth)
    if value is undefined:
        return "undefined"
    if own_member(value, "toString") is not undefined:
        raise ExpressionFailed("an object with a member 'toString' cannot be written as text")
    return "[object Object]"


def _text_of_list(values: Any, known: dict[int, str], depth: int) -> str:
    """A list that stands in several places is written once: see ``values.plain``."""
    if id(values) not in known:
        if depth > DEEPEST:
            raise ExpressionFailed("lists stand too deep in lists to be written as text")
        texts = ["" if is_nothing(item) else _text_of(item, known, depth + 1) for item in values]
        known[id(values)] = within_limit(",", texts)
    return known[id(values)]


def within_limit(between: str, texts: list[str]) -> str:
    """The texts joined, unless that is more than an expression may make."""
    if sum(map(len, texts)) + len(between) * (len(texts) - 1) > LIMIT:
        raise ExpressionFailed(f"an expression made a text of more than {LIMIT:,} characters")
    return between.join(texts)


def glued(joined: str) -> str:
    """Two halves of a character that have come to stand side by side are that character."""
    if len(joined) > LIMIT:
        raise ExpressionFailed(f"an expression made a text of more than {LIMIT:,} characters")
    if joined.isascii() or not _TWO_HALVES.search(joined):
        return joined
    return from_units(to_units(joined))


def to_units(value: str) -> bytes:
    return value.encode("utf-16-be", "surrogatepass")


def from_units(units: bytes) -> str:
    return units.decode("utf-16-be", "surrogatepass")


def has_wide(value: str) -> bool:
    """Whether any character takes two units; without one, Python's and JavaScript's indices agree."""
    return not value.isascii() and _WIDE.search(value) is not None


def unit_length(value: str) -> int:
    return len(to_units(value)) // 2 if has_wide(value) else len(value)


def unit_slice(value: str, start: int, stop: int) -> str:
    """Units ``start`` to ``stop``, both within the text."""
    if not has_wide(value):
        return value[start:stop]
    return from_units(to_units(value)[2 * start : 2 * stop])
