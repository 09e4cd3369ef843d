"""The types of method calls."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.expressions.types import (
    BOOLEAN,
    STRING,
    UNDEFINED,
    UNKNOWN,
    WILD_STRING,
    List,
    Text,
    Type,
    Unknown,
    members_of,
    one_of,
)

OF_TEXT = frozenset(
    ["includes", "startsWith", "endsWith", "toLowerCase", "toUpperCase", "trim", "split", "slice"]
)
OF_LISTS = frozenset(["includes", "join", "slice", "filter", "map", "some", "every", "find"])


def type_of_call(method: str, target: Type, arguments: Sequence[Type]) -> Type | None:
    """What ``target.method(…)`` gives; None if no such value has the method.

    The argument's type of an arrow is the type of its body.
    """
    results: list[Type] = []
    for member in members_of(target):
        match member:
            case Unknown():
                return _of_unknown(method, arguments)
            case Text() if method in OF_TEXT:
                results.append(_of_text(method, member, arguments))
            case List() if method in OF_LISTS:
                results.append(_of_list(method, member, arguments))
    return one_of(*results) if results else None


def _of_text(method: str, target: Text, arguments: Sequence[Type]) -> Type:
    tame = not target.wild and all(argument == STRING for argument in arguments)
    match method:
        case "includes" | "startsWith" | "endsWith":
            return BOOLEAN
        case "split":
            return List(STRING if tame else WILD_STRING)
        case "slice":
            return WILD_STRING
        case _:
            return target


def _of_list(method: str, target: List, arguments: Sequence[Type]) -> Type:
    match method:
        case "includes" | "some" | "every":
            return BOOLEAN
        case "join":
            return WILD_STRING
        case "map":
            return List(arguments[0])
        case "find":
            return one_of(target.item, UNDEFINED)
        case _:
            return target


def _of_unknown(method: str, arguments: Sequence[Type]) -> Type:
    match method:
        case "includes" | "some" | "every" | "startsWith" | "endsWith":
            return BOOLEAN
        case "join" | "trim" | "toLowerCase" | "toUpperCase":
            return WILD_STRING
        case "split":
            return List(WILD_STRING)
        case "map":
            return List(arguments[0])
        case "filter":
            return List(UNKNOWN)
        case _:
            return UNKNOWN
