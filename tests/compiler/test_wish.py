"""The example of the wish, as it stands there, in both shapes."""

from __future__ import annotations

from pathlib import Path

import black
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
