"""``===``, ``==`` and the four orders."""

from __future__ import annotations

from operator import ge, gt, le, lt
from typing import Any, Final, Literal

from runtime_tasks.javascript.numbers import double, number
from runtime_tasks.javascript.texts import text_of, to_units
from runtime_tasks.javascript.values import as_json, is_nothing, is_number, is_object

_ORDERS: Final[dict[str, Any]] = {"<": lt, ">": gt, "<=": le, ">=": ge}


def same(left: Any, right: Any) -> bool:
    """``left === right``: same type, same value; lists and objects only if they are one thing."""
    if left is right:
        return left == left if isinstance(left, float) else True
    left, right = as_json(left), as_json(right)
    if is_number(left) and is_number(right):
        return double(left) == double(right)
    if isinstance(left, str) and isinstance(right, str):
        return str(left) == str(right)
    return False


def loosely_equal(left: Any, right: Any) -> bool:
    """``left == right``: null and undefined are alike, numbers and texts that spell them too."""
    left, right = as_json(left), as_json(right)
    if is_nothing(left) or is_nothing(right):
        return is_nothing(left) and is_nothing(right)
    if is_object(left) and is_object(right):
        return left is right
    if is_object(left) and not isinstance(right, bool):
        left = text_of(left)
    elif is_object(right) and not isinstance(left, bool):
        right = text_of(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return number(left) == number(right)


def order(left: Any, operator: Literal["<", ">", "<=", ">="] | str, right: Any) -> bool:
    """``left < right`` and the like: texts by their 16-bit units, all else as numbers."""
    left, right = as_json(left), as_json(right)
    left = text_of(left) if is_object(left) else left
    right = text_of(right) if is_object(right) else right
    compare = _ORDERS[operator]
    if isinstance(left, str) and isinstance(right, str):
        if left.isascii() or right.isascii():
            return bool(compare(left, right))
        return bool(compare(to_units(left), to_units(right)))
    return bool(compare(number(left), number(right)))
