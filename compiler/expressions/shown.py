"""An expression with what it looked at: ``discover-1.output.migrations.length > 0`` was ``0 > 0``.

Comparisons and what joins them stay, everything else becomes its value. For people who ask why a
run went one way and not the other; the run itself has evaluated the expression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from compiler.expressions import tree
from compiler.expressions.evaluator import evaluate
from runtime_tasks.errors import ExpressionFailed

LONGEST: Final = 60
"""Characters of one value."""
STEPS: Final = 20_000
"""Work for one value: it is shown while others wait."""
_COMPARISONS: Final = ("===", "==", "!==", "!=", "<", ">", "<=", ">=")


def with_values(node: tree.Node, scope: Mapping[str, Any]) -> str:
    """The expression in a scope keyed by the workflow's own names."""
    match node:
        case tree.Binary() if node.operator in _COMPARISONS:
            left, right = (value(side, scope) for side in (node.left, node.right))
            return f"{left} {node.operator} {right}"
        case tree.Logical():
            left, right = (_inner(side, node, scope) for side in (node.left, node.right))
            return f"{left} {node.operator} {right}"
        case tree.Unary() if node.operator == "!":
            return f"!{_inner(node.operand, node, scope)}"
    return value(node, scope)


def _inner(node: tree.Node, outer: tree.Node, scope: Mapping[str, Any]) -> str:
    text = with_values(node, scope)
    match node, outer:
        case tree.Logical(operator=one), tree.Logical(operator=other) if one == other:
            return text
        case (tree.Logical(), _) | (tree.Binary(), tree.Unary()):
            return f"({text})"
    return text


def value(node: tree.Node, scope: Mapping[str, Any]) -> str:
    try:
        found = evaluate(node, scope, steps=STEPS)
    except ExpressionFailed:
        return "nothing"  # JavaScript throws here, or never came here
    return short(found)


def short(found: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(found, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
