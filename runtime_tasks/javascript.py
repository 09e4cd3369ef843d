"""What JavaScript's operators mean, for values whose type is not known before the run."""

from __future__ import annotations

from operator import ge, gt, le, lt
from typing import Any


def loosely_equal(left: Any, right: Any) -> bool:
    """``left == right`` for a condition's simple form: equal values, numbers across text."""
    if type(left) is type(right):
        return bool(left == right)
    try:
        return float(left) == float(right)
    except (TypeError, ValueError):
        return bool(left == right)


def order(left: Any, operator: str, right: Any) -> bool:
    """``<``, ``>``, ``<=`` and ``>=`` between two numbers or two texts."""
    if not (isinstance(left, str) and isinstance(right, str)):
        left, right = float(left), float(right)
    comparisons = {"<": lt, ">": gt, "<=": le, ">=": ge}
    return bool(comparisons[operator](left, right))
