"""Random workflows with random outcomes on real Prefect, against the model of the rules."""

from __future__ import annotations

import os
import random

import pytest

from tests.run.test_rules import OUTCOMES, Graph, reference
from tests.run.test_semantics import Stage, edges, sql, stage

__all__ = ["stage"]

SHOWN = {
    "Yes": "success",
    "No": "success",
    "failed-continue": "failed",
    "broken": "skipped",
    "disabled": "skipped",
}


def some_graph(chance: random.Random) -> Graph:
    """Up to nine nodes; each has up to three sources before it, and one or two ways to each."""
    graph = Graph([chance.choice(OUTCOMES) for _ in range(chance.randrange(4, 10))])
    for target in range(1, len(graph.outcomes)):
        for source in sorted(chance.sample(range(target), min(target, chance.randrange(4)))):
            asks = graph.outcomes[source] in ("Yes", "No")
            labels = ["Yes", "No", "failure"] if asks else ["success", "success", "failure"]
            graph.edges.append((source, target, chance.choice(labels)))
    return graph


def body(graph: Graph, chance: random.Random) -> str:
    nodes = ""
    for number, outcome in enumerate(graph.outcomes):
        name = f"n{number}"
        match outcome:
            case "Yes" | "No":
                test = "{{ 1 < 2 }}" if outcome == "Yes" else "{{ 1 > 2 }}"
                nodes += f"  {name}: {{type: condition, label: {name}, condition: '{test}'}}\n"
            case "disabled":
                nodes += sql(name, f"ok {name}", disabled="true")
            case "failed-continue":
                nodes += sql(name, f"fail {name}", continueOnError="true")
            case _:
                nodes += sql(name, f"{'fail' if outcome == 'failed' else 'ok'} {name}")
    drawn = []
    for source, target, label in graph.edges:
        # Without a label an edge of a condition means Yes.
        bare = label == "success" or (label == "Yes" and chance.random() < 0.5)
        drawn.append(
            f"n{source}>n{target}" + ("" if bare else f" '{label.replace('failure', 'Failed')}'")
        )
    return "nodes:\n" + nodes + (edges(*drawn) if drawn else "")


async def plays_as_the_model_says(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    graph = some_graph(chance)
    expected = reference(graph)
    stage.calls.clear()
    ran = await stage.run(body(graph, chance))
    assert ran.statuses == {
        f"n{number}": SHOWN.get(status, status) for number, status in enumerate(expected)
    }
    called = {
        f"n{n}" for n, s in enumerate(expected) if s in ("success", "failed", "failed-continue")
    }
    assert {call.split()[1] for call in ran.calls} == called
    assert len(ran.calls) == len(called)
    failed = any(status.startswith("failed") for status in expected)
    assert ran.state == ("Failed" if failed else "Completed")


SEED = int(os.environ.get("DATAROLL_TEST_SEED", "5000"))


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
async def test_a_random_workflow_runs_as_the_model_says(stage: Stage, seed: int) -> None:
    await plays_as_the_model_says(stage, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED + 100, SEED + 180))
async def test_eighty_random_workflows_run_as_the_model_says(stage: Stage, seed: int) -> None:
    await plays_as_the_model_says(stage, seed)


def test_the_graphs_hold_every_outcome_and_every_way() -> None:
    """Those above, not some others."""
    graphs = [some_graph(random.Random(seed)) for seed in range(SEED, SEED + 8)]
    assert {outcome for graph in graphs for outcome in graph.outcomes} == set(OUTCOMES)
    ends = {status for graph in graphs for status in reference(graph)}
    assert ends >= {"success", "failed", "skipped", "broken", "disabled"}
