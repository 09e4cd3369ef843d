"""What is said of a step's parameter beside its type: which widget edits it, what it must be.

The compiler reads the marks as they are. A model that is built from a step's signature finds in
them what pydantic asks of an annotation, so nothing here needs pydantic before there is a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Widget:
    """The editor's widget, and other keys of the parameter's JSON Schema."""

    name: str
    extra: Mapping[str, Any]

    def keys(self) -> dict[str, Any]:
        return {"x-widget": self.name, **self.extra}

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), **self.keys()}


def widget(name: str, **extra: Any) -> Widget:
    """Mark a parameter with the editor widget that edits it (JSON Schema key ``x-widget``)."""
    return Widget(name, extra)


@dataclass(frozen=True)
class Checked:
    """A parameter's value must pass ``check``, which raises ValueError or returns it."""

    check: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class NeverNull:
    """Marks a parameter for which null is refused instead of left out: leaving it out means more
    than nothing, and a value that was never found must not mean that. ``instead``: what to write.
    """

    instead: str


def marks_of(annotation: Any) -> tuple[Any, ...]:
    """What stands behind the type in an ``Annotated``."""
    found: tuple[Any, ...] = getattr(annotation, "__metadata__", ())
    return found


def schema_keys(annotation: Any) -> dict[str, Any]:
    """The JSON Schema keys that widgets of an annotation give."""
    keys: dict[str, Any] = {}
    for mark in marks_of(annotation):
        if isinstance(mark, Widget):
            keys |= mark.keys()
    return keys


def never_null(annotation: Any) -> NeverNull | None:
    """The mark of an annotation, if it has it."""
    return next((mark for mark in marks_of(annotation) if isinstance(mark, NeverNull)), None)
