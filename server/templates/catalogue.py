"""The templates that come along, with their questions.

A template is a plain definition, ``templates/workflows/<id>.yaml``, that checks and compiles as it
stands. What it asks lies apart, in ``templates/questions/<id>.yaml``::

    kind: template                # or example
    summary: Discover → Execute → Notify
    questions:
      - {id: database, ask: "Which database?", type: connection, variable: database}
      - {id: approvers, ask: "Who approves?", type: approvers, places: [nodes.approval.approvers]}

A question fills a variable's default, or the places it names; a secret goes into the store, never
into the definition. What an answer replaces is the question's default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[2] / "templates"

QuestionType = Literal[
    "connection", "secret", "text", "number", "cron", "timezone", "approvers", "emails"
]


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    ask: str
    type: QuestionType
    help: str = ""
    required: bool = True
    variable: str = ""
    places: tuple[str, ...] = ()
    """Dotted paths into the definition."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Every place in the definition that the answer goes to."""
        if self.type == "secret":
            return ()
        return (*self.places, *([f"variables.{self.variable}.default"] if self.variable else []))


class Questions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["template", "example"]
    summary: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Template:
    id: str
    name: str
    description: str
    trigger: str
    tags: tuple[str, ...]
    kind: Literal["template", "example"]
    summary: str
    questions: tuple[Question, ...]
    text: str
    """The definition, YAML."""

    def default(self, question: Question) -> Any:
        """What the definition says where the answer would go; None for a secret."""
        for target in question.targets:
            value: Any = yaml.safe_load(self.text)
            for part in target.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            return value
        return None


class UnknownTemplate(LookupError):
    """No template has this id."""


def template(id: str) -> Template:  # noqa: A002 - the user's word
    """The template called ``id``. Raises UnknownTemplate."""
    for one in templates():
        if one.id == id:
            return one
    known = ", ".join(one.id for one in templates())
    raise UnknownTemplate(f"there is no template '{id[:64]}'; there are {known}")


@cache
def templates() -> tuple[Template, ...]:
    """All of them: templates first, then examples, each by name."""
    found = [_read(file) for file in (ROOT / "questions").glob("*.yaml")]
    return tuple(sorted(found, key=lambda one: (one.kind != "template", one.name)))


def _read(file: Path) -> Template:
    asked = Questions.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    text = (ROOT / "workflows" / file.name).read_text(encoding="utf-8")
    definition = yaml.safe_load(text)
    return Template(
        id=file.stem,
        name=definition["name"],
        description=definition["description"],
        trigger=definition["trigger"],
        tags=tuple(definition["tags"]),
        kind=asked.kind,
        summary=asked.summary,
        questions=asked.questions,
        text=text,
    )
