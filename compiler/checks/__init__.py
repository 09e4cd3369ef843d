"""Checks on what a workflow does, each with a way through the graph that shows the problem.

They are warnings when a definition is checked or compiled. ``settings.checks`` may
waive one with a reason, which then stands in the generated file.
"""

from __future__ import annotations

from itertools import islice

from compiler.checks.approval import approval_coverage
from compiler.checks.branches import missing_branch
from compiler.checks.clear_text import secret_in_clear
from compiler.checks.constant import constant_condition
from compiler.checks.idempotent import retry_not_idempotent
from compiler.checks.inputs import scheduled_input
from compiler.checks.reachable import unreachable
from compiler.checks.rollback import rollback_coverage
from compiler.checks.side_by_side import side_by_side
from compiler.checks.sql import hole_in_sql
from compiler.checks.subject import Check, Subject
from compiler.errors import Problem

CHECKS: dict[str, Check] = {
    "rollback-coverage": rollback_coverage,
    "approval-coverage": approval_coverage,
    "unreachable": unreachable,
    "missing-branch": missing_branch,
    "constant-condition": constant_condition,
    "side-by-side": side_by_side,
    "retry-not-idempotent": retry_not_idempotent,
    "scheduled-input": scheduled_input,
    "secret-in-clear": secret_in_clear,
    "hole-in-sql": hole_in_sql,
}
"""By the code of the problems that each one finds."""

PRODUCTION = ("rollback-coverage", "approval-coverage")
"""Errors when a workflow is published to a connection that is marked production."""

MOST = 100
"""Problems that one check tells of; whoever mends these sees the next."""


def run_checks(subject: Subject, *, waived: bool = True) -> list[Problem]:
    """What the checks find, without what the author waived unless ``waived`` is False."""
    waivers = subject.definition.settings.checks if waived else ()
    everywhere = {waiver.check for waiver in waivers if waiver.node is None}
    at_nodes = {(waiver.check, waiver.node) for waiver in waivers}
    found: list[Problem] = []
    for code, check in CHECKS.items():
        if code not in everywhere:
            new = (problem for problem in check(subject) if (code, problem.node) not in at_nodes)
            found.extend(islice(new, MOST))
    for waiver in waivers:
        if waiver.node is not None and waiver.node not in subject.graph.position:
            found.append(
                Problem(
                    "unknown-node",
                    f"a waiver of '{waiver.check}' names a node that is not there",
                    *waiver.place,
                    field="checks",
                )
            )
    return found
