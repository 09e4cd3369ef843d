"""An expression with the values that it looked at, for people who ask why."""

from __future__ import annotations

from typing import Any

import pytest

from compiler.expressions import NodeName, ValueName
from compiler.expressions.parser import parse
from compiler.expressions.shown import with_values

NAMES = {"discover-1": NodeName("discover-1", "discover_1"), "env": ValueName("env")}
SCOPE: dict[str, Any] = {
    "discover-1": {"output": {"migrations": [], "tool": "prisma"}, "status": "success"},
    "env": "production",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("discover-1.output.migrations.length > 0", "0 > 0"),
        ("discover-1.output.migrations.length > 0 && env === 'test'", '0 > 0 && "production" === "test"'),
        ("discover-1.output.tool", '"prisma"'),
        ("!(env == 'production')", '!("production" == "production")'),
        ("(env === 'a' || env === 'b') && true", '("production" === "a" || "production" === "b") && true'),
        ("env === 'a' || env === 'b' || false", '"production" === "a" || "production" === "b" || false'),
        ("discover-1.output.nothing.here > 1", "nothing > 1"),
        ("discover-1.output.migrations.some(m => m.size > 1)", "false"),
        ("(env + env).length + 1 >= 100", "21 >= 100"),
        ("env.split('') == 'x'", '["p", "r", "o", "d", "u", "c", "t", "i", "o", "n"] == "x"'),
    ],
)  # fmt: skip
def test_comparisons_stay_and_the_rest_becomes_its_value(text: str, shown: str) -> None:
    assert with_values(parse(text, NAMES), SCOPE) == shown


def test_a_long_value_is_cut() -> None:
    assert with_values(parse("env", NAMES), {"env": "x" * 100_000}) == '"' + "x" * 58 + "…"


def test_what_takes_too_long_is_not_worked_out() -> None:
    text = "env.map(a => env.map(b => env.length)).length > 1"
    assert with_values(parse(text, NAMES), {"env": [1] * 1000}) == "nothing > 1"
