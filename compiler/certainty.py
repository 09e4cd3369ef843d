"""Has another node surely succeeded when this one runs?

``ran``: yes, on every way here. ``maybe``: on some way it was skipped, failed or
is switched off. ``not-ancestor``: nothing makes this node wait for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from compiler.graph import FAILED, Graph, step_of

State = Literal["ran", "maybe", "not-ancestor"]


MOST_STEPS = 2_000_000
"""Looks at ancestors of joins, over a whole workflow. No drawn one comes near; beyond it,
parallel branches count as uncertain, which is safe."""


class Certainty:
    """Answers for one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.behind_a_handler = lru_cache(maxsize=None)(self._behind_a_handler)
        self._joined = lru_cache(maxsize=4096)(self._succeeded_at_join)
        self._steps_left = MOST_STEPS

    def state(self, id_: str, *, at: str) -> State:
        graph = self.graph
        index = graph.position[id_]
        here = graph.position[at]
        if not graph.ancestors[here] >> index & 1:
            # An error handler runs after anything; what stood before it may have run.
            if id_ != at and self.behind_a_handler(at) and not graph.ancestors[index] >> here & 1:
                return "maybe"
            return "not-ancestor"
        if graph.succeeded_before[here] >> index & 1:
            return "ran"
        return "ran" if self.surely_succeeded(at) >> index & 1 else "maybe"

    def surely_succeeded(self, at: str) -> int:
        """The set of nodes that have succeeded whenever ``at`` runs."""
        return self._joined(at)

    def _behind_a_handler(self, at: str) -> bool:
        graph = self.graph
        above = graph.ancestors[graph.position[at]] | 1 << graph.position[at]
        return any(graph.node(id_).type == "error_handler" for id_ in graph.ids(above))

    def _succeeded_at_join(self, at: str) -> int:
        """The nodes that have succeeded when ``at`` runs, parallel branches included.

        Behind a join of two forks the nodes of both have succeeded: a failure in either
        would have broken the way here. That is not seen by looking at each way alone.
        """
        graph = self.graph
        here = graph.position[at]
        sure = graph.succeeded_before[here]
        self._steps_left -= graph.ancestors[here].bit_count()
        if self._steps_left < 0:
            return sure
        took: dict[int, set[str]] = {}
        for index in self._bits(sure):
            took[index] = self._surely_taken(index, sure, here)
        # Topological order, so that each asks only about nodes that are settled already.
        for index in self._bits(graph.ancestors[here] & ~sure):
            if self._implied(index, sure, took):
                sure |= 1 << index
                took[index] = {""}
        return sure

    def _implied(self, index: int, sure: int, took: dict[int, set[str]]) -> bool:
        """Whether this ancestor must run and must succeed, given those that surely did."""
        graph = self.graph
        node = graph.nodes[index]
        if node.disabled or node.continue_on_error:
            return False
        if step_of(node).can_fail and graph.has_failed_edge(node.id):
            return False
        edges = graph.incoming[node.id]
        for edge in edges:
            source = graph.position[edge.source]
            if not sure >> source & 1:
                return False
        if not edges:
            return node.type != "error_handler"
        for edge in edges:
            source = graph.position[edge.source]
            branches = step_of(graph.nodes[source]).branches
            if edge.label == FAILED:
                continue
            label = edge.label or (branches[0] if branches else "")
            if not branches or label in took[source]:
                return True
        return False

    def _surely_taken(self, index: int, sure: int, here: int) -> set[str]:
        """Branches that a node surely took on the way to ``here``."""
        graph = self.graph
        node = graph.nodes[index]
        labels = set()
        first = step_of(node).branches[:1]
        inside = graph.ancestors[here] | 1 << here
        for edge in graph.outgoing[node.id]:
            target = graph.position[edge.target]
            if inside >> target & 1 and edge.label != FAILED:
                labels.add(edge.label or (first[0] if first else ""))
        # With one way only towards here, that is the one it took.
        return labels if len(labels) == 1 else set()

    @staticmethod
    def _bits(bits: int) -> list[int]:
        found = []
        while bits:
            lowest = bits & -bits
            found.append(lowest.bit_length() - 1)
            bits ^= lowest
        return found


class Trusting(Certainty):
    """Takes every node for one that has run: for a graph with edges missing."""

    def state(self, id_: str, *, at: str) -> State:
        return "ran"
