"""Text with holes → an f-string where every hole prints the same in Python, else ``js.text``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from compiler.expressions import tree
from compiler.expressions.pieces import ATOM, Piece, literal
from compiler.expressions.types import Number, Text, Type
from compiler.literals import escaped, quote_for

if TYPE_CHECKING:
    from compiler.expressions.python import Emitter

_SAFE_IN_HOLE: Final = re.compile(r"[\w.(), ]+")
"""No quotes, backslashes or braces: f-strings before Python 3.12 take none."""


def text_of_parts(emitter: Emitter, parts: Sequence[tree.Node]) -> Piece:
    """``String()`` of each part, joined."""
    pieces = [(emitter.value(part), emitter.types[part]) for part in parts]
    constants = [isinstance(part, tree.Constant) and isinstance(part.value, str) for part in parts]
    if all(constants):
        return literal(
            "".join(str(part.value) for part in parts if isinstance(part, tree.Constant))
        )
    written: list[str] = []
    # Black's rule; and what the text holds must not decide what the code looks like.
    said = "".join(str(p.value) for p in parts if isinstance(p, tree.Constant))
    quote = quote_for(said)
    for part, (piece, kind), constant in zip(parts, pieces, constants, strict=True):
        if constant and isinstance(part, tree.Constant):
            text = escaped(str(part.value), quote)
            written.append(text.replace("{", "{{").replace("}", "}}"))
            continue
        code = piece.code if prints_alike(kind) else f"js.text({piece.code})"
        if piece.level < ATOM or not _SAFE_IN_HOLE.fullmatch(code):
            return js_text([piece for piece, _ in pieces])
        written.append(f"{{{code}}}")
    return Piece(f"f{quote}{''.join(written)}{quote}")


def js_text(pieces: Sequence[Piece]) -> Piece:
    return Piece(f"js.text({', '.join(piece.code for piece in pieces)})")


def prints_alike(kind: Type) -> bool:
    """Whether Python's ``str`` of such a value is JavaScript's ``String``."""
    return kind == Text() or (isinstance(kind, Number) and kind.whole)
