"""A branch without an edge is often a case that nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem
from compiler.graph import branch, step_of

ENDS = {
    "condition": "the run ends there as done",
    "approval": "the run ends there as cancelled",
}


def missing_branch(subject: Subject) -> Iterator[Problem]:
    for node in subject.graph.nodes:
        branches = step_of(node).branches
        if not branches or node.disabled:
            continue
        drawn = {branch(node, edge) for edge in subject.graph.outgoing[node.id]}
        missing = [name for name in branches if name not in drawn]
        if node.type == "approval" and "Rejected" in drawn and "Expired" in missing:
            missing.remove("Expired")  # counts as a rejection
        if missing:
            yield warning(
                "missing-branch",
                f"nothing follows when '{node.id}' ends in {' or '.join(missing)}: "
                f"{ENDS.get(node.type, 'the run ends there')}",
                node,
                hint=f"draw an edge {missing[0]}, or leave it if that is meant",
                path=(node.id,),
            )
