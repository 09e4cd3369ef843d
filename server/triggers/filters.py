"""A trigger's filter: an expression over what comes with the trigger, in the workflow language.

::

    passes("trigger.body.ref === 'refs/heads/main'", {"body": {"ref": "refs/heads/main"}})   # True
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from compiler.errors import ExpressionError
from compiler.expressions import Expression, compile_expression
from runtime_tasks.errors import StepError
from runtime_tasks.javascript.logic import truthy

LONGEST = 2000
HOLE = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)


class FilterFailed(Exception):
    """The filter makes no sense for this payload; the message is for the trigger's author."""


@lru_cache(maxsize=1000)
def compiled(text: str) -> Expression:
    """The filter, with or without ``{{ }}`` around it. Raises ValueError with what is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"a filter has at most {LONGEST} characters")
    hole = HOLE.fullmatch(text)
    try:
        return compile_expression(hole[1].strip() if hole else text, ["trigger"])
    except ExpressionError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise ValueError(f"{error.message}{hint}, at column {error.column}") from None


def passes(text: str | None, trigger: Mapping[str, Any]) -> bool:
    """Whether the trigger fires for this. Raises FilterFailed."""
    if not text:
        return True
    try:
        return truthy(compiled(text).evaluate({"trigger": trigger}))
    except (ValueError, StepError, RecursionError) as error:
        raise FilterFailed(f"the filter cannot be worked out: {error}") from None
