"""The workflow as a graph: who comes before whom, and what must have happened before.

Every question about order is answered here once; sets of nodes are integers
with one bit a node, so that thousands of nodes cost milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from compiler.definition import Definition, Edge, Node
from runtime_tasks.steps.catalogue import CATALOGUE, NodeType

FAILED = "Failed"


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order (ties in the author's order), and their edges."""

    nodes: tuple[Node, ...]
    position: dict[str, int]
    """Id to index in ``nodes``."""
    incoming: dict[str, tuple[Edge, ...]]
    outgoing: dict[str, tuple[Edge, ...]]
    ancestors: tuple[int, ...] = field(repr=False)
    """For each node the set of those with a way to it."""
    dominators: tuple[int, ...] = field(repr=False)
    """For each node the set of those that lie on every way to it."""
    succeeded_before: tuple[int, ...] = field(repr=False)
    """For each node the set of those that have succeeded whenever it runs."""

    def node(self, id_: str) -> Node:
        return self.nodes[self.position[id_]]

    def is_ancestor(self, id_: str, of: str) -> bool:
        return bool(self.ancestors[self.position[of]] >> self.position[id_] & 1)

    def ids(self, bits: int) -> Iterable[str]:
        while bits:
            lowest = bits & -bits
            yield self.nodes[lowest.bit_length() - 1].id
            bits ^= lowest

    def has_failed_edge(self, id_: str) -> bool:
        return any(edge.label == FAILED for edge in self.outgoing[id_])


def step_of(node: Node) -> NodeType:
    return CATALOGUE[node.type, node.variant]


def branch(node: Node, edge: Edge) -> str:
    """The outcome that makes the edge live: a branch, ``Failed``, or empty for success."""
    if edge.label:
        return edge.label
    branches = step_of(node).branches
    return branches[0] if branches else ""


def sort(definition: Definition) -> tuple[list[Node], list[str]]:
    """Nodes in topological order, and the ids of those that stand in a loop or behind one."""
    by_id = {node.id: node for node in definition.nodes}
    order = {node.id: index for index, node in enumerate(definition.nodes)}
    waits = dict.fromkeys(by_id, 0)
    targets: dict[str, list[str]] = {id_: [] for id_ in by_id}
    for edge in definition.edges:
        waits[edge.target] += 1
        targets[edge.source].append(edge.target)
    # A heap keeps the author's order among nodes that are free, whatever the hash seed.
    from heapq import heapify, heappop, heappush

    free = [order[id_] for id_, count in waits.items() if count == 0]
    heapify(free)
    done: list[Node] = []
    while free:
        node = definition.nodes[heappop(free)]
        done.append(node)
        for target in targets[node.id]:
            waits[target] -= 1
            if waits[target] == 0:
                heappush(free, order[target])
    return done, [id_ for id_, count in waits.items() if count]


def loop(definition: Definition, stuck: list[str]) -> tuple[str, ...]:
    """One loop among the nodes that could not be sorted, first node again at the end."""
    members = set(stuck)
    sources = {id_: [] for id_ in stuck}  # type: dict[str, list[str]]
    for edge in definition.edges:
        if edge.source in members and edge.target in members:
            sources[edge.target].append(edge.source)
    # Everything stuck waits for something stuck: walking back must meet itself.
    way: list[str] = [stuck[0]]
    seen = {stuck[0]: 0}
    while True:
        before = sources[way[-1]][0]
        if before in seen:
            way = way[seen[before] :]
            return (*reversed(way), way[-1])
        seen[before] = len(way)
        way.append(before)


def graph_of(definition: Definition, nodes: list[Node]) -> Graph:
    """``nodes`` is all of the definition's nodes, sorted."""
    position = {node.id: index for index, node in enumerate(nodes)}
    incoming: dict[str, list[Edge]] = {node.id: [] for node in nodes}
    outgoing: dict[str, list[Edge]] = {node.id: [] for node in nodes}
    for edge in definition.edges:
        incoming[edge.target].append(edge)
        outgoing[edge.source].append(edge)
    ancestors: list[int] = []
    succeeded: list[int] = []
    dominators: list[int] = []
    for node in nodes:
        above = 0
        sure = everywhere = -1
        for edge in incoming[node.id]:
            index = position[edge.source]
            above |= ancestors[index] | 1 << index
            everywhere &= dominators[index] | 1 << index
            source = nodes[index]
            certain = succeeded[index]
            if edge.label != FAILED and not source.continue_on_error and not source.disabled:
                certain |= 1 << index
            sure &= certain
        ancestors.append(above)
        dominators.append(everywhere if incoming[node.id] else 0)
        succeeded.append(sure if incoming[node.id] else 0)
    return Graph(
        nodes=tuple(nodes),
        position=position,
        incoming={id_: tuple(edges) for id_, edges in incoming.items()},
        outgoing={id_: tuple(edges) for id_, edges in outgoing.items()},
        ancestors=tuple(ancestors),
        dominators=tuple(dominators),
        succeeded_before=tuple(succeeded),
    )
