"""Every operator and method on every pair of values, against Node: no chance, no gaps.

The random expressions beside this go deep; this goes wide, into what JavaScript makes of an
empty list plus null.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from compiler.expressions import ValueName, compile_expression
from runtime_tasks import javascript as js
from runtime_tasks.errors import ExpressionFailed
from tests.expressions.node import alike, in_node, written
from tests.expressions.test_against_node import interpreted

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**53, 1e21, "", "1", " 12 ", "0x10", "abc", "a,b", "😀x"),
    *([], [0], ["1"], [1, 2], [None], {}, {"a": 1}, {"length": 2}),
)
MORE: tuple[Any, ...] = (
    *(-0.0, 1, 2, -2.5, 0.1, 1e-7, 1e308, " ", "0", "-1", "1e3", "Infinity", "NaN", "null", "é"),
    *("\n", "true", "10", "9", "B", "ﬁ", "ÿ", [1], [[1, 2], [3]], ["a", "b"], {"b": None}),
)
OPERATORS = (
    *("+", "-", "*", "/", "%", "==", "===", "!=", "!==", "<", ">", "<=", ">=", "&&", "||", "??"),
)
OF_TWO = (
    *(f"a {operator} b" for operator in OPERATORS),
    *(
        "a ? b : 7",
        "a[b]",
        "a?.[b]",
        "a.b?.c",
        "a.a ?? b",
        "`${a}|${b}`",
        "[a, b]",
        "{x: a, y: b}.x",
    ),
    *("a.includes(b)", "a?.includes(b)", "a.startsWith(b)", "a.endsWith(b)", "[a].includes(b)"),
    *(
        "a.split(b)",
        "a.join(b)",
        "a.slice(b)",
        "a.slice(b, 2)",
        "a.slice(0, b)",
        "[a, b].join('-')",
    ),
    *(
        "Math.max(a, b)",
        "Math.min(a, b)",
        "[a, b].filter(x => x).length",
        "[b, a].map((x, i) => x + i)",
    ),
    *(
        "a.filter(x => x == b)",
        "a.some(x => x === b)",
        "a.every(x => x != b)",
        "a.find(x => x > b)",
    ),
    *("a + b + ''", "a * 1 === b", "[a, b].slice(-1)[0]", "[[a], b][0][0]", "a.length > 1 && b"),
)
OF_ONE = (
    *(
        "-a",
        "+a",
        "!a",
        "!!a",
        "- -a",
        "a.length",
        "a.trim()",
        "a.toLowerCase()",
        "a.toUpperCase()",
    ),
    *("Math.round(a)", "Math.floor(a)", "Math.ceil(a)", "a == null", "a === undefined", "'' + a"),
    *(
        "a.map(x => x)",
        "a.split('')",
        "a.split().length",
        "a.join()",
        "[a][0] === a",
        "a.b",
        "a?.b",
    ),
)
NAMES = {"a": ValueName("a"), "b": ValueName("b")}


def emitted(code: Any, given: dict[str, Any]) -> Any:
    try:
        return written(eval(code, {"js": js, **given}))
    except (ExpressionFailed, AttributeError, TypeError):
        return ["throws"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "values", [VALUES, pytest.param((*VALUES, *MORE), marks=pytest.mark.long)], ids=["some", "all"]
)
def test_every_pair_of_values_means_what_it_means_to_node(values: tuple[Any, ...]) -> None:
    # Copies: two lists that look alike are not the same one.
    scopes = [
        {"a": copy.deepcopy(one), "b": copy.deepcopy(other)} for one in values for other in values
    ]
    every = list(range(len(scopes)))
    alone = [at * len(values) for at in range(len(values))]
    asked = [*((text, every) for text in OF_TWO), *((text, alone) for text in OF_ONE)]
    answers = in_node(asked, scopes)
    different: list[str] = []
    pairs = 0
    for (text, where), theirs in zip(asked, answers, strict=True):
        expression = compile_expression(text, NAMES)
        code = compile(expression.python, "<emitted>", "eval")
        for at, answer in zip(where, theirs, strict=True):
            pairs += 1
            for way, ours in (
                ("evaluate", interpreted(expression, scopes[at])),
                ("python", emitted(code, scopes[at])),
            ):
                if not alike(ours, answer):
                    different.append(f"{way}: {text} in {scopes[at]}: {ours}, Node {answer}")
    assert different == []
    assert pairs > 20_000
