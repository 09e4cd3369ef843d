"""Arithmetic on doubles: nothing overflows, nothing divides by zero, text joins under ``+``."""

from __future__ import annotations

import builtins
import math
from typing import Any

from runtime_tasks.javascript.numbers import number, tidy
from runtime_tasks.javascript.texts import glued, text_of
from runtime_tasks.javascript.values import as_json, is_object


def add(left: Any, right: Any) -> Any:
    left, right = as_json(left), as_json(right)
    left = text_of(left) if is_object(left) else left
    right = text_of(right) if is_object(right) else right
    if isinstance(left, str) or isinstance(right, str):
        return glued(text_of(left) + text_of(right))
    return tidy(number(left) + number(right))


def subtract(left: Any, right: Any) -> int | float:
    return tidy(number(left) - number(right))


def multiply(left: Any, right: Any) -> int | float:
    return tidy(number(left) * number(right))


def divide(left: Any, right: Any) -> int | float:
    dividend, divisor = number(left), number(right)
    if divisor:
        return tidy(dividend / divisor)
    if math.isnan(divisor) or math.isnan(dividend) or dividend == 0:
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def remainder(left: Any, right: Any) -> int | float:
    """``left % right``: the sign is the dividend's, where Python's is the divisor's."""
    dividend, divisor = number(left), number(right)
    if math.isnan(dividend) or math.isnan(divisor) or math.isinf(dividend) or divisor == 0:
        return math.nan
    return tidy(math.fmod(dividend, divisor))


def power(left: Any, right: Any) -> int | float:
    """``left ** right``; the last digit of a fraction is the machine's, as in JavaScript."""
    base, exponent = number(left), number(right)
    if math.isnan(exponent) or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan  # where Python follows IEEE 754 and says 1
    odd = exponent.is_integer() and exponent % 2 == 1
    try:
        return tidy(math.pow(base, exponent))
    except OverflowError:
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:  # 0 to a negative power, or a negative number to a fraction
        if base != 0:
            return math.nan
        return math.copysign(math.inf, base) if odd else math.inf


def negate(value: Any) -> int | float:
    return tidy(-number(value))


def minimum(*values: Any) -> int | float:
    """``Math.min``: NaN if any is NaN, Infinity if there is none, -0 below 0."""
    numbers = [number(value) for value in values]
    if any(math.isnan(value) for value in numbers):
        return math.nan
    least = builtins.min(numbers, default=math.inf)
    return -0.0 if least == 0 and any(_is_minus_zero(value) for value in numbers) else tidy(least)


def maximum(*values: Any) -> int | float:
    """``Math.max``: NaN if any is NaN, -Infinity if there is none, 0 above -0."""
    numbers = [number(value) for value in values]
    if any(math.isnan(value) for value in numbers):
        return math.nan
    most = builtins.max(numbers, default=-math.inf)
    if most == 0:
        zeros = [value for value in numbers if value == 0]
        return -0.0 if all(_is_minus_zero(value) for value in zeros) else 0
    return tidy(most)


def _is_minus_zero(value: float) -> bool:
    return value == 0 and math.copysign(1, value) < 0


def round(value: Any) -> int | float:  # noqa: A001 - js.round is what people look for
    """``Math.round``: halves go up, so -2.5 is -2; what rounds to 0 from below is -0."""
    given = number(value)
    if not math.isfinite(given) or given.is_integer():
        return tidy(given)
    whole = math.floor(given)
    nearest = whole + 1 if given - whole >= 0.5 else whole
    return tidy(math.copysign(float(nearest), given))


def floor(value: Any) -> int | float:
    given = number(value)
    if not math.isfinite(given) or given == 0:
        return tidy(given)
    return tidy(float(math.floor(given)))


def ceil(value: Any) -> int | float:
    given = number(value)
    if not math.isfinite(given) or given == 0:
        return tidy(given)
    return tidy(math.copysign(float(math.ceil(given)), given))
