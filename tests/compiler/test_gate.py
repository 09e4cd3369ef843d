"""The last look at the finished source: whatever the parts before it let through, it does not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import compiler.code
from compiler import compile_workflow, gate
from compiler.expressions import ExpressionError, compile_expression
from compiler.gate import GateError, check
from compiler.plain import plain_names
from compiler.workflow import check_workflow
from tests.compiler.definitions import workflow
from tests.expressions.generated import NAMES, Expressions

WISH = (
    Path(__file__).parents[2] / "templates/workflows/safe_production_migration.yaml"
).read_text()
FLOW = compile_workflow(WISH, "yaml")
PLAN = check_workflow(WISH, "yaml").plan
LINES = {node.id: node.line for node in FLOW.nodes}


def gated(source: str) -> None:
    assert PLAN
    check(source, PLAN, LINES)


def test_the_source_as_it_is_passes() -> None:
    gated(FLOW.source)


def test_whatever_the_expression_compiler_says_is_let_through() -> None:
    """Names and kinds that the gate knows are those that are emitted."""
    chance = random.Random(7)
    said = plain = 0
    while said < 1500:
        text = Expressions(chance).any(chance.randrange(1, 5))
        try:
            python = compile_expression(text, NAMES).python
        except ExpressionError:
            continue
        said += 1
        inputs = {name.python for name in NAMES.values()}
        assert gate._names_in(python) <= gate.BUILTINS | {"js"} | inputs, python
        parsed = frozenset(name.id for name in gate._free_names([gate._expression(python)]))
        assert plain_names(python) in (None, parsed), python
        plain += plain_names(python) is not None
    assert 100 < plain < said


def test_a_list_with_its_places_is_let_through() -> None:
    text = workflow(
        """
find: {type: action, action: discover_migrations, connectionId: main}
say: {type: action, action: http_request, url: u,
  body: "{{ find.output.migrations.map((m, at) => ({at: at, name: m.name})) }}"}
""",
        "find -> say",
    )
    assert "for at, m in enumerate(find.output.migrations)" in compile_workflow(text, "yaml").source


@pytest.mark.parametrize(
    "text",
    [
        'x", retries="9',
        'x") or __import__("os").system("id") or ("',
        'x"), y=("',
        '"\n\n\n@task\ndef x():\n    pass\n"',
    ],
)
def test_a_broken_escape_does_not_get_past_the_gate(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The literal maker without its escapes: the gate is what stands behind it."""
    monkeypatch.setattr(compiler.code, "quoted", lambda text: f'"{text}"')
    definition = {
        "version": "1.0",
        "name": "x",
        "nodes": [{"id": "a", "type": "trigger", "label": text, "description": text}],
    }
    with pytest.raises(GateError):
        compile_workflow(json.dumps(definition), "json")
