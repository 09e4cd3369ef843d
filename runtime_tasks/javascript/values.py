"""The values an expression can meet, and the one that JSON does not have: undefined."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from runtime_tasks.errors import ExpressionFailed
from runtime_tasks.output import Output, aliases

LIMIT: Final = 10_000_000
"""The longest text, and the most values in one result, that an expression may make."""
DEEPEST: Final = 200
"""How deep lists may stand in lists before they are refused."""


class Undefined:
    """What JavaScript gives for a member that is not there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


undefined: Final = Undefined()


def is_nothing(value: Any) -> bool:
    """Null or undefined."""
    return value is None or value is undefined


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def is_object(value: Any) -> bool:
    """Anything that JavaScript compares by identity: lists, dicts, outputs of steps."""
    return not isinstance(value, str | int | float | None | Undefined)


def as_json(value: Any) -> Any:
    """A Python value as its JSON shape: what members of step outputs and payloads look like."""
    match value:
        case Enum():
            return as_json(value.value)
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return float(value)
        case UUID():
            return str(value)
        case _:
            return value


@cache
def attributes(kind: Hashable) -> Mapping[str, str] | None:
    """JSON name → attribute of an output, a dataclass or a class with slots; None for another.

    Only declared fields can be read, so no expression reaches a method or a dunder.
    """
    if not isinstance(kind, type):
        return None
    if issubclass(kind, Output):
        return aliases(kind)
    if is_dataclass(kind):
        return {field.name: field.name for field in fields(kind) if not field.name.startswith("_")}
    if "__slots__" in vars(kind):
        return {name: name for name in vars(kind)["__slots__"] if not name.startswith("_")}
    return None


def own_member(value: Any, key: str) -> Any:
    """The member of a dict, a namespace or a step's output; undefined if there is none."""
    if isinstance(value, Mapping):
        return as_json(value.get(key, undefined))
    if isinstance(value, SimpleNamespace):
        return as_json(vars(value).get(key, undefined))
    known = attributes(value.__class__)
    if known is None:
        return undefined
    if key in known:
        return as_json(getattr(value, known[key]))
    return undefined


def plain(value: Any) -> Any:
    """The value as JSON has it: undefined becomes None, and is left out of objects.

    It is what a step receives. Outputs of steps are handed on as they are. What stands in
    several places is converted once, but counted in each: written as JSON it would be there
    each time, and a short expression can put a list into itself thirty times over.
    """
    return _plain(value, {}, 0)[0]


def _plain(value: Any, known: dict[int, tuple[Any, int]], depth: int) -> tuple[Any, int]:
    """The plain value, and how many values it is made of."""
    if value is undefined:
        return None, 1
    if not isinstance(value, list | tuple | dict):
        return value, 1
    if id(value) in known:
        return known[id(value)]
    if depth > DEEPEST:
        raise ExpressionFailed("an expression made a value that is too deep to hand on")
    made: Any
    if isinstance(value, dict):
        inner = {key: _plain(item, known, depth + 1) for key, item in value.items()}
        made = {key: item for key, (item, _) in inner.items() if value[key] is not undefined}
        count = sum(count for _, count in inner.values())
    else:
        items = [_plain(item, known, depth + 1) for item in value]
        made = [item for item, _ in items]
        count = sum(count for _, count in items)
    if count > LIMIT:
        raise ExpressionFailed("an expression made a value that is too big to hand on")
    known[id(value)] = made, count + 1
    return known[id(value)]


def called(value: Any) -> str:
    """What a value is called in a message; never the value itself, which may be private."""
    match value:
        case None:
            return "null"
        case Undefined():
            return "undefined"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"
