"""A trigger's configuration, checked by kind before it is kept."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from compiler.cron import cron_problem, timezone_problem
from compiler.errors import ExpressionError
from server.errors import Invalid
from server.schemas import Body, JsonObject
from server.triggers.filters import compiled_filter

Short = Annotated[str, StringConstraints(max_length=200)]


def _cron(text: str) -> str:
    problem = cron_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _timezone(text: str) -> str:
    problem = timezone_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _filter(text: str) -> str:
    try:
        compiled_filter(text)
    except ExpressionError as error:
        raise ValueError(f"column {error.column}: {error.message}") from None
    return text


def _header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}", name):
        raise ValueError("is not the name of a header")
    return name


Filter = Annotated[str, StringConstraints(max_length=5000), AfterValidator(_filter)]


class Manual(Body):
    description: Short = ""


class Started(Body):
    """What a trigger that nobody presses hands to the run."""

    description: Short = ""
    variables: JsonObject = Field(default_factory=dict)
    connection_id: Short | None = None
    filter: Filter | None = None


class Scheduled(Body):
    variables: JsonObject = Field(default_factory=dict)
    connection_id: Short | None = None
    cron: Annotated[str, StringConstraints(max_length=200), AfterValidator(_cron)]
    timezone: Annotated[Short, AfterValidator(_timezone)] = "UTC"
    description: Short = ""


class Webhook(Started):
    path: Short = ""
    scheme: Literal["standard", "github", "gitlab", "shared-secret"] = "standard"
    header: Annotated[str, AfterValidator(_header)] | None = None


class Event(Started):
    event: Annotated[str, StringConstraints(min_length=1, max_length=100)]


KINDS: dict[str, type[Body]] = {
    "manual": Manual,
    "scheduled": Scheduled,
    "webhook": Webhook,
    "event": Event,
}


def checked_config(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration in full. Raises Invalid with every wrong field."""
    try:
        model = KINDS[kind].model_validate(config)
    except ValidationError as error:
        raise Invalid(
            f"the configuration of a {kind} trigger is not right",
            errors=[
                {
                    "field": ".".join(["config", *map(str, each["loc"])]),
                    "message": each["msg"].removeprefix("Value error, "),
                    "code": each["type"].replace("_", "-"),
                }
                for each in error.errors()
            ],
        ) from None
    return model.model_dump(by_alias=True, exclude_none=True)
