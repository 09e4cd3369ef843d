"""Python values and calls over several lines, as black leaves them.

Running black costs nine tenths of a compilation, so text is written in a form
that black does not touch: on one line where it fits, else every bracket opened
with one item a line and a comma behind the last. Only an expression that is too
long for its line is given to black itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from compiler.code import Code, identifier, literal
from compiler.syntax import parse_expression
from compiler.tree import Tree

WIDTH = 88
MOST = 4 * WIDTH
"""Characters of a line that is surely too long."""


class Bracket(NamedTuple):
    """``before(``, items, ``)``. An item's name is ``key=`` or ``"key": ``."""

    opening: str
    items: tuple[tuple[str, Code | Bracket], ...]
    closing: str
    text: str | None = None
    """All of it on one line; None where it must not stand there or is too long for any."""


Value = Code | Bracket


_bracket = tuple.__new__
"""What ``Bracket(…)`` comes to, without the calls between; a file has thousands of brackets."""


def bracket(
    opening: str, items: Sequence[tuple[str, Value]], closing: str, *, exploded: bool = False
) -> Bracket:
    """``exploded``: over several lines even where one would do; diffs then show one argument."""
    text = None
    if not (exploded and items):
        parts = [name + item.text for name, item in items if item.text is not None]
        if len(parts) == len(items):
            text = f"{opening}{', '.join(parts)}{closing}"
            text = text if len(text) < MOST else None
    return _bracket(Bracket, (opening, tuple(items), closing, text))


def call(function: Code, items: Iterable[tuple[str, Value]]) -> Bracket:
    """A call; each item is a keyword (empty for a positional argument) and its value."""
    named = [(_keyword(name) if name else "", value) for name, value in items]
    return bracket(f"{function.text}(", named, ")")


def applied(helper: str, *arguments: Value) -> Bracket:
    """A call of a helper of ours, with arguments in their order and no keywords."""
    return bracket(f"{helper}(", [("", value) for value in arguments], ")")


@lru_cache(maxsize=1024)
def _keyword(name: str) -> str:
    return f"{identifier(name).text}="


def listing(items: Iterable[Value]) -> Bracket:
    return bracket("[", [("", item) for item in items], "]")


def mapping(items: Iterable[tuple[str, Value]]) -> Bracket:
    named = [(f"{literal(key).text}: ", value) for key, value in items]
    return bracket("{", named, "}")


def value_of(tree: Tree) -> Value:
    """A JSON value as Python, its texts taken as they stand."""
    if tree.kind == "list":
        return listing(value_of(item) for item in tree.items)
    if tree.kind == "mapping":
        return mapping((key, value_of(value)) for key, value in tree.entries.items())
    return literal(tree.value)


class Page:
    """Lines of Python. ``too_long`` when an expression did not fit and black must help."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.too_long = False

    def put(self, value: Value, indent: int, before: str = "", after: str = "") -> Page:
        if isinstance(value, Code):
            line = before + value.text + after
            if value.simple or indent + width(line) <= WIDTH:
                self._line(indent, line)
                return self
            parts = taken_apart(value)
            if isinstance(parts, Code):
                self._line(indent, line, simple=parts.simple)
                return self
            value = parts
        if value.text is not None:
            line = f"{before}{value.text}{after}"
            if width(line) + indent <= WIDTH:
                self._line(indent, line)
                return self
        if not value.items:
            self._line(indent, f"{before}{value.opening}{value.closing}{after}")
            return self
        self._line(indent, before + value.opening)
        margin = " " * (indent + 4)
        for name, item in value.items:
            if isinstance(item, Code) and item.simple:
                self.lines.append(f"{margin}{name}{item.text},")
            else:
                self.put(item, indent + 4, name, ",")
        self._line(indent, value.closing + after)
        return self

    def code(self, first_indent: int = 0) -> Code:
        """All lines as one piece; the template has written ``first_indent`` spaces already."""
        text = "\n".join(self.lines)
        if self.too_long:
            text = _by_black(text)
        return Code.page([text[first_indent:]])

    def _line(self, indent: int, text: str, *, simple: bool = True) -> None:
        if not simple and indent + width(text) > WIDTH:
            self.too_long = True
        self.lines.append(" " * indent + text)


def taken_apart(code: Code) -> Value:
    """A long expression as a call or list with items, if it is one; the rest is for black."""
    body = parse_expression(code.text)
    data = code.text.encode()  # offsets in a syntax tree count bytes

    def text(start: int, end: int) -> str:
        return data[start:end].decode()

    def value(node: ast.expr) -> Value:
        end = node.end_col_offset or 0
        simple = isinstance(node, ast.Constant | ast.Name | ast.JoinedStr)
        if isinstance(node, ast.Call) and node.args and not node.keywords:
            unusual = any(isinstance(a, ast.GeneratorExp | ast.Starred) for a in node.args)
            if not unusual and _dotted(node.func):
                opening = text(node.col_offset, node.func.end_col_offset or 0) + "("
                return bracket(opening, [("", value(a)) for a in node.args], ")")
        if isinstance(node, ast.List) and node.elts:
            return bracket("[", [("", value(item)) for item in node.elts], "]")
        return Code.part(text(node.col_offset, end), simple=simple or _dotted(node))

    return value(body)


def _dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def width(text: str) -> int:
    """At least as wide as black thinks: beyond ASCII a character may take two columns."""
    if text.isascii():
        return len(text)
    return sum(1 if character.isascii() else 2 for character in text)


def signature(name: Code, parameters: Sequence[str]) -> Bracket:
    """``def name(a, b)``; parameters are checked identifiers."""
    return bracket(f"def {name.text}(", [("", identifier(one)) for one in parameters], ")")


def _by_black(function: str) -> str:
    """A function in which an expression is too long for its line, broken by black itself."""
    import black
    from black.mode import TargetVersion

    mode = black.Mode(target_versions={TargetVersion.PY311}, line_length=WIDTH)
    return black.format_str(function, mode=mode).rstrip("\n")
