"""What would mend a problem, where that is known: edits that a program can make.

::

    fixes_for(check_workflow(text, "yaml"), text)
    → (Fix("Write discover-1", (ReplaceText(5, 43, "discover-2", "discover-1"),)), None, …)

A fix never guesses what somebody wants: it writes the word that was meant, adds what has
one sensible value, draws an edge between two nodes that the problem names, or takes away
what cannot stay. Worked out only when somebody asks, so a compilation costs no more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from compiler.checks.subject import ROLLBACK, connection_of
from compiler.definition import Definition, Edge, Node
from compiler.edits import AddEdge, AddNode, Fix, RemoveEdge, ReplaceText, SetEdge, SetField, SetTop
from compiler.errors import Problem
from compiler.fields import fields_of
from compiler.graph import FAILED, Graph, step_of
from compiler.workflow import Checked

MOST = 200
"""Fixes of one definition; nobody presses more buttons."""


def fixes_for(checked: Checked, text: str) -> tuple[Fix | None, ...]:
    """One entry a problem, in the order of ``checked.problems``."""
    problems = checked.problems
    lines = text.split("\n")
    known = tuple(_fix(problem, checked, lines) for problem in problems[:MOST])
    return known + (None,) * (len(problems) - len(known))


def _fix(problem: Problem, checked: Checked, lines: list[str]) -> Fix | None:
    definition, graph = checked.definition, checked.graph
    if definition is not None:
        edge = _edge_at(definition, problem)
        if edge is not None:
            return _of_edge(problem, *edge)
        if graph is not None and (fix := _of_node(problem, definition, graph)):
            return fix
    if problem.code == "version" or (problem.code, problem.field) == ("missing", "version"):
        return Fix('Write version: "1.0"', (SetTop("version", "1.0"),))
    return _of_text(problem, lines)


def meant(hint: str | None) -> str | None:
    """The word of a hint that names one.

    >>> meant("did you mean discover-1?"), meant("one of: a, b")
    ('discover-1', None)
    """
    found = re.fullmatch(r"did you mean (.+)\?", hint or "")
    return found[1] if found else None


def _of_text(problem: Problem, lines: list[str]) -> Fix | None:
    """A word that was meant otherwise, or a value that needs quotes, where it stands."""
    if problem.line is None or problem.column is None:
        return None
    line = lines[problem.line - 1] if problem.line <= len(lines) else ""
    start = problem.column - 1
    word = meant(problem.hint)
    if word is not None:
        for quote in ("", '"', "'"):
            for old in _words_at(line, start, quote):
                if f"'{old}'" in problem.message:
                    place = (problem.line, problem.column + len(quote))
                    return Fix(f"Write {word}", (ReplaceText(*place, old, word),))
    elif problem.hint == "put quotes around it":
        found = re.compile(r"[\w.+:-]+").match(line, start)
        if found:
            new = json.dumps(found[0], ensure_ascii=False)
            edit = ReplaceText(problem.line, problem.column, found[0], new)
            return Fix(f"Write {new}", (edit,))
    return None


def _words_at(line: str, start: int, quote: str) -> Iterator[str]:
    """The word there, the longest first: ``a-b`` may be one name, or ``a`` less ``b``."""
    if not line.startswith(quote, start):
        return
    found = re.compile(r"[\w-]+").match(line, start + len(quote))
    word = found[0] if found else ""
    while word:
        yield word
        word = word.rpartition("-")[0]


def _edge_at(definition: Definition, problem: Problem) -> tuple[int, Edge] | None:
    if problem.code not in ("unknown-node", "duplicate-edge", "edge-into-start", "unknown-label"):
        return None
    place = (problem.line, problem.column)
    for index, edge in enumerate(definition.edges):
        if edge.place == place:
            return index, edge
    return None


def _of_edge(problem: Problem, index: int, edge: Edge) -> Fix | None:
    word = meant(problem.hint)
    if problem.field in ("source", "target", "label") and word:
        key: Any = problem.field
        return Fix(f"Write {word}", (SetEdge(index, key, word),))
    if problem.code == "unknown-label" and problem.hint is None:
        return Fix("Remove the label", (SetEdge(index, "label", None),))
    if problem.code in ("duplicate-edge", "edge-into-start"):
        return Fix("Remove the edge", (RemoveEdge(index),))
    return None


def _of_node(problem: Problem, definition: Definition, graph: Graph) -> Fix | None:
    if problem.node is None or problem.node not in graph.position:
        return None
    node = graph.node(problem.node)
    if problem.code == "missing" and problem.field and problem.field not in node.keys:
        return _missing(node, problem.field)
    if problem.code == "retry-not-idempotent":
        keys = ("retryable", "maxRetries", "retryDelay", "retryBackoff")
        edits = tuple(SetField(node.id, key, None) for key in keys if key in node.keys)
        return Fix("Remove the retries", edits)
    if problem.code == "unreachable":
        return _unreachable(node, problem, graph)
    if problem.code == "side-by-side":
        first, second = problem.path
        return Fix(f"Run {second} after {first}", (AddEdge(first, second),))
    if problem.code == "rollback-coverage":
        return _rollback(node, definition, graph)
    return None


def _missing(node: Node, field: str) -> Fix | None:
    known = fields_of(step_of(node)).get(field)
    value: Any = None
    if known is not None and known.widget == "connection":
        value = "{{ connectionId }}"
    elif known is not None and known.widget == "approvers":
        value = ["{{ currentUser.teamOwner }}"]
    if value is None:
        return None
    shown = value if isinstance(value, str) else value[0]
    return Fix(f"Add {field}: {shown}", (SetField(node.id, field, value),))


def _unreachable(node: Node, problem: Problem, graph: Graph) -> Fix | None:
    before = graph.node(problem.path[0])
    if before.id != node.id:
        if not before.disabled:
            return None
        return Fix(f"Switch {before.id} on", (SetField(before.id, "disabled", None),))
    triggers = [other for other in graph.nodes if other.type == "trigger" and not other.disabled]
    if len(triggers) != 1 or step_of(node).starts:
        return None
    return Fix(f"Connect {triggers[0].id} to it", (AddEdge(triggers[0].id, node.id),))


def _rollback(node: Node, definition: Definition, graph: Graph) -> Fix | None:
    """A Failed edge to a rollback of the same connection: one that is there, or a new one."""
    if graph.has_failed_edge(node.id) or node.continue_on_error:
        return None
    connection = connection_of(node)
    for other in graph.nodes:
        rolls_back = (other.type, other.variant) == ROLLBACK and connection_of(other) == connection
        if rolls_back and not other.disabled and not graph.is_ancestor(other.id, node.id):
            edge = AddEdge(node.id, other.id, FAILED)
            return Fix(f"Draw a Failed edge to {other.id}", (edge,))
    tree = node.config.get("connectionId")
    if tree is None or not isinstance(tree.value, str):
        return None
    taken = {other.id for other in definition.nodes}
    number = next(n for n in range(1, len(taken) + 2) if f"rollback-{n}" not in taken)
    new = f"rollback-{number}"
    data = {"action": "rollback", "connectionId": tree.value}
    added = AddNode(new, "action", "Roll back", data)
    return Fix("Add a rollback for when it fails", (added, AddEdge(node.id, new, FAILED)))
