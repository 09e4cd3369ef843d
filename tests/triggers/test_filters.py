"""A drawn trigger's filter, as the flow itself asks it: for what was received, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from compiler import DefinitionError, compile_workflow
from runtime_tasks.errors import Cancelled

PUSHED = """\
version: "1.0"
name: Pushed
trigger: webhook
nodes:
  push:
    type: trigger
    label: Push
    trigger: webhook
    filter: "FILTER"
edges: []
"""
FILTER = (
    "{{ trigger.headers['x-github-event'] !== 'ping' && trigger.body.ref === 'refs/heads/main' }}"
)
MAIN = {"ref": "refs/heads/main"}


@pytest.fixture(scope="module")
def push() -> Any:
    """The node of the compiled flow."""
    module: dict[str, Any] = {}
    exec(compile_workflow(PUSHED.replace("FILTER", FILTER), "yaml").source, module)
    return module["push"].fn


@pytest.mark.parametrize(
    "received",
    [
        {"type": "webhook", "body": MAIN, "headers": {"x-github-event": "push"}},
        {"type": "webhook", "body": MAIN},  # from a Prefect event, which has no headers
    ],
)
def test_what_passes_is_handed_on(push: Any, received: Any) -> None:
    assert push(received).body == MAIN


@pytest.mark.parametrize("received", [{}, None, {"type": "manual", "body": None}])
def test_whoever_starts_it_by_hand_brings_nothing_to_filter(push: Any, received: Any) -> None:
    assert push(received).body is None


@pytest.mark.parametrize(
    "received",
    [
        {"type": "webhook", "body": {"ref": "refs/heads/other"}, "headers": {}},
        {"type": "webhook", "body": MAIN, "headers": {"x-github-event": "ping"}},
    ],
)
def test_what_does_not_pass_ends_the_run(push: Any, received: Any) -> None:
    with pytest.raises(Cancelled, match="does not pass"):
        push(received)


def problem_of(text: str) -> tuple[str, str | None, str | None]:
    with pytest.raises(DefinitionError) as caught:
        compile_workflow(text, "yaml")
    [problem] = caught.value.problems
    return problem.code, problem.field, problem.hint


def test_a_filter_without_braces_is_a_problem_and_not_always_true() -> None:
    without = PUSHED.replace("FILTER", "trigger.body.ref === 'x'")
    assert problem_of(without) == (
        "no-expression",
        "filter",
        "write it between {{ and }}, with nothing around it",
    )


def test_a_filter_asks_about_the_trigger_alone() -> None:
    # The server asks it before there is a run with variables.
    asks = PUSHED.replace("FILTER", "{{ trigger.body.ref === branch }}").replace(
        "nodes:", "variables:\n  branch: {type: string, default: main}\nnodes:"
    )
    assert problem_of(asks)[:2] == ("unknown-name", "filter")


@pytest.mark.parametrize("event", ["migration.done", "*", "deployment.*", "executions.failed"])
def test_an_event_that_never_happens_is_a_problem(event: str) -> None:
    drawn = PUSHED.replace(
        'trigger: webhook\n    filter: "FILTER"', f"trigger: event\n    event: '{event}'"
    )
    assert problem_of(drawn)[:2] == ("unknown-event", "event")


def test_a_drawn_webhook_names_its_header() -> None:
    drawn = PUSHED.replace('filter: "FILTER"', "scheme: shared-secret\n    header: X-Token")
    [trigger] = compile_workflow(drawn, "yaml").triggers
    assert trigger.config["header"] == "X-Token"
    assert problem_of(drawn.replace("X-Token", "'X: Y'"))[:2] == ("bad-header", "header")
