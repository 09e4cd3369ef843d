"""What people write, and the Python a reviewer reads."""

from __future__ import annotations

import pytest

from compiler.expressions import (
    ExpressionError,
    NodeName,
    SecretName,
    ValueName,
    compile_expression,
    compile_template,
)
from compiler.expressions.types import NUMBER, STRING, object_type, type_of_annotation
from runtime_tasks.steps.http import HttpOutput
from runtime_tasks.steps.migrations import DiscoverOutput

DISCOVERED = type_of_annotation(DiscoverOutput)
NAMES = {
    "discover-1": NodeName("discover-1", "discover_1", DISCOVERED),
    "maybe-1": NodeName("maybe-1", "maybe_1", DISCOVERED, "maybe"),
    "later-1": NodeName("later-1", "later_1", DISCOVERED, "not-ancestor"),
    "call-1": NodeName("call-1", "call_1", type_of_annotation(HttpOutput)),
    "connectionId": ValueName("connectionId", STRING),
    "targetEnv": ValueName("targetEnv", STRING),
    "count": ValueName("count", NUMBER),
    "trigger": ValueName("trigger"),
    "currentUser": ValueName("currentUser", object_type({"email": STRING}, more=True)),
    "slackWebhook": SecretName("slackWebhook"),
    "token": SecretName("token"),
}

PYTHON = [
    ("discover-1.output.migrations.length > 0", "len(discover_1.output.migrations) > 0"),
    ("discover-1.output.connectionId", "discover_1.output.connection_id"),
    ("targetEnv === 'prod' && count > 3", 'targetEnv == "prod" and count > 3'),
    ("!discover-1.output.problems.includes('a')", '"a" not in discover_1.output.problems'),
    (
        "discover-1.output.migrations.map(m => m.name).join(', ')",
        '", ".join([m.name for m in discover_1.output.migrations])',
    ),
    (
        "discover-1.output.migrations.some(m => m.status !== 'pending')",
        'any(m.status != "pending" for m in discover_1.output.migrations)',
    ),
    (
        "maybe-1?.output.migrations.length ?? 0",
        "len(maybe_1.output.migrations) if maybe_1.output is not None else 0",
    ),
    (
        "maybe-1.status === 'success' ? maybe-1.output.tool : ''",
        'maybe_1.output.tool if maybe_1.status == "success" else ""',
    ),
    ("trigger.body.ref === 'main'", 'js.get(trigger, "body", "ref") == "main"'),
    ("call-1.output.body.id", 'js.value(call_1.output.body, "id")'),
    ("call-1.output.status >= 400", "call_1.output.status >= 400"),
]


@pytest.mark.parametrize(("text", "python"), PYTHON)
def test_an_expression_becomes_the_python_a_person_would_write(text: str, python: str) -> None:
    assert compile_expression(text, NAMES).python == python


TEMPLATES = [
    ("plain text", '"plain text"'),
    ("{{ connectionId }}", "connectionId"),
    ("{{ discover-1.output.migrations }}", "discover_1.output.migrations"),
    ("Applied to {{ targetEnv }}!", 'f"Applied to {targetEnv}!"'),
    ("By {{ currentUser.email }}", 'js.text("By ", js.get(currentUser, "email"))'),
    ("{{ slackWebhook }}", 'secret("slackWebhook")'),
    ("Bearer {{ token }}", 'secret_text("Bearer ", secret("token"))'),
]


@pytest.mark.parametrize(("text", "python"), TEMPLATES)
def test_a_string_with_holes_becomes_python(text: str, python: str) -> None:
    assert compile_template(text, NAMES).python == python


PROBLEMS = [
    ("discover-2.output", "unknown-name", 1, "did you mean discover-1?"),
    ("discover-1.output.migration", "unknown-field", 19, "did you mean migrations?"),
    ("discover-1.output.tool > 3", "unlike-types", 24, None),
    ("maybe-1.output.tool", "may-not-have-run", 1, None),
    ("  later-1.status", "not-an-ancestor", 3, None),
    ("token + 'x'", "secret-not-allowed", 1, None),
    ("targetEnv.constructor", "not-in-language", 11, None),
    ("targetEnv = 'a'", "not-in-language", 11, "compare with ==="),
]


@pytest.mark.parametrize(("text", "code", "column", "hint"), PROBLEMS)
def test_a_problem_has_a_code_a_place_and_a_hint(
    text: str, code: str, column: int, hint: str | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, NAMES)
    assert (caught.value.code, caught.value.column) == (code, column)
    if hint:
        assert caught.value.hint == hint


def test_bare_names_have_unknown_types() -> None:
    expression = compile_expression("discover-1.output.migrations.length > 0", ["discover-1"])
    assert expression.evaluate({"discover-1": {"output": {"migrations": [1]}}}) is True
    assert expression.references == {"discover-1"}
