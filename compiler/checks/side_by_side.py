"""Two nodes that change one database must not run at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, connection_of, warning
from compiler.definition import Node
from compiler.errors import Problem
from compiler.graph import branch, step_of

NEIGHBOURS = 50
"""How many later nodes each one is compared with; a chain needs one."""


def side_by_side(subject: Subject) -> Iterator[Problem]:
    groups: dict[str, list[Node]] = {}
    for node in subject.graph.nodes:
        step = step_of(node)
        if step.effect == "writes" and "connectionId" in node.config and not node.disabled:
            groups.setdefault(connection_of(node), []).append(node)
    for nodes in groups.values():
        for index, first in enumerate(nodes):
            for second in nodes[index + 1 : index + 1 + NEIGHBOURS]:
                if subject.graph.is_ancestor(first.id, second.id):
                    # Whatever comes behind the second waits for the first as well, or is
                    # compared with the second itself.
                    break
                if not _exclude_each_other(subject, first, second):
                    yield warning(
                        "side-by-side",
                        f"'{first.id}' and '{second.id}' may change the same database "
                        "at the same time",
                        second,
                        hint="draw an edge from one to the other",
                        path=(first.id, second.id),
                    )
                    break


def _exclude_each_other(subject: Subject, first: Node, second: Node) -> bool:
    """Whether some node before both sends the run to one or to the other."""
    mine, theirs = _taken(subject, first), _taken(subject, second)
    if any(mine[id_].isdisjoint(theirs[id_]) for id_ in mine.keys() & theirs.keys()):
        return True
    # Error handlers run after a failure; what they undo has settled or is being stopped.
    return any(subject.certainty.behind_a_handler(node.id) for node in (first, second))


def _taken(subject: Subject, node: Node) -> dict[str, set[str]]:
    """Branches and failures by which each node before leads here."""
    graph = subject.graph
    here = graph.position[node.id]
    inside = graph.ancestors[here] | 1 << here
    above = graph.dominators[here]
    taken: dict[str, set[str]] = {}
    for id_ in graph.ids(above):
        source = graph.node(id_)
        taken[id_] = {
            branch(source, edge) or "success"
            for edge in graph.outgoing[id_]
            if inside >> graph.position[edge.target] & 1
        }
    return taken
