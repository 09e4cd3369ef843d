"""Every way out of an execute that went wrong must reach a rollback."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import EXECUTE, ROLLBACK, TESTS, Subject, connection_of, warning
from compiler.definition import Node
from compiler.errors import Problem
from compiler.graph import FAILED, branch, step_of

CODE = "rollback-coverage"


def rollback_coverage(subject: Subject) -> Iterator[Problem]:
    """Failures of each execute, and of each test behind it.

    A way counts only if it holds to the end: a node between the failure and the
    rollback that may fail itself needs ``continueOnError`` or a way of its own.
    """
    ways_by_connection: dict[str, Ways] = {}
    executes: dict[str, int] = {}
    for execute in subject.of_kind(EXECUTE):
        if execute.no_rollback is not None:
            continue
        connection = connection_of(execute)
        ways = ways_by_connection.setdefault(connection, Ways(subject, connection))
        executes[connection] = executes.get(connection, 0) | 1 << subject.graph.position[execute.id]
        path = ways.after_failure(execute)
        if path:
            yield warning(
                CODE,
                f"when '{execute.id}' fails, nothing rolls it back"
                if len(path) == 1
                else f"when '{execute.id}' fails, this way ends without a rollback",
                execute,
                hint="draw a Failed edge to a rollback of the same connection, "
                "or say noRollback: {reason, acknowledgedBy}",
                path=path,
            )
    for test in subject.of_kind(TESTS):
        above = subject.graph.ancestors[subject.graph.position[test.id]]
        for connection, bits in executes.items():
            if not above & bits or test.no_rollback is not None:
                continue
            path = ways_by_connection[connection].after_failed_test(test)
            if path:
                nearest = subject.graph.nodes[(above & bits).bit_length() - 1].id
                yield warning(
                    CODE,
                    f"when '{test.id}' fails, what '{nearest}' did stays",
                    test,
                    hint="draw a Failed edge to a rollback of the same connection",
                    path=(nearest, *path),
                )
                break


class Ways:
    """Ways to a rollback of one connection. A way that misses it is given as node ids."""

    def __init__(self, subject: Subject, connection: str) -> None:
        self.graph = subject.graph
        self.connection = connection
        self._missing: dict[str, tuple[str, ...]] = {}
        self._conditions: tuple[int, ...] | None = None
        self.handlers = [
            node
            for node in subject.graph.nodes
            if node.type == "error_handler" and not node.disabled
        ]

    def after_failure(self, node: Node) -> tuple[str, ...]:
        """Where it leads when ``node`` fails without reaching a rollback; empty if it does."""
        if self.graph.has_failed_edge(node.id):
            return self._best(node, FAILED)
        if node.continue_on_error:
            return self._best(node, None)
        if any(not self.missing(handler.id) for handler in self.handlers):
            return ()
        return (node.id, *(self.missing(self.handlers[0].id) if self.handlers else ()))

    def after_failed_test(self, test: Node) -> tuple[str, ...]:
        """A test that fails either fails its node or is asked about by a condition behind it."""
        path = self.after_failure(test)
        if not path:
            return ()
        bit = 1 << self.graph.position[test.id]
        asked = any(self.graph.ancestors[position] & bit for position in self._rolling_back())
        return () if asked else path

    def _rolling_back(self) -> tuple[int, ...]:
        """Conditions with a branch that reaches a rollback."""
        if self._conditions is None:
            self.missing(self.graph.nodes[0].id)
            self._conditions = tuple(
                self.graph.position[node.id]
                for node in self.graph.nodes
                if node.type == "condition"
                and any(not self._best(node, outcome) for outcome in step_of(node).branches)
            )
        return self._conditions

    def missing(self, id_: str) -> tuple[str, ...]:
        """Nodes on a way from here that ends without a rollback; empty if there is none.

        Asked in reverse topological order, so that no recursion grows with the workflow.
        """
        if id_ not in self._missing:
            graph = self.graph
            for node in reversed(graph.nodes[graph.position[id_] :]):
                if node.id not in self._missing:
                    self._missing[node.id] = self._missing_from(node)
        return self._missing[id_]

    def _missing_from(self, node: Node) -> tuple[str, ...]:
        if node.disabled:
            return self._best(node, None)
        if (node.type, node.variant) == ROLLBACK and connection_of(node) == self.connection:
            return ()
        for outcome in step_of(node).branches or (None,):
            path = self._best(node, outcome)
            if path:
                return path
        if not _can_fail(node) or node.continue_on_error:
            return ()
        if self.graph.has_failed_edge(node.id):
            return self._best(node, FAILED)
        # Its failure would break the way. A handler that rolls back by itself is no way out
        # of here: it may be what led here.
        return (node.id,)

    def _best(self, node: Node, outcome: str | None) -> tuple[str, ...]:
        """The missing way after an outcome; None is success. One good edge is enough."""
        missed: tuple[str, ...] = ()
        for edge in self.graph.outgoing[node.id]:
            if branch(node, edge) != (outcome or _default(node)):
                continue
            path = self._known(edge.target)
            if not path:
                return ()
            missed = missed or path
        return (node.id, *missed[:50])

    def _known(self, id_: str) -> tuple[str, ...]:
        known = self._missing.get(id_)
        return self.missing(id_) if known is None else known


def _can_fail(node: Node) -> bool:
    # An error handler only hands on what failed.
    return step_of(node).can_fail and node.type != "error_handler"


def _default(node: Node) -> str:
    branches = step_of(node).branches
    return branches[0] if branches else ""
