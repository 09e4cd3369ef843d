"""What a flow is called with, in the shape that its generated code reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import TypeAdapter


def called_with(flow: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the flow: as given, in its declared type, or else its default."""
    hints = get_type_hints(flow)
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(flow).parameters.items():
        if name in given:
            found[name] = TypeAdapter(hints.get(name, Any)).validate_python(given[name])
        elif parameter.default is not parameter.empty:
            found[name] = parameter.default
        else:
            raise TypeError(f"the run has no value for '{name}'")
    return found


def with_attributes(given: Mapping[str, Any] | None, *names: str) -> SimpleNamespace:
    """An input whose shape is known, as generated code reads it: ``currentUser.teamOwner``."""
    return SimpleNamespace(**{**dict.fromkeys(names), **(given or {})})
