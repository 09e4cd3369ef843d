"""Where in the file a column of a text value is.

An expression knows the column within its own string; people want line and
column of the file. For text that stands as it is on its line the sum is exact;
for escaped or folded text the text's own beginning is said.
"""

from __future__ import annotations

from compiler.tree import Tree


class SourceText:
    """The definition's text, asked only when there is a problem to place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        if self._lines is None:
            self._lines = self._text.split("\n")
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def within(self, tree: Tree, column: int) -> tuple[int, int]:
        """Line and column of the ``column``-th character (from 1) of a text value."""
        if not isinstance(tree.value, str):
            return tree.line, tree.column
        before = tree.value[: column - 1]
        if tree.style in ("|", ">"):
            return self._in_block(tree, before)
        start = tree.column - 1 + (1 if tree.style else 0)
        if self.line(tree.line)[start : start + len(before)] == before:
            return tree.line, start + column
        return tree.line, tree.column

    def _in_block(self, tree: Tree, before: str) -> tuple[int, int]:
        number = tree.line + 1 + before.count("\n")
        text = self.line(number)
        tail = before.rsplit("\n", 1)[-1]
        indent = len(text) - len(text.lstrip(" "))
        if text[indent:].startswith(tail.lstrip(" ")):
            return number, indent + len(tail.lstrip(" ")) + 1
        return tree.line, tree.column
