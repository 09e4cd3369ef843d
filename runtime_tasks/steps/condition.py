"""A condition decides which way a run goes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from runtime_tasks.javascript import loosely_equal, order
from runtime_tasks.output import Output
from runtime_tasks.steps.catalogue import Value, step
from runtime_tasks.steps.marks import widget

Operator = Literal[
    "equals", "notEquals", "==", "!=", "<", ">", "<=", ">=", "contains", "startsWith", "endsWith"
]


class ConditionOutput(Output):
    branch: Literal["Yes", "No"]
    left: Any = None
    right: Any = None


@step("condition", label="Condition", branches=("Yes", "No"))
def condition(
    left: Annotated[Any, widget("expression")],
    operator: Operator = "equals",
    value: Value = True,
) -> ConditionOutput:
    """Go one way or the other: Yes when the comparison holds, No when it does not.

    ``left``: what is compared, usually an expression over an earlier node.
    ``operator``: equals and ``==`` compare as JavaScript's ``==`` does.
    ``value``: what it is compared with.
    """
    match operator:
        case "equals" | "==":
            holds = loosely_equal(left, value)
        case "notEquals" | "!=":
            holds = not loosely_equal(left, value)
        case "<" | ">" | "<=" | ">=":
            holds = order(left, operator, value)
        case "contains":
            holds = value in left
        case "startsWith":
            holds = str(left).startswith(str(value))
        case "endsWith":
            holds = str(left).endswith(str(value))
    return ConditionOutput(branch="Yes" if holds else "No", left=left, right=value)
