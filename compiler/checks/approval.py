"""No way may lead to an execute without an approval and a dry run before it.

Whether a connection is production is known to the server alone, so this is a
warning here and an error where a workflow is published to such a connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from compiler.checks.subject import DRY_RUN, EXECUTE, Subject, connection_of, warning
from compiler.errors import Problem
from compiler.graph import branch

CODE = "approval-coverage"


def approval_coverage(subject: Subject) -> Iterator[Problem]:
    unapproved = _reached_without_approval(subject)
    ending = _ending_when_rejected(subject)
    dry_runs: dict[str, int] = {}
    for node in subject.of_kind(DRY_RUN):
        key = connection_of(node)
        dry_runs[key] = dry_runs.get(key, 0) | 1 << subject.graph.position[node.id]
    for execute in subject.of_kind(EXECUTE):
        path = _way_back(unapproved, execute.id)
        before = subject.certainty.surely_succeeded(execute.id)
        if path and before & ending:
            path = ()  # an approval beside the way: its rejection ends the run before
        if path:
            yield warning(
                CODE,
                f"'{execute.id}' can run without an approval",
                execute,
                hint="lead every way to it through the Approved edge of an approval",
                path=path,
            )
        if not before & dry_runs.get(connection_of(execute), 0):
            yield warning(
                CODE,
                f"'{execute.id}' can run without a dry run of its connection",
                execute,
                hint="put a dry run of the same connection before it",
                path=path or (execute.id,),
            )


def _reached_without_approval(subject: Subject) -> dict[str, str | None]:
    """Nodes that some way reaches past all approvals, each with the node before it."""
    graph = subject.graph
    before: dict[str, str | None] = {
        node.id: None for node in graph.nodes if not graph.incoming[node.id]
    }
    queue = deque(before)
    while queue:
        id_ = queue.popleft()
        node = graph.node(id_)
        for edge in graph.outgoing[id_]:
            approved = (
                node.type == "approval" and not node.disabled and branch(node, edge) == "Approved"
            )
            # A failed approval that goes on all the same has approved nothing.
            if (approved and not node.continue_on_error) or edge.target in before:
                continue
            before[edge.target] = id_
            queue.append(edge.target)
    return before


def _way_back(before: dict[str, str | None], id_: str) -> tuple[str, ...]:
    if id_ not in before:
        return ()
    way: list[str] = []
    step: str | None = id_
    while step is not None:
        way.append(step)
        step = before[step]
    return tuple(reversed(way))


def _ending_when_rejected(subject: Subject) -> int:
    """The set of approvals whose rejection ends the run."""
    ending = 0
    for approval in subject.of_kind(("approval", "")):
        outcomes = {branch(approval, edge) for edge in subject.graph.outgoing[approval.id]}
        if outcomes == {"Approved"} and not approval.continue_on_error:
            ending |= 1 << subject.graph.position[approval.id]
    return ending
