"""Why a node was skipped, where a condition decided it: the condition with the values it had.

The flow says which way the condition went; the words of its author are here, in the definition,
and so is everything that the condition looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.expressions import ExpressionError, Name, NodeName, ValueName, tree
from compiler.expressions import shown as expressions
from compiler.expressions.templates import parts_of
from server.models import NodeExecution, WorkflowDefinition, WorkflowExecution

GIVEN = ("connectionId", "currentUser", "trigger", "execution")
NEVER_RUN = {"output": None, "status": "skipped", "error": None}


def conditions_before(
    definition: WorkflowDefinition,
    execution: WorkflowExecution,
    nodes: Mapping[str, NodeExecution],
    skipped: str,
) -> str:
    """``find.output.migrations.length > 0 was 0 > 0``, for each condition that led elsewhere."""
    found = []
    for source in dict.fromkeys(_sources(definition, skipped)):
        row = nodes.get(source)
        if row is None or row.node_type != "condition" or row.status != "success":
            continue
        data = next((n.get("data") or {} for n in definition.nodes if n["id"] == source), {})
        if said := condition_with_values(data, definition, execution, nodes):
            found.append(said)
    return "; ".join(found)


def condition_with_values(
    data: Mapping[str, Any],
    definition: WorkflowDefinition,
    execution: WorkflowExecution,
    nodes: Mapping[str, NodeExecution],
) -> str:
    """Empty where it cannot be told: an output that was too large to keep, say."""
    names, scope = _names(definition, execution), _scope(definition, execution, nodes)
    text, value = _side(data.get("condition"), names, scope)
    if not text:
        return ""
    operator, other = data.get("operator") or "equals", data.get("value", True)
    if operator != "equals" or other is not True:
        other_text, other_value = _side(other, names, scope)
        text, value = f"{text} {operator} {other_text}", f"{value} {operator} {other_value}"
    return f"{text} was {value}" if text != value else ""


def _sources(definition: WorkflowDefinition, target: str) -> Iterator[str]:
    for edge in definition.edges or []:
        if edge.get("target") == target and isinstance(edge.get("source"), str):
            yield edge["source"]


def _side(given: Any, names: Mapping[str, Name], scope: Mapping[str, Any]) -> tuple[str, str]:
    """One side as it is written, and with its values."""
    if not isinstance(given, str) or "{{" not in given:
        return (expressions.short(given),) * 2
    try:
        parts = parts_of(given, names)
    except ExpressionError:
        return "", ""
    if any(name not in scope for part in parts for name in _references(part)):
        return "", ""
    if len(parts) != 1:
        return given, "".join(expressions.with_values(part, scope) for part in parts)
    return given.strip()[2:-2].strip(), expressions.with_values(parts[0], scope)


def _names(definition: WorkflowDefinition, execution: WorkflowExecution) -> dict[str, Name]:
    variables = ((execution.context or {}).get("variables") or {}).keys()
    return {
        **{name: ValueName(name) for name in (*GIVEN, "variables", *variables)},
        **{node["id"]: NodeName(node["id"], "_") for node in definition.nodes},
    }


def _scope(
    definition: WorkflowDefinition,
    execution: WorkflowExecution,
    nodes: Mapping[str, NodeExecution],
) -> dict[str, Any]:
    """What the run's nodes could see. What was cut is left out; what was masked is masked."""
    variables = (execution.context or {}).get("variables") or {}
    given = execution.parameters or {}
    return {
        **{name: given.get(name) for name in GIVEN},
        "connectionId": execution.connection_id or given.get("connectionId"),
        "variables": variables,
        **variables,
        **{node["id"]: NEVER_RUN for node in definition.nodes if node["id"] not in nodes},
        **{
            node_id: {"output": row.output, "status": row.status, "error": row.error}
            for node_id, row in nodes.items()
            if not (isinstance(row.output, dict) and row.output.get("truncated") is True)
        },
    }


def _references(node: tree.Node) -> Iterator[str]:
    if isinstance(node, tree.Reference):
        yield node.name
    for child in tree.children(node):
        yield from _references(child)
