r"""Expressions that are plain enough to be read without Python's parser, which takes its time.

Most of what the compiler writes is a literal, a name with members, a call of those, a comparison
of two, or a text with names in its holes. Whatever looks otherwise is left to the parser.

>>> sorted(plain_names("len(discover_1.migrations) > 0"))
['discover_1', 'len']
>>> sorted(plain_names('f"Step {{5}} of {targetEnv}: {js.text(x.output)}"'))
['js', 'targetEnv', 'x']
>>> plain_names("[m.name for m in found]") is None
True
"""

from __future__ import annotations

import re

_ESCAPE = r"\\[\\QUOTEnrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}"


def _in_quotes(before: str, plain: str, *inner: str) -> str:
    """No text ends before its last quote: a quote of its kind, a backslash and a line end stand in
    it escaped only. ``plain`` characters are taken many at a time."""
    other = "|".join((*inner, _ESCAPE))
    pattern = f"{before}QUOTE{plain}*(?:(?:{other}){plain}*)*QUOTE"
    return "|".join(pattern.replace("QUOTE", quote) for quote in "\"'")


TEXT = _in_quotes("", r"[^QUOTE\\\n]")
NAME = "[A-Za-z_][A-Za-z0-9_]*"
MEMBERS = r"(?:\.[A-Za-z][A-Za-z0-9_]*)*"
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?"

_ATOM = re.compile(rf"{TEXT}|{NUMBER}|\b(?!(?:is|in|not)\b)({NAME}){MEMBERS}")
_OPERAND = r"a(?:\((?:a(?:, a)*)?\))?"
_PLAIN = re.compile(f"{_OPERAND}(?: (?:[=!]=|[<>]=?|is not|is|not in|in) {_OPERAND})?")
"""Every literal and every name with its members is an ``a``."""
_HOLE = rf"\{{({NAME}){MEMBERS}(?:\(({NAME}){MEMBERS}\))?\}}"
_HOLES = re.compile(rf"\{{\{{|\}}\}}|{_HOLE}")
_FORMATTED = re.compile(_in_quotes("f", r"[^QUOTE\\\n{}]", r"\{\{|\}\}", _HOLE))
_CONSTANTS = frozenset(("", "None", "True", "False"))


def plain_names(expression: str) -> frozenset[str] | None:
    """The names that one plain expression speaks of; None where it is not plain.

    It may stand between commas as it is: it holds no comment, no line end and no comma of its own.
    """
    if expression.startswith(('f"', "f'")):
        if _FORMATTED.fullmatch(expression) is None:
            return None
        found = {name for pair in _HOLES.findall(expression) for name in pair}
        return frozenset(found - _CONSTANTS)
    if _PLAIN.fullmatch(_ATOM.sub("a", expression)) is None:
        return None
    return frozenset(_ATOM.findall(expression)) - _CONSTANTS
