"""Explaining, simulating and comparing workflows, and the schema of their format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from compiler.diff import as_markdown, diff
from compiler.explain import mermaid, prose
from compiler.schema import definition_schema
from compiler.simulate import all_runs, simulate
from compiler.workflow import Checked, check_workflow
from tests.compiler.definitions import workflow

WORKFLOWS = Path(__file__).parents[2] / "templates/workflows"
WISH = (WORKFLOWS / "safe_production_migration.yaml").read_text()


def checked(text: str) -> Checked:
    found = check_workflow(text, "yaml")
    assert not found.errors
    return found


def changes(old: str, new: str) -> list[tuple[str, str]]:
    return [(c.risk, c.text) for c in diff(checked(old), checked(new)).changes]


def test_the_same_in_another_shape_is_no_change() -> None:
    json_text = (WORKFLOWS / "safe_production_migration.json").read_text()
    difference = diff(checked(WISH), check_workflow(json_text, "json"))
    assert [c.text for c in difference.changes] == ["nothing but the way it is written"]
    assert difference.risk == "none"


def test_moving_a_box_is_no_change() -> None:
    moved = WISH + "layout:\n  trigger-1: {x: 1, y: 2}\n"
    assert changes(WISH, moved) == [("none", "moved on the canvas only")]


def test_losing_an_approval_is_said_in_words() -> None:
    new = WISH.replace(
        '  - source: approval-1\n    target: execute-1\n    label: "Approved"',
        "  - source: dryrun-1\n    target: execute-1",
    )
    found = changes(WISH, new)
    assert found[0] == ("high", "'execute-1' is no longer behind an approval")
    assert ("medium", "edge removed: approval-1 → execute-1 (Approved)") in found
    assert changes(new, WISH)[-1] == ("none", "'execute-1' is behind an approval now")


def test_a_renamed_node_is_one_change() -> None:
    new = WISH.replace("notify-1", "tell-1")
    assert changes(WISH, new) == [("low", "node 'notify-1' is called 'tell-1' now")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("timeout: 3600", "timeout: 60", ("high", "'approval-1': timeout 3600 → 60")),
        (
            "ormType: auto",
            "ormType: auto\n    maxRetries: 2",
            ("low", "retry added to 'discover-1'"),
        ),
        (
            "default: production",
            "default: staging",
            ("medium", "variable 'targetEnv': default production → staging"),
        ),
        ("label: Dry-Run Migrations", "label: Try", ("none", "'dryrun-1' is labelled Try")),
        (
            "provider: slack",
            "provider: slack\n    disabled: true",
            ("medium", "'notify-1' is switched off"),
        ),
    ],
)
def test_each_change_has_its_words(old: str, new: str, expected: tuple[str, str]) -> None:
    assert changes(WISH, WISH.replace(old, new)) == [expected]


def test_markdown_cannot_be_broken_out_of() -> None:
    new = WISH.replace("label: Dry-Run Migrations", 'label: "a | b\\n<img src=x> [x](y) `z`"')
    table = as_markdown(diff(checked(WISH), checked(new)))
    assert len(table.splitlines()) == 5
    assert "\\<img src=x\\>" in table
    assert "a \\| b" in table


def test_explaining_names_every_node_and_when_it_runs() -> None:
    text = prose(checked(WISH))
    assert "(execute-1) runs when approval-1 ends in Approved." in text
    assert "(error-handler-1) runs when execute-1 fails." in text


def test_a_graph_for_mermaid_escapes_labels() -> None:
    nodes = 'start: {type: trigger, label: "x\\"]; click n0 href \\"javascript:1\\" %%"}'
    found = checked(workflow(nodes))
    assert found.graph
    assert mermaid(found.graph).splitlines()[1] == (
        '    n0(["x#34;#93;#59; click n0 href #34;javascript:1#34; #37;#37;<br/>start"])'
    )


def test_a_failed_execute_is_simulated() -> None:
    graph = checked(WISH).graph
    assert graph
    run = simulate(graph, {"execute-1": "Failed"})
    assert run.status == "failed"
    assert run.step("error-handler-1").status == "success"
    assert run.step("notify-1").status == "skipped"
    assert simulate(graph, {"approval-1": "Rejected"}).status == "cancelled"
    assert simulate(graph, {"filter-1": "No"}).status == "success"
    assert len(list(all_runs(graph))) == 11


def test_taking_back_what_the_run_applied_is_simulated_as_a_failure() -> None:
    graph = checked((WORKFLOWS / "data_validation.yaml").read_text()).graph
    assert graph
    assert simulate(graph, {}).status == "success"
    assert simulate(graph, {"passed": "No"}).status == "failed"
    graph = checked((WORKFLOWS / "emergency_rollback.yaml").read_text()).graph
    assert graph
    assert simulate(graph, {}).status == "success"


def test_simulation_follows_the_rules_of_a_run() -> None:
    """Against the rules that flows really run by, on every way of every template."""
    from runtime_tasks.run.rules import Edge, NodeRecord, Rules

    for path in sorted(WORKFLOWS.glob("*.yaml")):
        graph = checked(path.read_text()).graph
        assert graph
        from compiler.graph import branch

        for _, run in list(all_runs(graph))[:60]:
            if run.status == "cancelled":
                continue  # ends before the rules are asked
            rules = Rules()
            outcome = {"Failed": "failure", "": "success"}
            for node in graph.nodes:
                if graph.incoming[node.id]:
                    rules.edges[node.id] = tuple(
                        Edge(e.source, outcome.get(b := branch(graph.node(e.source), e), b))
                        for e in graph.incoming[node.id]
                    )
            for step in run.steps:
                if step.node.id in rules.edges and not step.node.disabled:
                    wanted = "skip" if step.status == "skipped" else "start"
                    decided = rules.decide(step.node.id)
                    assert ("skip" if decided == "break" else decided) == wanted, (path, step)
                taken = step.outcome if step.outcome not in ("Success", "Failed") else None
                rules.records[step.node.id] = NodeRecord(
                    step.node.id,
                    step.node.type,
                    step.node.label,
                    step.status,  # type: ignore[arg-type]
                    branch=taken,
                    broken=step.status == "skipped"
                    and step.node.id in rules.edges
                    and rules.decide(step.node.id) == "break",
                    continue_on_error=step.node.continue_on_error,
                    disabled=step.node.disabled,
                )


SCHEMA = jsonschema.Draft202012Validator(definition_schema())


class Core(yaml.SafeLoader):
    """Yes and No are text in YAML 1.2."""


Core.yaml_implicit_resolvers = {
    key: [(tag, regexp) for tag, regexp in found if not tag.endswith(":bool")]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver(
    "tag:yaml.org,2002:bool", __import__("re").compile("^(true|false)$"), list("tf")
)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(definition_schema())


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.*")), ids=lambda path: path.name)
def test_every_template_fits_the_schema(path: Path) -> None:
    errors = [
        error.message[:200] for error in SCHEMA.iter_errors(yaml.load(path.read_text(), Core))
    ]
    assert errors == []


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"version": "9"},
        {"trigger": "never"},
        {"nodes": {"a": {"type": "dealy"}}},
        {"nodes": {"a": {"type": "delay", "sekonds": 1}}},
        {"nodes": [{"type": "delay"}]},
        {"nodes": {"a b": {"type": "delay"}}},
        {"edges": [{"source": "a"}]},
    ],
)
def test_the_schema_refuses_what_the_compiler_refuses(change: dict[str, Any]) -> None:
    definition = {"version": "1.0", "name": "x", "nodes": {"a": {"type": "delay"}}}
    assert SCHEMA.is_valid(definition)
    assert not SCHEMA.is_valid(definition | change)
