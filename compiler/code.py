r"""The only type that a template may print.

Every character of a generated file comes from a template of ours or from one of
three makers: a literal, an identifier, a compiled expression. There is no way
from a user's text to code but through ``literal``, which escapes.

>>> literal('say "hi"\n').text
'\'say "hi"\\n\''
"""

from __future__ import annotations

import keyword
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, final

from compiler.literals import number, quoted

if TYPE_CHECKING:
    from compiler.expressions import Expression

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@final
class Code:
    """Python text that is safe to print. ``simple``: black never breaks it into lines."""

    __slots__ = ("simple", "text")
    simple: bool
    text: str

    def __init__(self) -> None:
        raise TypeError("Code is made by literal, identifier or expression only")

    @classmethod
    def nothing(cls) -> Code:
        """No text at all: a parameter without a default, an empty line."""
        return _made("", simple=True)

    @classmethod
    def page(cls, lines: list[str]) -> Code:
        """Lines that :class:`compiler.layout.Page` put together from Code and constants."""
        return _made("\n".join(lines), simple=False)

    @classmethod
    def part(cls, text: str, *, simple: bool) -> Code:
        """A whole expression within one that was compiled; see :func:`layout.taken_apart`."""
        return _made(text, simple=simple)

    def __repr__(self) -> str:
        return f"Code({self.text!r})"


def _made(text: str, *, simple: bool) -> Code:
    code = object.__new__(Code)
    code.text = text
    code.simple = simple
    return code


@lru_cache(maxsize=8192)
def identifier(*names: str) -> Code:
    """A name, or several with dots between them."""
    for name in names:
        if not _IDENTIFIER.match(name) or keyword.iskeyword(name):
            raise ValueError(f"not an identifier: {name!r}")
    return _made(".".join(names), simple=True)


def literal(value: str | int | float | bool | None) -> Code:
    """A scalar as black would leave it."""
    if isinstance(value, str):
        return _made(quoted(value), simple=True)
    if isinstance(value, bool) or value is None:
        return _made(repr(value), simple=True)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return _made(number(value), simple=True)
    raise TypeError(f"no literal: {type(value).__name__}")


def expression(compiled: Expression) -> Code:
    """What the expression compiler made of a hole."""
    return _made(compiled.python, simple=False)


def asking(name: str, compiled: Expression) -> Code:
    """An expression with one input of its own: ``lambda response: …``."""
    body = compiled.python
    return _made(f"lambda {identifier(name).text}: {body}", simple=False)


def digest_code(digest: str) -> Code:
    """A digest as it stands in the header."""
    if not _DIGEST.match(digest):
        raise ValueError("not a digest")
    return _made(digest, simple=True)
