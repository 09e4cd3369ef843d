"""Expressions that want to escape, to explode or to go on for ever."""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Callable
from typing import Any

import black
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.expressions import Expression, ExpressionError, compile_expression, compile_template
from runtime_tasks import javascript as js
from runtime_tasks.errors import ExpressionFailed
from tests.expressions.generated import NAMES, Expressions

BLACK = black.Mode(line_length=100_000)

ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Store, ast.Attribute, ast.Call,
    ast.keyword, ast.Lambda, ast.arguments, ast.arg, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp,
    ast.Not, ast.USub, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.Compare, ast.Eq,
    ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn, ast.IfExp,
    ast.List, ast.Dict, ast.JoinedStr, ast.FormattedValue, ast.ListComp, ast.GeneratorExp,
    ast.comprehension, ast.Tuple,
)  # fmt: skip


def generated(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    found: list[str] = []
    while len(found) < count:
        text = Expressions(chance).any(chance.randrange(1, 6))
        try:
            compile_expression(text, NAMES)
        except ExpressionError:
            continue
        found.append(text)
    return found


def test_emitted_python_is_as_black_leaves_it() -> None:
    codes = [compile_expression(text, NAMES).python for text in generated(400)]
    source = "".join(f"f({code})\n" for code in codes)
    assert black.format_str(source, mode=BLACK) == source


def test_emitted_python_holds_nothing_but_what_the_language_needs() -> None:
    for text in generated(1_000, seed=2):
        for node in ast.walk(ast.parse(compile_expression(text, NAMES).python, mode="eval")):
            assert isinstance(node, ALLOWED), (text, node)
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")


def shape(code: str) -> str:
    """The tree without its constants' values."""
    tree = ast.parse(code, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_no_text_changes_the_shape_of_the_code(text: str) -> None:
    literal = '"' + "".join(f"\\u{{{ord(character):x}}}" for character in text) + '"'
    code = compile_expression(f"payload.a === {literal}", NAMES).python
    assert shape(code) == shape('js.get(payload, "a") == "x"')
    assert compile_expression(literal, NAMES).evaluate({}) == text
    assert eval(compile_expression(literal, NAMES).python) == text
    assert code.isprintable()


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_text_around_holes_stays_text(text: str) -> None:
    whole = text.replace("{{", "") + " {{ title }}"
    expression = compile_template(whole, NAMES)
    assert expression.evaluate({"title": "T"}) == text.replace("{{", "") + " T"
    assert eval(expression.python, {"title": "T", "js": js}) == text.replace("{{", "") + " T"
    assert black.format_str(f"f({expression.python})\n", mode=BLACK) == f"f({expression.python})\n"


def refusal(compile_it: Callable[..., Any], *arguments: Any) -> ExpressionError | None:
    try:
        compile_it(*arguments)
    except ExpressionError as error:
        return error
    return None


def failure(run: Callable[..., Any], *arguments: Any) -> Exception | None:
    """What a run raises; typed Python that meets a None raises Python's own errors."""
    try:
        run(*arguments)
    except (ExpressionFailed, AttributeError, TypeError) as error:
        return error
    return None


def ways(expression: Expression, scope: dict[str, Any]) -> tuple[Callable[[], Any], ...]:
    return (
        lambda: expression.evaluate(scope),
        lambda: eval(expression.python, {"js": js, **scope}),
    )


@given(st.text(alphabet="ab.?[](){}=>!&|+-*/%<>'\"`$\\ 01,:_\nx", max_size=60))
@settings(max_examples=2_000, deadline=None)
def test_any_text_compiles_or_is_refused_with_a_place(text: str) -> None:
    for compile_it in (compile_expression, compile_template):
        error = refusal(compile_it, text, ["a", "b", "a-b", "x"])
        if error is not None:
            assert 1 <= error.column <= len(text) + 1
            assert error.drawing


DEEP: list[Callable[[int], str]] = [
    lambda n: "(" * n + "1" + ")" * n,
    lambda n: "[" * n + "1" + "]" * n,
    lambda n: "!" * n + "title",
    lambda n: "- " * n + "1",
    lambda n: "payload" + ".a" * n,
    lambda n: "other" + "[0]" * n,
    lambda n: "other" + "?.a" * n,
    lambda n: "1" + " + 1" * n,
    lambda n: "1" + " ** 1" * n,
    lambda n: "flag ? " * n + "1" + " : 2" * n,
    lambda n: "flag ? 1 : " * n + "2",
    lambda n: "`${" * n + "1" + "}`" * n,
    lambda n: "({a: " * n + "1" + "})" * n,
    lambda n: "Math.max(" * n + "1" + ")" * n,
    lambda n: "other.map(x => " * n + "1" + ")" * n,
    lambda n: "other[" * n + "0" + "]" * n,
    lambda n: "other || (" * n + "1" + ")" * n,
    lambda n: "other ?? (" * n + "1" + ")" * n,
    lambda n: "title.includes(" * n + "'a'" + ")" * n,
    lambda n: "other" + ".filter(x => x)" * n,
]


@pytest.mark.parametrize("make", DEEP, ids=lambda make: make(1))
def test_depth_is_bounded_without_exhausting_the_stack(make: Callable[[int], str]) -> None:
    scope: dict[str, Any] = {"title": "a", "flag": True, "other": [], "payload": {}}
    for depth in (1, 3, 20, 45, 90, 99):
        error = refusal(compile_expression, make(depth), NAMES)
        if error is not None:
            assert error.code in ("too-deep", "syntax")
            assert depth > 3 or make is DEEP[8]
            continue
        for run in ways(compile_expression(make(depth), NAMES), scope):
            failure(run)
    for depth in (300, 2_000, 4_999):
        error = refusal(compile_expression, make(depth), NAMES)
        assert error is not None
        assert error.code in ("too-deep", "too-long")


def test_a_long_text_is_refused() -> None:
    with pytest.raises(ExpressionError, match="longer than"):
        compile_expression("1" + " " * 10_000, NAMES)


BOMBS = [
    "['a'].map(a => a + a)" + ".map(a => a + a)" * 40,
    "[['a']].map(a => [a, a])" + ".map(a => [a, a])" * 30,
    "`${[['a']].map(a => [a, a])" + ".map(a => [a, a])" * 30 + "}`",
    "['a'].map(a => `${a}${a}`)" + ".map(a => `${a}${a}`)" * 40,
    "['a'].map(a => [a, a].join(a))" + ".map(a => [a, a].join(a))" * 20,
    "9 ** 9 ** 9 ** 9",
    "words.map(a => words.map(b => words.map(c => a + b + c)))",
    "words.join(words.join(words.join(words.join(words.join(''))))).length",
]


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:40])
def test_a_bomb_does_not_go_off(text: str) -> None:
    words = ["word " * 20] * 40
    for run in ways(compile_expression(text, NAMES), {"words": words}):
        started = time.monotonic()
        failed = failure(run)
        assert failed is None or "more than" in str(failed) or "too big" in str(failed)
        assert time.monotonic() - started < 20


def test_a_preview_is_bounded_in_the_text_it_makes() -> None:
    expression = compile_expression("words.map(a => words.map(b => a + b))", NAMES)
    with pytest.raises(ExpressionFailed, match="steps"):
        expression.evaluate({"words": ["x" * 10_000] * 200})


def test_members_lead_to_data_only() -> None:
    class Thing:
        secret = "s"

    for key in ("__class__", "secret", "__init__", "__dict__"):
        assert js.get(Thing(), key) is js.undefined
        assert js.get({"a": 1}, key) is js.undefined
        assert js.get("text", key) is js.undefined
    for key in ("__proto__", "constructor", "prototype"):
        with pytest.raises(ExpressionFailed):
            js.get({"a": 1}, key)


def test_a_failure_does_not_repeat_the_value() -> None:
    with pytest.raises(ExpressionFailed) as caught:
        js.get({"password": "hunter2"}, "password", "a", "b")
    assert "hunter2" not in str(caught.value)
