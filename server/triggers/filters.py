"""Filters: ``trigger.body.ref === 'refs/heads/main'`` over what came with the trigger."""

from __future__ import annotations

import re
from typing import Any

from compiler.expressions import Expression, compile_expression
from runtime_tasks.errors import StepError

HOLE = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)


def compiled_filter(text: str) -> Expression:
    """With or without its braces. Raises ExpressionError."""
    hole = HOLE.fullmatch(text)
    return compile_expression(hole[1] if hole else text, ["trigger"])


def passes(text: str | None, trigger: dict[str, Any]) -> bool:
    """No filter lets everything pass; one that cannot be evaluated lets nothing pass."""
    if not text or not text.strip():
        return True
    try:
        return bool(compiled_filter(text).evaluate({"trigger": trigger}))
    except StepError:
        return False
