"""The table of cases, in Python both ways and in real Node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler.expressions import ExpressionError, compile_expression
from runtime_tasks import javascript as js
from runtime_tasks.errors import ExpressionFailed
from tests.expressions.node import alike, as_node_name, in_node, written

GROUPS = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = [
    {"given": {}, "about": group["about"], **case} for group in GROUPS for case in group["cases"]
]
MEANT = [case for case in CASES if "error" not in case]
REFUSED = [case for case in CASES if "error" in case]


def named(case: dict[str, Any]) -> str:
    return f"{case['about']}: {json.dumps(case['expression'])[:60]}"


@pytest.mark.parametrize("case", MEANT, ids=named)
def test_an_expression_has_its_result(case: dict[str, Any]) -> None:
    expression = compile_expression(case["expression"], case["given"].keys())
    scope = {compile_expression(name, [name]).python: case["given"][name] for name in case["given"]}
    if case.get("throws"):
        with pytest.raises(ExpressionFailed):
            expression.evaluate(case["given"])
        with pytest.raises(ExpressionFailed):
            eval(expression.python, {"js": js, **scope})
        return
    for result in (
        expression.evaluate(case["given"]),
        eval(expression.python, {"js": js, **scope}),
    ):
        assert alike(written(result), written(case["result"])), result


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_an_expression_is_refused_with_a_code_and_a_place(case: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(case["expression"], case["given"].keys())
    assert caught.value.code == case["error"]
    if "column" in case:
        assert caught.value.column == case["column"]
    assert caught.value.drawing.count("^") >= 1


def test_node_gives_the_same_results() -> None:
    scopes = [case["given"] for case in MEANT]
    names = {name for scope in scopes for name in scope}
    scopes = [{**dict.fromkeys(names), **scope} for scope in scopes]
    reserved = {"class", "if"}
    asked = [case for case in MEANT if not reserved & case["given"].keys()]
    scopes = [
        {name: value for name, value in scope.items() if name not in reserved} for scope in scopes
    ]
    texts = []
    for case in asked:
        text = case["expression"]
        for name in sorted(case["given"], key=len, reverse=True):
            text = text.replace(name, as_node_name(name)) if "-" in name else text
        texts.append((text, [MEANT.index(case)]))
    for case, [answer] in zip(asked, in_node(texts, scopes), strict=True):
        expected = ["throws"] if case.get("throws") else written(case["result"])
        assert alike(expected, answer), (case, answer)
