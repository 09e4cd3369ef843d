"""What a template asks, and what becomes of the answers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from server.templates import docs
from server.templates.answers import BadAnswers, answered, checked, replaced
from server.templates.catalogue import (
    ROOT,
    Question,
    Template,
    UnknownTemplate,
    template,
    templates,
)

WISHED = {
    "Simple Migration",
    "Prod Safe",
    "Multi-Env",
    "Scheduled",
    "Approval Chain",
    "Data Validation",
    "Daily Auto-Migration Check",
    "Staged Rollout",
    "Deployment Pipeline",
    "Weekly Audit",
    "Emergency Rollback",
}
SAMPLES: dict[str, Any] = {
    "connection": 'orders: "x" # y',
    "secret": "hush '\"\n hush",
    "text": "critical: [yes]",
    "number": 3,
    "cron": "5 4 * * sun",
    "timezone": "Asia/Tokyo",
    "approvers": ["ann@example.org", "role:owner"],
    "emails": ["ann@example.org"],
}


def test_the_six_templates_and_five_examples_are_there() -> None:
    assert {one.name for one in templates()} == WISHED
    assert [one.kind for one in templates()] == ["template"] * 6 + ["example"] * 5


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.id)
def test_every_answer_lands_in_its_place_and_nothing_else_changes(one: Template) -> None:
    answers = {question.id: SAMPLES[question.type] for question in one.questions}
    made = answered(one, answers, name='Ours: "the best"')
    definition, before = yaml.safe_load(made.text), yaml.safe_load(one.text)
    places = [(place, question) for question in one.questions for place in question.targets]
    for place, question in places:
        assert pop(definition, place) == SAMPLES[question.type]
        pop(before, place)
    assert definition.pop("name") == 'Ours: "the best"'
    before.pop("name")
    assert definition == before
    assert made.secrets == {
        question.variable: SAMPLES["secret"]
        for question in one.questions
        if question.type == "secret"
    }
    assert "hush" not in made.text
    assert "hush" not in repr(made)
    comments = [line for line in one.text.splitlines() if line.lstrip().startswith("#")]
    assert all(comment in made.text for comment in comments)


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.id)
def test_without_answers_the_template_stands_as_it_is(one: Template) -> None:
    assert answered(one, {}).text == one.text


@pytest.mark.parametrize("one", templates(), ids=lambda one: one.id)
def test_every_question_has_a_default_or_is_a_secret_of_the_definition(one: Template) -> None:
    variables = yaml.safe_load(one.text)["variables"]
    for question in one.questions:
        if question.type == "secret":
            assert variables[question.variable]["type"] == "secret"
        else:
            assert one.default(question) is not None, question.id
    secrets = {name for name, entry in variables.items() if entry["type"] == "secret"}
    assert secrets == {q.variable for q in one.questions if q.type == "secret"}


def test_all_wrong_answers_are_said_at_once() -> None:
    with pytest.raises(BadAnswers) as caught:
        answered(
            template("scheduled"),
            {"cron": "0 0 31 2 *", "timezone": "Mars", "database": "{{ x }}", "colour": "red"},
        )
    assert set(caught.value.problems) == {"cron", "timezone", "database", "colour"}


@pytest.mark.parametrize(
    ("type_", "answer"),
    [
        ("text", "two\nlines"),
        ("text", "\u202eturned"),
        ("text", "x" * 2001),
        ("text", ["x"]),
        ("number", "3"),
        ("number", True),
        ("number", -1),
        ("approvers", []),
        ("approvers", ["a@b@c d"]),
        ("emails", ["role:owner"]),
        ("emails", "nobody"),
        ("secret", 5),
    ],
)
def test_an_answer_that_cannot_be_right_is_refused(type_: Any, answer: Any) -> None:
    with pytest.raises(ValueError):
        checked(Question(id="q", ask="?", type=type_), answer)


def test_a_value_over_several_lines_is_not_exchanged_blindly() -> None:
    with pytest.raises(ValueError, match="several lines"):
        replaced("a:\n  - 1\n  - 2\nb: 3\n", {"a": [1]})


def test_the_page_about_the_templates_is_up_to_date() -> None:
    written = (ROOT.parent / "docs" / "templates.md").read_text(encoding="utf-8")
    assert written == docs.markdown(), "run: make api-docs"


def test_every_template_draws_each_of_its_nodes_in_its_comment() -> None:
    for one in templates():
        drawn = docs.drawing(one.text)
        nodes = yaml.safe_load(one.text)["nodes"]
        missing = [name for name, node in nodes.items() if name not in drawn and name != "start"]
        assert missing == [], one.id


def test_an_unknown_template_is_said() -> None:
    with pytest.raises(UnknownTemplate, match="no template 'nothing'"):
        template("nothing")


def pop(value: Any, path: str) -> Any:
    *parents, last = path.split(".")
    for part in parents:
        value = value[part]
    return value.pop(last)
