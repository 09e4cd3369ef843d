"""Variables: their types, and what they may hold."""

from __future__ import annotations

from typing import Any

import pytest

from compiler import DefinitionError, compile_workflow


def compiled(**variables: dict[str, Any]) -> Any:
    lines = [
        *('version: "1.0"', "name: Variables", "nodes:", "  start: {type: trigger}", "variables:"),
        *(
            f"  {name}: {{{', '.join(f'{key}: {value}' for key, value in entry.items())}}}"
            for name, entry in variables.items()
        ),
    ]
    return compile_workflow("\n".join(lines), "yaml")


def problem(**variables: dict[str, Any]) -> str:
    with pytest.raises(DefinitionError) as caught:
        compiled(**variables)
    [only] = caught.value.problems
    return f"{only.code} {only.field}: {only.message}"


def test_every_type_becomes_a_parameter() -> None:
    flow = compiled(
        text={"type": "string"},
        number={"type": "number", "default": 1.5},
        yes={"type": "boolean", "default": "false"},
        thing={"type": "object", "default": "{a: [1]}"},
        hosts={"type": "list", "default": "[a, b]"},
        database={"type": "connection", "default": "production"},
        token={"type": "secret"},
    )
    for parameter in (
        "    text: str,",
        "    number: int | float = 1.5,",
        "    yes: bool = False,",
        '    thing: dict | list | None = {"a": [1]},',
        '    hosts: list = ["a", "b"],',
        '    database: str = "production",',
    ):
        assert parameter in flow.source
    assert "token" not in flow.source


def test_what_need_not_be_given_is_empty() -> None:
    flow = compiled(
        a={"type": "string", "required": "false"},
        b={"type": "list", "required": "false"},
        c={"type": "number", "required": "false"},
    )
    assert '    a: str = "",' in flow.source
    assert "    b: list = []," in flow.source
    assert "    c: int | float = 0," in flow.source


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "list", "default": "x"}, "wrong-type v: the default of 'v' is no list"),
        ({"type": "connection", "default": 1}, "wrong-type v: the default of 'v' is no connection"),
        (
            {"type": "string", "pattern": "'[a-z]+'", "default": "A1"},
            "unknown-value v: the default of 'v' does not match its pattern",
        ),
        (
            {"type": "string", "enum": "[a, b]", "default": "c"},
            "unknown-value v: the default of 'v' is none of its values",
        ),
        (
            {"type": "string", "pattern": "'['"},
            "bad-pattern v: the pattern of 'v' is no regular expression",
        ),
        (
            {"type": "string", "pattern": "'a)|(.*'"},
            "bad-pattern v: the pattern of 'v' is no regular expression",
        ),
        (
            {"type": "string", "pattern": "x" * 201},
            "bad-pattern v: the pattern of 'v' has more than 200 characters",
        ),
        ({"type": "number", "pattern": "x"}, "wrong-type v: 'pattern' is for variables of type"),
        ({"type": "number", "enum": "[1, a]"}, "wrong-type v: 'enum' takes a list of numbers"),
        ({"type": "string", "required": "perhaps"}, "wrong-type v: 'required' takes true or"),
    ],
)
def test_a_limit_that_makes_no_sense_is_a_problem(entry: dict[str, Any], expected: str) -> None:
    assert problem(v=entry).startswith(expected)


def test_a_pattern_cannot_be_made_to_take_for_ever() -> None:
    assert "does not match" in problem(
        v={"type": "string", "pattern": "'(a+)+b'", "default": "a" * 5000}
    )
