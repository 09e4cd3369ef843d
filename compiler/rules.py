"""When each node runs, as the flow's loop asks it: ``run.ready(…)`` and ``run(…)``."""

from __future__ import annotations

from compiler.code import Code, identifier, literal
from compiler.definition import Edge, Node
from compiler.graph import FAILED, Graph, branch
from compiler.layout import Bracket, applied, bracket
from compiler.names import python_name

_TRUE = literal(True)


class Rules:
    """The rules of one graph. ``asked`` fills up with the helpers that they call."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = {node.id: identifier(python_name(node.id)) for node in graph.nodes}
        """What each node's function is called."""
        self.asked: set[str] = set()

    def question(self, node: Node) -> Bracket | None:
        """Whether the node is to run now; None where it starts the run."""
        target = self.names[node.id]
        if node.type == "error_handler":
            return applied("run.ready", target, self._ask("any_failed"))
        edges = self.graph.incoming[node.id]
        return applied("run.ready", target, *map(self._outcome, edges)) if edges else None

    def _outcome(self, edge: Edge) -> Bracket:
        source = self.names[edge.source]
        outcome = branch(self.graph.node(edge.source), edge)
        if outcome == FAILED:
            return self._ask("failed", source)
        if outcome:
            return self._ask("took", source, literal(outcome))
        return self._ask("succeeded", source)

    def _ask(self, helper: str, *arguments: Code) -> Bracket:
        self.asked.add(helper)
        return applied(helper, *arguments)

    def start(self, node: Node) -> Bracket:
        """Runs the node."""
        items = [("", self.names[node.id])]
        if self.graph.has_failed_edge(node.id):
            items.append(("may_fail=", _TRUE))
        if node.continue_on_error:
            items.append(("continue_on_error=", _TRUE))
        if node.disabled:
            items.append(("disabled=", _TRUE))
        return bracket("run(", items, ")")
