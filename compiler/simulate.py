"""What a run would do, given how its nodes end: the rules of a run without any run.

The rules are those of ``runtime_tasks.run.rules``, which needs a run on Prefect; a test holds
the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compiler.definition import Edge, Node
from compiler.graph import FAILED, Graph, branch, step_of

SUCCESS = "Success"
MOST_RUNS = 500


@dataclass(frozen=True)
class Step:
    """How one node fares. ``outcome`` is Success, Failed or a branch; empty if it did not run."""

    node: Node
    status: str
    """success | failed | skipped"""
    outcome: str
    why: str


@dataclass(frozen=True)
class Run:
    steps: tuple[Step, ...]
    status: str
    """success | failed | cancelled"""

    def step(self, id_: str) -> Step:
        return next(step for step in self.steps if step.node.id == id_)


def outcomes_of(node: Node) -> tuple[str, ...]:
    """How a node can end, the ordinary way first."""
    step = step_of(node)
    return (*(step.branches or (SUCCESS,)), *((FAILED,) if step.can_fail else ()))


def simulate(graph: Graph, given: Mapping[str, str]) -> Run:
    """One run in which the nodes named end as given, and all others as one would like."""
    steps: dict[str, Step] = {}
    broken: set[str] = set()
    handlers = [node for node in graph.nodes if node.type == "error_handler"]
    ordinary = [node for node in graph.nodes if not _handled(graph, node)]
    stopped = ""

    def branch_of(edge: Edge) -> str:
        return branch(graph.node(edge.source), edge)

    def fare(node: Node) -> None:
        nonlocal stopped
        states = [
            (edge.source, _state(graph, steps, broken, edge.source, branch_of(edge)))
            for edge in graph.incoming[node.id]
        ]
        if stopped:
            steps[node.id] = Step(node, "skipped", "", f"{stopped} was rejected")
        elif any(state == "broken" for _, state in states):
            broken.add(node.id)
            culprit = next(source for source, state in states if state == "broken")
            steps[node.id] = Step(node, "skipped", "", f"{culprit} failed")
        elif states and not any(state == "live" for _, state in states):
            steps[node.id] = Step(node, "skipped", "", _why_dead(steps[states[0][0]]))
        elif node.disabled:
            steps[node.id] = Step(node, "skipped", "", "it is disabled")
        else:
            outcome = given.get(node.id) or outcomes_of(node)[0]
            failed = outcome == FAILED
            steps[node.id] = Step(node, "failed" if failed else "success", outcome, "")
            drawn = {branch_of(edge) for edge in graph.outgoing[node.id]}
            if outcome in ("Rejected", "Expired") and not drawn & {"Rejected", outcome}:
                stopped = node.id

    for node in ordinary:
        fare(node)
    unhandled = [
        step.node.id
        for step in steps.values()
        if step.status == "failed"
        and not graph.has_failed_edge(step.node.id)
        and not step.node.continue_on_error
    ]
    for node in handlers:
        if not unhandled:
            steps[node.id] = Step(node, "skipped", "", "nothing failed")
    for node in graph.nodes:
        if node.id not in steps:
            fare(node)
    failed = any(step.status == "failed" for step in steps.values())
    if failed or _takes_back(graph, steps):
        status = "failed"
    else:
        status = "cancelled" if stopped else "success"
    return Run(tuple(steps[node.id] for node in graph.nodes), status)


def _takes_back(graph: Graph, steps: Mapping[str, Step]) -> bool:
    """Whether a rollback undoes what an execute of this run has applied: that is no success."""
    done = [step.node for step in steps.values() if step.status == "success"]
    return any(
        execute.config.get("connectionId") == rollback.config.get("connectionId")
        and execute.id in graph.ids(graph.ancestors[graph.position[rollback.id]])
        for rollback in done
        if rollback.variant == "rollback"
        for execute in done
        if execute.variant == "execute_migrations"
    )


def _why_dead(source: Step) -> str:
    id_ = source.node.id
    if source.status == "success":
        return (
            f"{id_} ended in {source.outcome}"
            if source.outcome != SUCCESS
            else f"{id_} did not fail"
        )
    return f"{id_} failed" if source.status == "failed" else f"{id_} was skipped"


def _handled(graph: Graph, node: Node) -> bool:
    """Whether the node is an error handler or stands behind one."""
    if node.type == "error_handler":
        return True
    above = graph.ancestors[graph.position[node.id]]
    return any(graph.node(id_).type == "error_handler" for id_ in graph.ids(above))


def _state(
    graph: Graph, steps: Mapping[str, Step], broken: set[str], source: str, wanted: str
) -> str:
    step = steps[source]
    default = (step_of(step.node).branches or ("",))[0]
    if step.status == "skipped":
        if step.why == "it is disabled":
            return "live" if wanted == default else "dead"
        return "broken" if source in broken else "dead"
    if step.status == "failed":
        if wanted == FAILED:
            return "live"
        if step.node.continue_on_error:
            return "live" if wanted == default else "dead"
        return "dead" if graph.has_failed_edge(source) else "broken"
    outcome = "" if step.outcome == SUCCESS else step.outcome
    drawn = {branch(step.node, edge) for edge in graph.outgoing[source]}
    if outcome == "Expired" and "Expired" not in drawn:
        outcome = "Rejected"  # nobody answering counts as a no
    return "live" if wanted == outcome else "dead"


def all_runs(graph: Graph) -> Iterator[tuple[dict[str, str], Run]]:
    """Every way a run can go, ordinary ways first, at most MOST_RUNS of them.

    Only what a node that ran decided tells two runs apart.
    """
    waiting: list[dict[str, str]] = [{}]
    found = 0
    while waiting and found < MOST_RUNS:
        given = waiting.pop(0)
        run = simulate(graph, given)
        found += 1
        yield given, run
        last = max((graph.position[id_] for id_ in given), default=-1)
        for step in run.steps:
            if step.outcome and graph.position[step.node.id] > last and len(waiting) < MOST_RUNS:
                for outcome in outcomes_of(step.node)[1:]:
                    waiting.append({**given, step.node.id: outcome})
