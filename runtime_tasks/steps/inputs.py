"""Values that only the run knows, made to fit what a step takes, or refused.

The compiler has seen to the types that it knows. What comes from a webhook's body or an HTTP
response may be anything::

    fitting(hints, defaults, {"message": 3})         # {"message": "3"}: what people see of it
    fitting(hints, defaults, {"channel": None})      # {}: null is left out where that may be
    fitting(hints, defaults, {"approvers": "ann"})   # StepConfigError: takes a list
    fitting(hints, defaults, {"migrations": None})   # StepConfigError: null is not "all of them"
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from runtime_tasks.errors import StepConfigError
from runtime_tasks.output import camel_case
from runtime_tasks.secrets import Secret
from runtime_tasks.steps.marks import never_null

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_SEEN = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list"}


class _Wrong(Exception):
    """The value does not fit; the text says what would."""


def fitting(
    hints: Mapping[str, Any], defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a step, by its parameters' names. Raises StepConfigError.

    No message repeats a value: it may be long, or not for everybody's eyes.
    """
    fitted: dict[str, Any] = {}
    for name, value in given.items():
        if value is None and name in defaults:
            refusal = never_null(hints.get(name))
            if refusal is not None:
                raise StepConfigError(f"'{camel_case(name)}' is null: {refusal.instead}")
            continue
        try:
            fitted[name] = _fit(hints.get(name, Any), value)
        except _Wrong as wrong:
            seen = "null" if value is None else _SEEN.get(type(value), "an object")
            raise StepConfigError(
                f"'{camel_case(name)}' takes {wrong}, and this is {seen}"
            ) from None
    return fitted


def _fit(annotation: Any, value: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _fit(arguments[0], value)
    if origin in (Union, types.UnionType):
        return _fit_one(arguments, value)
    if annotation in _WORDS:
        return _scalar(annotation, value)
    if annotation is Secret and not isinstance(value, Secret):
        raise _Wrong("a secret")
    if annotation is type(None) and value is not None:
        raise _Wrong("null")
    if origin is Literal and value not in arguments:
        raise _Wrong(f"one of {', '.join(map(str, arguments))}")
    if origin is list:
        if not isinstance(value, list | tuple):
            raise _Wrong("a list")
        return [_inner(arguments[0], item) for item in value]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _Wrong("a mapping")
        return {key: _inner(arguments[1], item) for key, item in value.items()}
    return value


def _fit_one(annotations: tuple[Any, ...], value: Any) -> Any:
    wanted: list[str] = []
    for annotation in annotations:
        try:
            return _fit(annotation, value)
        except _Wrong as wrong:
            wanted.append(str(wrong))
    raise _Wrong(" or ".join(wanted))


def _inner(annotation: Any, value: Any) -> Any:
    try:
        return _fit(annotation, value)
    except _Wrong as wrong:
        raise _Wrong(f"{wrong} for each of its values") from None


def _scalar(wanted: type, value: Any) -> Any:
    kind = type(value)
    if kind is wanted or (wanted is float and kind is int):
        return value
    if wanted is int and kind is float and value.is_integer():
        return int(value)
    if wanted is str and kind in (bool, int, float):
        from runtime_tasks.javascript import text

        return text(value)
    if isinstance(value, wanted) and kind is not bool:
        return value
    raise _Wrong(_WORDS[wanted])
