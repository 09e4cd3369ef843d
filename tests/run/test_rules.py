"""The rules of a run against a reference model, on random graphs, outcomes and orders."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_tasks.run.rules import ANY_FAILED, Edge, NodeRecord, Rules

OUTCOMES = ("success", "failed", "failed-continue", "Yes", "No", "disabled")


@dataclass
class Graph:
    """Nodes are numbered in topological order; edges are (source, target, label)."""

    outcomes: list[str]
    edges: list[tuple[int, int, str]] = field(default_factory=list)

    def into(self, target: int) -> list[tuple[int, str]]:
        return [(source, label) for source, t, label in self.edges if t == target]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(2, 9))
    graph = Graph([draw(st.sampled_from(OUTCOMES)) for _ in range(count)])
    for target in range(1, count):
        sources = draw(st.sets(st.integers(0, target - 1), min_size=0, max_size=3))
        for source in sorted(sources):
            branches = graph.outcomes[source] in ("Yes", "No")
            labels = ["Yes", "No", "failure"] if branches else ["success", "failure"]
            graph.edges.append((source, target, draw(st.sampled_from(labels))))
    return graph


def reference(graph: Graph) -> list[str]:
    """The rules of docs/definition.md as a person would work them out, in order."""
    status: list[str] = []
    for node, outcome in enumerate(graph.outcomes):
        states = [reference_edge(graph, status, edge) for edge in graph.into(node)]
        if states and "broken" in states:
            status.append("broken")
        elif states and "live" not in states:
            status.append("skipped")
        else:
            status.append(outcome)
    return status


def reference_edge(graph: Graph, status: list[str], edge: tuple[int, str]) -> str:
    source, label = edge
    has_failed_edge = any(s == source and lab == "failure" for s, _, lab in graph.edges)
    passes = label in ("success", "Yes")
    match status[source]:
        case "broken":
            return "broken"
        case "skipped":
            return "dead"
        case "failed" if label == "failure":
            return "live"
        case "failed":
            return "dead" if has_failed_edge else "broken"
        case "failed-continue":
            return "live" if passes or label == "failure" else "dead"
        case "disabled":
            return "live" if passes else "dead"
        case branch:
            return "live" if label in ("success", branch) else "dead"


def play(graph: Graph, order: random.Random) -> list[str]:
    """Run the graph with our rules; nodes that run settle in a random order."""
    rules = Rules()
    for node in range(len(graph.outcomes)):
        if graph.into(node):
            rules.edges[str(node)] = tuple(Edge(str(s), label) for s, label in graph.into(node))
    running: list[int] = []
    while True:
        before = len(rules.records)
        for node in range(len(graph.outcomes)):
            if str(node) in rules.records:
                continue
            decision = rules.decide(str(node)) if str(node) in rules.edges else "start"
            if decision == "start" and graph.outcomes[node] == "disabled":
                rules.records[str(node)] = record(node, "skipped", disabled=True)
            elif decision == "start":
                rules.records[str(node)] = record(node, "running")
                running.append(node)
            elif decision in ("skip", "break"):
                rules.records[str(node)] = record(node, "skipped", broken=decision == "break")
        if running:
            node = running.pop(order.randrange(len(running)))
            settle(rules.records[str(node)], graph.outcomes[node])
        elif len(rules.records) == before:
            return [name(rules.records[str(node)]) for node in range(len(graph.outcomes))]


def record(node: int, status: str, *, broken: bool = False, disabled: bool = False) -> NodeRecord:
    return NodeRecord(str(node), "action", "", status, broken=broken, disabled=disabled)  # type: ignore[arg-type]


def settle(entry: NodeRecord, outcome: str) -> None:
    entry.continue_on_error = outcome == "failed-continue"
    entry.status = "failed" if outcome.startswith("failed") else "success"
    entry.branch = outcome if outcome in ("Yes", "No") else None


def name(entry: NodeRecord) -> str:
    if entry.status == "skipped":
        return "disabled" if entry.disabled else "broken" if entry.broken else "skipped"
    if entry.status == "failed":
        return "failed-continue" if entry.continue_on_error else "failed"
    return entry.branch or "success"


@given(graphs(), st.integers(0, 2**32))
@settings(max_examples=600, deadline=None)
def test_every_node_ends_as_the_reference_model_says_in_any_order(graph: Graph, seed: int) -> None:
    assert play(graph, random.Random(seed)) == reference(graph)


def settled(status: str, branch: str | None = None, **more: bool) -> Rules:
    rules = Rules()
    rules.records["a"] = NodeRecord("a", "action", "A", status, branch=branch, **more)  # type: ignore[arg-type]
    return rules


@pytest.mark.parametrize(
    ("status", "branch", "edge", "state"),
    [
        ("success", None, "success", "live"),
        ("success", None, "failure", "dead"),
        ("success", "Yes", "No", "dead"),
        ("success", "Approved", "Approved", "live"),
        ("failed", None, "success", "broken"),
        ("failed", None, "failure", "live"),
        ("unknown", None, "success", "broken"),
        ("unknown", None, "failure", "broken"),
        ("cancelled", None, "success", "dead"),
        ("running", None, "success", "unsettled"),
    ],
)
def test_an_edge_is_live_dead_or_broken(
    status: str, branch: str | None, edge: str, state: str
) -> None:
    assert settled(status, branch).state(Edge("a", edge)) == state


def test_a_success_edge_is_dead_not_broken_when_failing_is_a_drawn_outcome() -> None:
    rules = settled("failed")
    rules.edges = {"b": (Edge("a", "success"),), "c": (Edge("a", "failure"),)}
    assert rules.decide("b") == "skip"
    assert rules.decide("c") == "start"


def test_an_expired_approval_without_an_expired_edge_takes_the_rejected_one() -> None:
    rules = settled("success", "Expired")
    rules.edges = {"b": (Edge("a", "Approved"),), "c": (Edge("a", "Rejected"),)}
    assert rules.decide("b") == "skip"
    assert rules.decide("c") == "start"


def test_an_expired_approval_takes_its_own_edge_where_one_is_drawn() -> None:
    rules = settled("success", "Expired")
    rules.edges = {"c": (Edge("a", "Rejected"),), "d": (Edge("a", "Expired"),)}
    assert rules.decide("c") == "skip"
    assert rules.decide("d") == "start"


def test_an_error_handler_waits_until_nothing_can_fail_any_more() -> None:
    rules = settled("success")
    rules.edges = {"h": (ANY_FAILED,)}
    assert rules.decide("h") == "wait"
    rules.ending = True
    assert rules.decide("h") == "skip"


def test_an_error_handler_leaves_a_failure_with_an_edge_of_its_own_alone() -> None:
    rules = settled("failed")
    rules.edges = {"b": (Edge("a", "failure"),), "h": (ANY_FAILED,)}
    rules.ending = True
    assert rules.decide("h") == "skip"
    del rules.edges["b"]
    assert rules.decide("h") == "start"


def test_a_skip_says_which_way_the_run_went() -> None:
    rules = settled("success", "No")
    rules.edges = {"b": (Edge("a", "Yes"),)}
    assert rules.why_not("b") == "a took No, not Yes"
