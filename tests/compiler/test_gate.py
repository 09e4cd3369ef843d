"""The last look at the finished source: whatever the parts before it let through, it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

import compiler.code
from compiler import compile_workflow
from compiler.gate import GateError, check
from compiler.workflow import check_workflow

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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from runtime_tasks import", "import os\nfrom runtime_tasks import"),
        ("from prefect import flow, task", "from prefect import flow, task, runtime"),
        ("from prefect import flow, task", "from os import flow, task"),
        ('orm_type="auto"', 'orm_type=__import__("os").name'),
        ('orm_type="auto"', "orm_type=open('x')"),
        ('orm_type="auto"', "orm_type=steps.__dict__"),
        ('orm_type="auto"', "orm_type=eval('1')"),
        ('orm_type="auto"', 'orm_type="auto"), x(1'),
        ("steps.rollback(", "steps.run_sql("),
        ("    return steps.rollback", "    print(1)\n    return steps.rollback"),
        ("def error_handler_1(connectionId)", "def error_handler_1(connectionId, x=1)"),
        ("def error_handler_1(connectionId)", "def error_handler_1(connectionId: list)"),
        ("def error_handler_1(connectionId)", "def other(connectionId)"),
        ("        run(trigger_1)\n", "        run(trigger_1)\n        run(trigger_1)\n"),
        ("        run(trigger_1)\n", "        run(somebody)\n"),
        ("return await run.finish()", "return await run.other()"),
        ("connectionId: str,", "connectionId: eval('1'),"),
        ('targetEnv: str = "production"', 'targetEnv: str = print("x")'),
        ("\n\n\n@flow", "\nx = 1\n\n\n@flow"),
        ("\n\n\n@task", "\n\n\n@task\ndef more():\n    return 1\n\n\n@task"),
        ("run(execute_1, may_fail=True)", "run(execute_1, may_fail=True) or run(notify_1)"),
        ("if run.ready(execute_1", "if True or run.ready(execute_1"),
        ('"""Generated', 'x = """Generated'),
    ],
)
def test_whatever_nobody_asked_for_is_refused(old: str, new: str) -> None:
    assert old in FLOW.source
    with pytest.raises(GateError):
        gated(FLOW.source.replace(old, new, 1))


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
    monkeypatch.setattr(compiler.code, "_quoted", lambda text: f'"{text}"')
    definition = {
        "version": "1.0",
        "name": "x",
        "nodes": [{"id": "a", "type": "trigger", "label": text, "description": text}],
    }
    import json

    with pytest.raises(GateError):
        compile_workflow(json.dumps(definition), "json")


def test_a_template_prints_code_and_nothing_else() -> None:
    from compiler.render import _only_code

    with pytest.raises(TypeError):
        _only_code("text")
    with pytest.raises(TypeError):
        compiler.code.Code("text", simple=True, maker=None)
    with pytest.raises(ValueError, match="identifier"):
        compiler.code.identifier("a b")
