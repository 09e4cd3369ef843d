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
    for execute in subject.of_kind(EXECUTE):
        if execute.no_rollback is not None:
            continue
        ways = Ways(subject, connection_of(execute))
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
            if not subject.graph.is_ancestor(execute.id, test.id) or test.no_rollback is not None:
                continue
            path = ways.after_failed_test(test)
            if path:
                yield warning(
                    CODE,
                    f"when '{test.id}' fails, what '{execute.id}' did stays",
                    test,
                    hint="draw a Failed edge to a rollback of the same connection",
                    path=(execute.id, *path),
                )


class Ways:
    """Ways to a rollback of one connection. A way that misses it is given as node ids."""

    def __init__(self, subject: Subject, connection: str) -> None:
        self.graph = subject.graph
        self.connection = connection
        self._missing: dict[str, tuple[str, ...]] = {}
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
        for node in self.graph.nodes:
            if node.type == "condition" and self.graph.is_ancestor(test.id, node.id):
                outcomes = step_of(node).branches
                if any(not self._best(node, outcome) for outcome in outcomes):
                    return ()
        return path

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
        if not step_of(node).can_fail or node.continue_on_error:
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


def _default(node: Node) -> str:
    branches = step_of(node).branches
    return branches[0] if branches else ""
