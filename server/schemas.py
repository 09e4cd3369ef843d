"""The base of every HTTP body: camelCase JSON, unknown fields refused, text that databases take."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

MAX_DEPTH = 40
MAX_NUMBER = 2**63 - 1


class Answer(BaseModel):
    """What we send."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
    )


class Body(BaseModel):
    """What we are sent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """One page of a list, newest first. ``nextCursor`` is null on the last one."""

    items: list[Item]
    next_cursor: str | None = None


class FieldProblem(Answer):
    field: str
    message: str
    code: str = "invalid"


class ProblemDocument(BaseModel):
    """RFC 9457. ``errors`` names the fields, ``problems`` the places in a definition."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None
    problems: list[dict[str, Any]] | None = None


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the character U+0000 is not allowed")
    return text


def checked_json(value: Any, depth: int = 0) -> Any:
    """Refuse what JSON or a text column cannot hold, before it gets anywhere."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise ValueError("half a surrogate pair is not text")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("NaN and Infinity are not JSON")
    elif isinstance(value, int):
        if abs(value) > MAX_NUMBER:
            raise ValueError("the number does not fit into 64 bits")
    elif isinstance(value, dict):
        for key, inner in value.items():
            checked_json(key, depth + 1)
            checked_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            checked_json(inner, depth + 1)
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies before the first year or after the last one") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with its zone, made UTC."""
Text = Annotated[str, AfterValidator(_storable)]
"""A string any database can store."""
Json = Annotated[Any, AfterValidator(checked_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(checked_json)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_storable),
]
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]
ShortText = Annotated[str, StringConstraints(max_length=500), AfterValidator(_storable)]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    AfterValidator(_storable),
]
Tags = Annotated[list[Tag], Field(max_length=50)]
