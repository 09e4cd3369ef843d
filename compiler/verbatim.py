r"""Whether a piece of the finished source is word for word what was planned.

Syntax trees are slow to make. Most of a file can be looked at without: if a piece, its lines
joined, equals what the plan says on one line, and each leaf of the plan is one token or an
expression that was parsed, then the piece means what was planned. What differs is no fault yet
(black may have broken a long line): the gate then looks at the tree.

>>> on_one_line('    return steps.wait(\n        seconds=5,\n    )')
'    return steps.wait(seconds=5)'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from compiler.code import Code
from compiler.layout import Value
from compiler.plain import MEMBERS, NAME, NUMBER, TEXT

_ATOM = re.compile(f"{TEXT}|({NAME}){MEMBERS}|{NUMBER}")
"""One literal or one dotted name."""
_CALLED = re.compile(rf"({NAME}){MEMBERS}\(")
_NAMED = re.compile(r'[A-Za-z_][A-Za-z0-9_]*=|"(?:[^"\\\n]|\\.)*": ' + r"|'(?:[^'\\\n]|\\.)*': ")
_CONSTANTS = frozenset(("None", "True", "False"))
_ENDINGS = tuple(
    (re.compile(ending + r"\n *" + behind), joined)
    for ending, behind, joined in (
        *((re.escape(opening), "", opening) for opening in "([{"),
        (",", r"(?=[)\]}])", ""),
        (",", "", ", "),
    )
)
"""Ends of lines within a bracket: where it opens, where it closes, and between its items."""

Names = Callable[[str], frozenset[str]]


class NotVerbatim(Exception):
    """What the plan takes for one literal or name is none, or more."""


def written(value: Value, names: set[str], names_in: Names) -> str:
    """The plan's text on one line; adds the names that it uses to ``names``.

    ``names_in`` parses an expression and gives its free names. Raises NotVerbatim.
    """
    if isinstance(value, Code):
        text = value.text
        name = _name_of(text)
        if name is None:
            if value.simple:
                raise NotVerbatim
            names |= names_in(text)
        elif name:
            names.add(name)
        return text
    opening = value.opening
    if opening not in "[{":
        called = _called(opening)
        if called is None:
            raise NotVerbatim
        names.add(called)
    items = []
    for name, item in value.items:
        if name and not _is_name(name):
            raise NotVerbatim
        items.append(name + written(item, names, names_in))
    return f"{opening}{', '.join(items)}{value.closing}"


@lru_cache(maxsize=4096)
def _name_of(text: str) -> str | None:
    """The name that a dotted name begins with, empty for a literal; None for anything else."""
    atom = _ATOM.fullmatch(text)
    if atom is None:
        return None
    return "" if atom[1] is None or atom[1] in _CONSTANTS else atom[1]


@lru_cache(maxsize=1024)
def _called(opening: str) -> str | None:
    """The name that a call begins with; None where something else is opened."""
    called = _CALLED.fullmatch(opening)
    return called and called[1]


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    """Whether it is a keyword or a mapping's key, and nothing more."""
    return _NAMED.fullmatch(name) is not None


def on_one_line(lines: str) -> str:
    """Statements with each bracket's lines joined; where a statement begins its indent stays."""
    for ending, joined in _ENDINGS:
        lines = ending.sub(joined, lines)
    return lines
