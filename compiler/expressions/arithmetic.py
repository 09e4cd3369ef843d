"""The types of arithmetic. Bounds are followed, so that ``len(x) + 1`` may stay Python's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from compiler.expressions.types import (
    NUMBER,
    SAFE,
    WILD_STRING,
    Boolean,
    Null,
    Number,
    Text,
    Type,
    Undefined,
    members_of,
    one_of,
    only,
)


def of_constant(value: int | float) -> Number:
    if math.isfinite(value) and value == int(value) and abs(value) <= SAFE:
        return Number(int(value), int(value), whole=True)
    return NUMBER


def is_whole(kind: Type) -> bool:
    """Whether it is surely a Python int that a double holds exactly."""
    return isinstance(kind, Number) and kind.whole


def of_two(operator: str, left: Type, right: Type) -> Type:
    if operator == "+" and not (_adds_up(left) and _adds_up(right)):
        return WILD_STRING if only(left, Text) or only(right, Text) else one_of(NUMBER, WILD_STRING)
    if isinstance(left, Number) and isinstance(right, Number) and left.whole and right.whole:
        return _bounded(operator, left, right)
    return NUMBER


def _adds_up(kind: Type) -> bool:
    return all(
        isinstance(member, Number | Boolean | Null | Undefined) for member in members_of(kind)
    )


def _bounded(operator: str, left: Number, right: Number) -> Number:
    corners: list[float] = []
    for one, other in product((left.low, left.high), (right.low, right.high)):
        match operator:
            case "+":
                corners.append(one + other)
            case "-":
                corners.append(one - other)
            case "*" if left.low >= 0 and right.low >= 0:  # 0 * -1 would be -0
                corners.append(one * other)
            case "%" if left.low >= 0 and right.low > 0:
                corners.extend((0, min(left.high, right.high)))
            case _:
                return NUMBER
    low, high = min(corners), max(corners)
    return Number(low, high, whole=True) if low >= -SAFE and high <= SAFE else NUMBER


def signed(operator: str, kind: Type) -> Number:
    if isinstance(kind, Number) and kind.whole:
        if operator == "+":
            return kind
        if kind.low > 0 or kind.high < 0:  # the negative of 0 is -0, which no int is
            return Number(-kind.high, -kind.low, whole=True)
    return NUMBER


def of_math(function: str, kinds: Sequence[Type]) -> Number:
    numbers = [kind for kind in kinds if isinstance(kind, Number) and kind.whole]
    if not numbers or len(numbers) < len(kinds):
        return NUMBER
    choose = min if function == "min" else max
    if function in ("min", "max"):
        low = choose(number.low for number in numbers)
        return Number(low, choose(number.high for number in numbers), whole=True)
    return numbers[0]
