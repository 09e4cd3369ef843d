"""Truth, and the operators that evaluate their right side only if they need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runtime_tasks.javascript.values import is_nothing, is_object


def truthy(value: Any) -> bool:
    """Whether a condition holds: "", 0, NaN, null and undefined do not; [] and {} do."""
    if is_object(value):
        return True
    return bool(value) and value == value  # NaN alone differs from itself


def both(left: Any, right: Callable[[], Any]) -> Any:
    """``left && right``: an operand, not a boolean."""
    return right() if truthy(left) else left


def either(left: Any, right: Callable[[], Any]) -> Any:
    """``left || right``: an operand, not a boolean."""
    return left if truthy(left) else right()


def default(left: Any, right: Callable[[], Any]) -> Any:
    """``left ?? right``."""
    return right() if is_nothing(left) else left
