"""What is wrong with a definition, all of it at once, each with its place.

::

    CompilerError
    ├── DefinitionError    .problems: every Problem found
    └── ExpressionError    .column: where in the expression
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """One thing to mend. Lines and columns count from 1; column in characters."""

    code: str
    message: str
    line: int | None = None
    column: int | None = None
    node: str | None = None
    field: str | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"
    path: tuple[str, ...] = ()
    """Node ids of a counter-example: a way through the graph that shows the problem."""


class CompilerError(Exception):
    pass


class DefinitionError(CompilerError):
    """The definition cannot be compiled; ``str()`` names each place."""

    def __init__(self, problems: Sequence[Problem], file: str = "definition") -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__("\n".join(self._line(problem) for problem in self.problems))

    def _line(self, problem: Problem) -> str:
        place = f"{self.file}:{problem.line or 1}:{problem.column or 1}"
        where = ".".join(part for part in (problem.node, problem.field) if part)
        hint = f"\n    {problem.hint}" if problem.hint else ""
        return f"{place}  {where + '  ' if where else ''}{problem.code}: {problem.message}{hint}"


class ExpressionError(CompilerError):
    """The expression cannot be compiled. ``column`` counts characters from 1.

    ``str()`` is the message; :attr:`drawing` also shows the place::

        discover-2.output.migrations.length > 0
        ^ did you mean discover-1?
    """

    def __init__(
        self, code: str, message: str, column: int, hint: str | None = None, text: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.column = column
        self.hint = hint
        self.text = text

    @property
    def drawing(self) -> str:
        """The line of the expression that is meant, with a caret below it and the hint."""
        before = self.text[: self.column - 1]
        start = before.rfind("\n") + 1
        line = self.text[start:].partition("\n")[0]
        offset = len(before) - start
        first = max(0, offset - 40)
        shown = "".join(c if c.isprintable() else "·" for c in line[first : first + 80])
        return f"    {shown}\n    {' ' * (offset - first)}^ {self.hint or ''}".rstrip()
