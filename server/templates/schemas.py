"""What the template routes take and give."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from server.schemas import Answer, Body, JsonObject, Name


class QuestionAnswer(Answer):
    id: str
    ask: str
    type: str
    help: str = ""
    required: bool = True
    default: Any = None
    """What stands when nothing is answered; never for a secret."""


class TemplateAnswer(Answer):
    id: str
    name: str
    description: str
    kind: str
    """``template`` or ``example``."""
    summary: str
    trigger: str
    tags: list[str]
    questions: list[QuestionAnswer]
    content: str
    """The definition."""
    format: str = "yaml"


class FromTemplate(Body):
    name: Name | None = None
    team_id: str | None = Field(None, max_length=25)
    answers: JsonObject = Field(default_factory=dict)
