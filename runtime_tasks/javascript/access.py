"""Members: ``a.b``, ``a[i]``, ``a?.b`` and ``.length``.

Only data can be reached. Names that lead to JavaScript's or Python's machinery are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from runtime_tasks.errors import ExpressionFailed
from runtime_tasks.javascript.texts import text_of, unit_length, unit_slice
from runtime_tasks.javascript.values import (
    as_json,
    called,
    is_list,
    is_nothing,
    is_number,
    own_member,
    plain,
    undefined,
)

MACHINERY: Final = frozenset(
    [
        "__proto__",
        "constructor",
        "prototype",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    ]
)
"""What every JavaScript object inherits."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,15}")
_LIST_METHODS = frozenset(
    [
        "at",
        "concat",
        "copyWithin",
        "entries",
        "every",
        "fill",
        "filter",
        "find",
        "findIndex",
        "findLast",
        "findLastIndex",
        "flat",
        "flatMap",
        "forEach",
        "includes",
        "indexOf",
        "join",
        "keys",
        "lastIndexOf",
        "map",
        "pop",
        "push",
        "reduce",
        "reduceRight",
        "reverse",
        "shift",
        "slice",
        "some",
        "sort",
        "splice",
        "toReversed",
        "toSorted",
        "toSpliced",
        "unshift",
        "values",
        "with",
    ]
)
_TEXT_METHODS = frozenset(
    [
        "anchor",
        "at",
        "big",
        "blink",
        "bold",
        "charAt",
        "charCodeAt",
        "codePointAt",
        "concat",
        "endsWith",
        "fixed",
        "fontcolor",
        "fontsize",
        "includes",
        "indexOf",
        "isWellFormed",
        "italics",
        "lastIndexOf",
        "link",
        "localeCompare",
        "match",
        "matchAll",
        "normalize",
        "padEnd",
        "padStart",
        "repeat",
        "replace",
        "replaceAll",
        "search",
        "slice",
        "small",
        "split",
        "startsWith",
        "strike",
        "sub",
        "substr",
        "substring",
        "sup",
        "toLocaleLowerCase",
        "toLocaleUpperCase",
        "toLowerCase",
        "toUpperCase",
        "toWellFormed",
        "trim",
        "trimEnd",
        "trimLeft",
        "trimRight",
        "trimStart",
    ]
)
_NUMBER_METHODS = frozenset(["toExponential", "toFixed", "toPrecision"])


def get(value: Any, *path: Any) -> Any:
    """The member of a member …: ``get(trigger, "body", "commits", 0)``.

    What is not there is undefined; a member of null or undefined raises.
    """
    for key in path:
        value = _member(value, key)
    return value


def value(value: Any, *path: Any) -> Any:
    """``get`` for a value that a step receives: None if it is not there."""
    return plain(get(value, *path))


def maybe(value: Any, *path: Any) -> Any:
    """``value?.a.b``: undefined if the value is null or undefined, else ``get``."""
    return undefined if is_nothing(value) else get(value, *path)


def chain(value: Any, rest: Callable[[Any], Any]) -> Any:
    """``value?.`` and whatever follows in the same chain."""
    return undefined if is_nothing(value) else rest(value)


def length(value: Any) -> int:
    """``.length`` of a text, in 16-bit units, or of a list."""
    return unit_length(value) if isinstance(value, str) else len(value)


def _member(value: Any, key: Any) -> Any:
    value = as_json(value)
    if is_nothing(value):
        raise ExpressionFailed(f"{called(value)} has no member {_shown(key)}")
    name = key if isinstance(key, str) else text_of(key)
    if name in MACHINERY:
        raise ExpressionFailed(f"the member {name!r} cannot be used in expressions")
    if isinstance(value, str):
        return _member_of_text(value, name)
    if is_list(value):
        return _member_of_list(value, name)
    if isinstance(value, bool):
        return undefined
    if is_number(value):
        return _no_method(value, name, _NUMBER_METHODS)
    return own_member(value, name)


def _member_of_text(value: str, name: str) -> Any:
    if name == "length":
        return unit_length(value)
    if _INDEX.fullmatch(name):
        at = int(name)
        return unit_slice(value, at, at + 1) if at < unit_length(value) else undefined
    return _no_method(value, name, _TEXT_METHODS)


def _member_of_list(value: Any, name: str) -> Any:
    if name == "length":
        return len(value)
    if _INDEX.fullmatch(name):
        at = int(name)
        return as_json(value[at]) if at < len(value) else undefined
    return _no_method(value, name, _LIST_METHODS)


def _no_method(value: Any, name: str, methods: frozenset[str]) -> Any:
    if name in methods:
        raise ExpressionFailed(f"{called(value)} has {name!r} only as a method to call")
    return undefined


def _shown(key: Any) -> str:
    name = key if isinstance(key, str) else text_of(key)
    return repr(name if len(name) <= 60 else name[:57] + "…")
