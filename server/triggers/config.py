"""What each kind of trigger is told. Keys and secrets are no part of it: those are never read back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, field_validator

from runtime_tasks.steps.cron import check_cron, check_timezone
from runtime_tasks.steps.triggers import check_event
from server.errors import Invalid
from server.schemas import Body, JsonObject, ShortText
from server.triggers.filters import compiled

TriggerType = Literal["manual", "scheduled", "webhook", "event"]
Scheme = Literal["standard", "github", "gitlab", "shared-secret"]


def _filter(text: str) -> str:
    if text:
        compiled(text)
    return text


Filter = Annotated[ShortText, AfterValidator(_filter)]


class Scheduled(Body):
    cron: Annotated[str, Field(max_length=200), AfterValidator(check_cron)]
    timezone: Annotated[str, Field(max_length=100), AfterValidator(check_timezone)] = "UTC"
    catch_up: Literal["skip", "latest"] = "skip"
    """What becomes of times that passed while nothing could start the run."""
    variables: JsonObject = Field(default_factory=dict)
    connection_id: ShortText | None = None
    description: ShortText = ""


class Manual(Body):
    description: ShortText = ""


class Started(Body):
    """A trigger that brings a payload, and what it hands to the run besides."""

    filter: Filter = ""
    variables: JsonObject = Field(default_factory=dict)
    connection_id: ShortText | None = None
    description: ShortText = ""


class Webhook(Started):
    scheme: Scheme = "standard"
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")] | None = None
    """Of ``shared-secret``: the header that carries it, where the sender cannot choose ours."""
    path: ShortText = ""
    """What it is called; the address is made of a random key."""


class Event(Started):
    event: ShortText

    @field_validator("event")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_event(value)


MODELS: dict[str, type[Body]] = {
    "manual": Manual,
    "scheduled": Scheduled,
    "webhook": Webhook,
    "event": Event,
}


def checked(type_: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration as it is stored. Raises Invalid that names the fields."""
    try:
        return MODELS[type_].model_validate(config).model_dump(by_alias=True, exclude_none=True)
    except ValidationError as error:
        problems = [
            {
                "field": ".".join(["config", *(str(part) for part in each["loc"])]),
                "message": each["msg"].removeprefix("Value error, "),
                "code": each["type"],
            }
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise Invalid("the trigger's configuration is not right", errors=problems) from None
