"""One compiled expression: its Python, its type, and how to evaluate it without a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from compiler.expressions import tree
from compiler.expressions.checker import check
from compiler.expressions.names import Name, Names, as_names
from compiler.expressions.parser import parse
from compiler.expressions.python import emit
from compiler.expressions.types import Type


class Expression(NamedTuple):
    text: str
    python: str
    """One line, black-stable; relies on ``js`` and the names' Python names."""
    type: Type
    references: frozenset[str]
    """The names of the workflow that it reads."""
    tree: tree.Node
    secrets: frozenset[str] = frozenset()
    """The secrets it names; then ``python`` makes a reference to them, never their values."""

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value, in a scope keyed by the workflow's own names.

        Raises :class:`~runtime_tasks.errors.ExpressionFailed` where JavaScript throws.
        """
        from compiler.expressions.evaluator import evaluate

        return evaluate(self.tree, scope)

    @property
    def uses_javascript(self) -> bool:
        """Whether ``python`` calls helpers, so that the file must import ``js``."""
        return "js." in self.python


def compile_expression(text: str, names: Names) -> Expression:
    """Parse, check and translate; raises :class:`~compiler.errors.ExpressionError`."""
    known = as_names(names)
    return compiled(parse(text, known), known, text)


def compiled(root: tree.Node, names: Mapping[str, Name], text: str) -> Expression:
    checked = check(root, names, text)
    piece = emit(root, checked.types, names)
    references = frozenset(checked.references)
    return Expression(text, piece.code, checked.types[root], references, root)
