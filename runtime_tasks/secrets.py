"""Secrets in generated code are references; the value is fetched where it is used.

``secret("slackWebhook")`` in a flow is safe to print, to log and to hold in a
task argument: it knows only the name. A step that is allowed to see the value
calls :func:`reveal` at the last moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class Secret:
    """A text with secrets in it, as parts: plain strings and names of secrets."""

    parts: tuple[str | SecretName, ...]

    def __str__(self) -> str:
        return "".join("••••" if isinstance(part, SecretName) else part for part in self.parts)

    __repr__ = __str__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "x-widget": "secret", "x-secret": True}


@dataclass(frozen=True)
class SecretName:
    name: str


def secret(name: str) -> Secret:
    """The secret called ``name``, unread."""
    return Secret((SecretName(name),))


def secret_text(*parts: str | Secret) -> Secret:
    """Text around secrets: ``secret_text("Bearer ", secret("token"))``."""
    flat: list[str | SecretName] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Secret) else (part,))
    return Secret(tuple(flat))


def unread(text: Secret | str) -> list[Any]:
    """The parts of a text as JSON, secrets by their names: ``["https://", {"secret": "hook"}]``."""
    parts = text.parts if isinstance(text, Secret) else (text,) if text else ()
    return [{"secret": part.name} if isinstance(part, SecretName) else part for part in parts]


SecretText = Annotated[Secret | str, "may hold secrets"]
"""Type of a step parameter in which secrets may appear (webhook URLs, headers, passwords)."""
