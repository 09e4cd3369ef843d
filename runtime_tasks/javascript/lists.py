"""The methods of lists. ``indexed`` functions take the place as second argument, as arrows do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from runtime_tasks.errors import ExpressionFailed
from runtime_tasks.javascript.comparison import same
from runtime_tasks.javascript.logic import truthy
from runtime_tasks.javascript.strings import contains
from runtime_tasks.javascript.texts import glued, text_of, within_limit
from runtime_tasks.javascript.values import as_json, called, is_list, is_nothing, undefined

Function = Callable[..., Any]


def filter(values: Any, keep: Function, *, indexed: bool = False) -> list[Any]:  # noqa: A001
    return [item for item, held in _applied(values, keep, "filter", indexed) if truthy(held)]


def map(values: Any, change: Function, *, indexed: bool = False) -> list[Any]:  # noqa: A001
    return [changed for _, changed in _applied(values, change, "map", indexed)]


def some(values: Any, test: Function, *, indexed: bool = False) -> bool:
    return any(truthy(held) for _, held in _applied(values, test, "some", indexed))


def every(values: Any, test: Function, *, indexed: bool = False) -> bool:
    return all(truthy(held) for _, held in _applied(values, test, "every", indexed))


def find(values: Any, test: Function, *, indexed: bool = False) -> Any:
    for item, held in _applied(values, test, "find", indexed):
        if truthy(held):
            return item
    return undefined


def includes(values: Any, wanted: Any) -> bool:
    """``values.includes(wanted)`` of a list, where NaN equals itself, or of a text."""
    values = as_json(values)
    if isinstance(values, str):
        return contains(values, text_of(wanted))
    wanted = as_json(wanted)
    is_nan = isinstance(wanted, float) and wanted != wanted
    return any(
        (isinstance(item, float) and item != item) if is_nan else same(item, wanted)
        for item in only_list(values, "includes")
    )


def join(values: Any, separator: Any = undefined) -> str:
    between = "," if separator is undefined else text_of(separator)
    items = only_list(values, "join")
    texts = ["" if is_nothing(item) else text_of(item) for item in items]
    return glued(within_limit(between, texts))


def _applied(
    values: Any, function: Function, method: str, indexed: bool
) -> Iterator[tuple[Any, Any]]:
    for at, given in enumerate(only_list(values, method)):
        item = as_json(given)
        yield item, function(item, at) if indexed else function(item)


def only_list(values: Any, method: str) -> Any:
    values = as_json(values)
    if not is_list(values):
        raise ExpressionFailed(f"{called(values)} has no method {method!r}")
    return values
