"""Templates: what a message says, with details and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_tasks.errors import StepConfigError
from runtime_tasks.notifications.message import Template, compose, parse_template, template_names
from runtime_tasks.notifications.preview import Provider, preview

BUILT_IN = [
    "approval_requested",
    "migration_failed",
    "migration_success",
    "pending_found",
    "report",
]


def test_the_five_templates_are_there() -> None:
    assert template_names() == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_template_needs_no_details(name: str) -> None:
    message = compose(name, "the author's words")
    assert message.text == "the author's words"
    assert message.title
    assert (message.facts, message.items, message.document) == ((), (), "")


@pytest.mark.parametrize("provider", ["slack", "email", "pagerduty", "webhook"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_every_template_can_be_previewed_for_every_provider(name: str, provider: Provider) -> None:
    shown = str(preview(provider, name, "the author's words"))
    assert "author" in shown
    assert "production" in shown


def test_what_a_hole_finds_is_no_template() -> None:
    message = compose(
        "migration_failed", "{{ details.message }}", details={"message": "{{ message }}"}
    )
    assert message.text == "{{ details.message }}"
    assert dict(message.facts)["Error"] == "{{ message }}"


def test_a_team_has_templates_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "short.yaml").write_text(
        "title: Done by {{ details.by }}\nfacts:\n  Run: '{{ execution }}'\n"
    )
    (tmp_path / "report.yaml").write_text("title: Ours\n")
    monkeypatch.setenv("DATAROLL_MESSAGE_TEMPLATES", str(tmp_path))
    assert "short" in template_names()
    message = compose("short", "words", details={"by": ["a", "b"]}, execution="e-1")
    assert (message.title, message.facts) == ("Done by a, b", (("Run", "e-1"),))
    assert compose("report", "").title == "Ours"


def test_a_long_list_is_counted() -> None:
    message = compose("pending_found", "", details={"migrations": [{"id": n} for n in range(30)]})
    assert (len(message.items), message.items[-1]) == (21, "and 10 more")


@pytest.mark.parametrize("name", ["nowhere", "../slack", "a/b", ".", "x" * 99])
def test_an_unknown_template_says_which_there_are(name: str) -> None:
    with pytest.raises(StepConfigError, match="there are: approval_requested, migration_failed"):
        compose(name, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: [", "no YAML"),
        ("text: x\n", "title: Field required"),
        ("title: x\ncolour: red\n", "colour: Extra inputs"),
        ("title: x\nseverity: loud\n", "severity: Input should be"),
        ("- x\n", "text: Input should be"),
        ("title: 2026-99-99\n", "no YAML"),
        ("title: " + "[" * 5000, "no YAML"),
    ],
)
def test_a_template_that_is_wrong_says_where(text: str, problem: str) -> None:
    with pytest.raises(StepConfigError, match=problem):
        parse_template(text)


def test_a_hole_holds_a_path_and_nothing_else() -> None:
    template = Template(title="{{ details.__class__.mro }} {{ 1 + 1 }} {% for %}")
    assert compose(template, "", details="x").title == " {{ 1 + 1 }} {% for %}"
