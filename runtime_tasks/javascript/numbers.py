"""JavaScript's numbers: every one a double, read from text and written as text its way."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from runtime_tasks.javascript.values import is_number, undefined

SAFE: Final = 2**53
"""Up to here whole numbers are exact as doubles."""

WHITE_SPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What ``trim`` takes away: ECMA-262 WhiteSpace and LineTerminator; Python's set differs."""

_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_OTHER_BASE = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def tidy(value: float) -> int | float:
    """Whole numbers as ``int``, so that 1 + 2 is 3 for Python readers too; -0 stays a float."""
    if value.is_integer() and abs(value) <= SAFE and (value or math.copysign(1, value) > 0):
        return int(value)
    return value


def double(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def plus(value: Any) -> int | float:
    """``+value``."""
    return tidy(number(value))


def number(value: Any) -> float:
    """``Number(value)``, which every arithmetic operator applies to its operands."""
    if is_number(value):
        return double(value)
    if value is None or value is False:
        return 0.0
    if value is True:
        return 1.0
    if value is undefined:
        return math.nan
    if isinstance(value, str):
        return number_in(value)
    from runtime_tasks.javascript.texts import text_of

    return number_in(text_of(value))


def number_in(text: str) -> float:
    """The number that a text spells, NaN if none, 0 if it is blank."""
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0.0
    if _OTHER_BASE.fullmatch(text):
        return double(int(text, 0))
    if _DECIMAL.fullmatch(text):
        return float(text)
    return math.nan


def numeral(value: int | float) -> str:
    """``String(value)``: 3.0 is "3", 1e21 is "1e+21", 0.000001 stays, 1e-7 does not."""
    value = double(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if value < 0:
        return "-" + numeral(-value)
    if value.is_integer() and value < SAFE:
        return str(int(value))
    # Python's repr and JavaScript agree on the shortest digits, not on how to set them.
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    sign = "+" if point > 0 else "-"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{sign}{abs(point - 1)}"
