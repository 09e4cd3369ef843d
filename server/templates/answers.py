"""From a template and answers to a definition: only the answered places change.

::

    made = answered(template("prod_safe"), {"database": "orders", "slackWebhook": "https://…"})
    made.text        # the definition, its comments kept
    made.secrets     # {"slackWebhook": "https://…"}, to be stored encrypted
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from runtime_tasks.steps.cron import check_cron, check_timezone
from server.templates.catalogue import Question, Template

EMAIL = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+")
LONGEST = 2000


class BadAnswers(ValueError):
    """Some answers are missing or cannot be right. ``problems`` maps questions to sentences."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{asked}: {text}" for asked, text in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Answered:
    text: str
    secrets: Mapping[str, str] = field(repr=False)
    """By the variable's name."""


def answered(template: Template, answers: Mapping[str, Any], *, name: str = "") -> Answered:
    """The definition with ``answers`` in their places. Raises BadAnswers with all problems."""
    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    known = {question.id: question for question in template.questions}
    for id in answers.keys() - known.keys():  # noqa: A001
        problems[id] = f"this is not asked; the questions are {', '.join(known)}"
    for question in template.questions:
        answer = answers.get(question.id)
        if answer is None or answer == "":
            continue  # what the template says stands, and a secret can be set later
        try:
            value = checked(question, answer)
        except ValueError as error:
            problems[question.id] = str(error)
            continue
        if question.type == "secret":
            secrets[question.variable] = value
        for target in question.targets:
            values[target] = value
    if problems:
        raise BadAnswers(problems)
    if name:
        values["name"] = name
    return Answered(replaced(template.text, values), secrets)


def checked(question: Question, answer: Any) -> Any:
    """The answer as the definition will have it. Raises ValueError with what is wrong."""
    match question.type:
        case "number":
            if isinstance(answer, bool) or not isinstance(answer, int | float) or answer < 0:
                raise ValueError("a number from 0 on")
            return answer
        case "approvers" | "emails":
            items = [answer] if isinstance(answer, str) else answer
            if not isinstance(items, list) or not 0 < len(items) <= 100:
                raise ValueError("a list with at least one entry")
            for item in items:
                _text(item)
                if not EMAIL.fullmatch(item) and (question.type == "emails" or "@" in item):
                    raise ValueError(f"'{item[:100]}' is no e-mail address")
            return items
        case "cron":
            return check_cron(_text(answer))
        case "timezone":
            return check_timezone(_text(answer))
        case "secret":
            # A secret is stored as it is, and is never part of the definition.
            if not isinstance(answer, str) or len(answer) > 10_000:
                raise ValueError("a text")
            return answer
        case _:
            return _text(answer)


def replaced(text: str, values: Mapping[str, Any]) -> str:
    """``text`` with the values at these paths exchanged and every other byte as it was."""
    spans: list[tuple[int, int, str]] = []
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for path, value in values.items():
        node = _at(root, path)
        written = json.dumps(value, ensure_ascii=False)
        spans.append((node.start_mark.index, node.end_mark.index, written))
    for start, end, written in sorted(spans, reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _at(node: Any, path: str) -> yaml.Node:
    for part in path.split("."):
        entries = {key.value: value for key, value in node.value}
        node = entries[part]
    if not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        raise ValueError(f"{path} is written over several lines and cannot be exchanged")
    return node  # type: ignore[no-any-return]


def _text(answer: Any) -> str:
    if not isinstance(answer, str) or not answer.strip():
        raise ValueError("a text")
    if len(answer) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters")
    if "{{" in answer or not answer.isprintable():
        raise ValueError("one line of plain text, without {{ }}")
    return answer
