"""Pieces of Python, put together with no more parentheses than Python needs.

Everything printed here is black-stable on one line; the only texts that come from users
pass through :mod:`compiler.literals`.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from compiler.literals import number, quoted

LAMBDA, TERNARY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(10)
"""How strongly a piece holds together."""

_OPPOSITES: Final = {"==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in"}
_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


class Piece(NamedTuple):
    code: str
    level: int = ATOM
    path: tuple[Piece, tuple[str, ...]] | None = None
    """What ``js.get(base, *keys)`` was made of, so that one more key can join."""
    guard: tuple[Piece, Piece] | None = None
    """Of ``then if test else js.undefined``: the test and the then."""
    opposite: Piece | None = None
    """The code that is true when this is false: ``a not in b``."""

    def at(self, level: int) -> str:
        """The code, in parentheses if it holds together less than asked."""
        return self.code if self.level >= level else f"({self.code})"

    @property
    def is_dotted(self) -> bool:
        """A name or a chain of attributes: cheap and harmless to write twice."""
        return self.level == ATOM and _DOTTED.fullmatch(self.code) is not None


def call(function: str, *arguments: Piece) -> Piece:
    return Piece(f"{function}({', '.join(argument.code for argument in arguments)})")


def lazily(piece: Piece) -> Piece:
    return Piece(f"lambda: {piece.code}", LAMBDA)


def get(base: Piece, *keys: Piece) -> Piece:
    """``js.get(base, key, …)``, joining the keys of a ``js.get`` inside."""
    written = tuple(key.code for key in keys)
    if base.path is not None:
        base, before = base.path
        written = (*before, *written)
    code = f"js.get({', '.join((base.code, *written))})"
    return Piece(code, path=(base, written))


def compare(left: Piece, operator: str, right: Piece) -> Piece:
    """Comparisons do not chain in JavaScript, so both sides hold together more."""
    ours, theirs = left.at(SUM), right.at(SUM)
    code = f"{ours} {operator} {theirs}"
    if operator not in _OPPOSITES:
        return Piece(code, COMPARISON)
    opposite = Piece(f"{ours} {_OPPOSITES[operator]} {theirs}", COMPARISON)
    return Piece(code, COMPARISON, opposite=opposite)


def negation(piece: Piece) -> Piece:
    if piece.opposite is not None:
        return piece.opposite._replace(opposite=piece._replace(opposite=None))
    return Piece(f"not {piece.at(NOT)}", NOT)


def joined(left: Piece, word: str, right: Piece) -> Piece:
    """``left and right``, ``left or right``."""
    level = AND if word == "and" else OR
    return Piece(f"{left.at(level)} {word} {right.at(level + 1)}", level)


def choice(test: Piece, then: Piece, otherwise: Piece) -> Piece:
    code = f"{then.at(OR)} if {test.at(OR)} else {otherwise.at(OR)}"
    return Piece(code, TERNARY)


def guarded(test: Piece, then: Piece) -> Piece:
    return choice(test, then, Piece("js.undefined"))._replace(guard=(test, then))


def literal(value: bool | int | float | str | None) -> Piece:
    """A constant, with quotes by black's rule and everything invisible escaped."""
    if isinstance(value, str):
        return Piece(quoted(value))
    if isinstance(value, float):
        if math.isnan(value):
            return Piece('float("nan")')
        if math.isinf(value):
            return Piece('float("inf")')
    return Piece(repr(value) if isinstance(value, bool) or value is None else number(value))
