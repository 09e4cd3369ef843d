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
_MAKER = object()


@final
class Code:
    """Python text that is safe to print. ``simple``: black never breaks it into lines."""

    __slots__ = ("simple", "text")

    def __init__(self, text: str, *, simple: bool, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("Code is made by literal, identifier or expression only")
        self.text = text
        self.simple = simple

    @classmethod
    def nothing(cls) -> Code:
        """No text at all: a parameter without a default, an empty line."""
        return cls("", simple=True, maker=_MAKER)

    @classmethod
    def page(cls, lines: list[str]) -> Code:
        """Lines that :class:`compiler.layout.Page` put together from Code and constants."""
        return cls("\n".join(lines), simple=False, maker=_MAKER)

    @classmethod
    def part(cls, text: str, *, simple: bool) -> Code:
        """A whole expression within one that was compiled; see :func:`layout.taken_apart`."""
        return cls(text, simple=simple, maker=_MAKER)

    def __repr__(self) -> str:
        return f"Code({self.text!r})"


@lru_cache(maxsize=8192)
def identifier(*names: str) -> Code:
    """A name, or several with dots between them."""
    for name in names:
        if not _IDENTIFIER.match(name) or keyword.iskeyword(name):
            raise ValueError(f"not an identifier: {name!r}")
    return Code(".".join(names), simple=True, maker=_MAKER)


def literal(value: str | int | float | bool | None) -> Code:
    """A scalar as black would leave it."""
    if isinstance(value, str):
        return Code(quoted(value), simple=True, maker=_MAKER)
    if isinstance(value, bool) or value is None:
        return Code(repr(value), simple=True, maker=_MAKER)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return Code(number(value), simple=True, maker=_MAKER)
    raise TypeError(f"no literal: {type(value).__name__}")


def expression(compiled: Expression) -> Code:
    """What the expression compiler made of a hole."""
    return Code(compiled.python, simple=False, maker=_MAKER)


def asking(name: str, compiled: Expression) -> Code:
    """An expression with one input of its own: ``lambda response: …``."""
    body = compiled.python
    return Code(f"lambda {identifier(name).text}: {body}", simple=False, maker=_MAKER)


def digest_code(digest: str) -> Code:
    """A digest as it stands in the header."""
    if not _DIGEST.match(digest):
        raise ValueError("not a digest")
    return Code(digest, simple=True, maker=_MAKER)
