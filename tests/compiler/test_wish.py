"""The example of the wish, as it stands there, in both shapes."""

from __future__ import annotations

import json
from pathlib import Path

import black
import pytest
from black.mode import TargetVersion

from compiler import compile_workflow

ROOT = Path(__file__).parents[2]
YAML = ROOT / "templates/workflows/safe_production_migration.yaml"
JSON = ROOT / "templates/workflows/safe_production_migration.json"
MODE = black.Mode(target_versions={TargetVersion.PY311})


def test_both_shapes_give_the_same_file() -> None:
    from_yaml = compile_workflow(YAML.read_bytes(), "yaml")
    from_json = compile_workflow(JSON.read_bytes(), "json")
    assert from_yaml.source == from_json.source
    assert from_yaml.digest == from_json.digest
    assert from_yaml.filename == "safe_production_migration.py"


def test_the_committed_file_is_current() -> None:
    flow = compile_workflow(YAML.read_bytes(), "yaml")
    assert (ROOT / "generated" / flow.filename).read_text() == flow.source


def test_black_has_nothing_to_do() -> None:
    flow = compile_workflow(YAML.read_bytes(), "yaml")
    assert black.format_str(flow.source, mode=MODE) == flow.source


def test_each_node_has_its_lines() -> None:
    flow = compile_workflow(YAML.read_bytes(), "yaml")
    lines = flow.source.splitlines()
    for span in flow.source_map:
        node = next(node for node in flow.nodes if node.id == span.node)
        assert lines[span.first_line - 1] == "@task("
        assert any(
            f"def {node.python}(" in line for line in lines[span.first_line : span.last_line]
        )
        assert f"run({node.python}" in lines[span.rule_last_line - 1]
        assert flow.span_at(span.first_line) == span
        assert flow.span_at(span.rule_line) == span


WORKFLOWS = sorted((ROOT / "templates/workflows").glob("*.yaml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_template_has_its_current_flow_and_black_leaves_it_alone(path: Path) -> None:
    flow = compile_workflow(path.read_bytes(), "yaml")
    assert (ROOT / "generated" / flow.filename).read_text() == flow.source
    assert black.format_str(flow.source, mode=MODE) == flow.source


@pytest.mark.parametrize(
    "expression",
    [
        " && ".join(f"trigger.body.field{n} > {n}" for n in range(9)),
        " + ".join(f"trigger.body.field{n}.length" for n in range(9)),
        "[" + ", ".join(f"trigger.body.field{n}" for n in range(9)) + "]",
        "trigger.body.a ? trigger.body.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb : trigger.body.cccccccccccccccccc",
        "trigger.body.items.filter(item => item.name.startsWith('aaaaaaaaaaaaaaaaaaa')).map(i => i.id)",
        "find.output.migrations.filter(m => m.name.startsWith('aaaaaaaaaa')).map(m => m.id).join(', ')",
        "'" + "long text " * 12 + "'",
        "trigger.body['" + "é" * 50 + "'] === '" + "漢" * 30 + "'",
    ],
)
def test_long_expressions_are_black_stable(expression: str) -> None:
    text = json.dumps(
        {
            "version": "1.0",
            "name": "Long",
            "nodes": [
                {"id": "find", "type": "action", "action": "discover_migrations", "connectionId": "c"},
                {"id": "ask", "type": "condition", "condition": f"{{{{ {expression} }}}}"},
                {"id": "say", "type": "action", "action": "http_request", "url": "u",
                 "body": {"deep": [f"{{{{ {expression} }}}}", f"text {{{{ {expression} }}}} text"]}},
            ],
            "edges": [{"source": "find", "target": "ask"}, {"source": "ask", "target": "say"}],
        }
    )  # fmt: skip
    flow = compile_workflow(text, "json")
    assert black.format_str(flow.source, mode=MODE) == flow.source
