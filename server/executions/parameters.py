"""What a flow run is given: declared variables, checked, and the implicit inputs.

A variable's value is, in this order: what the caller sends, the declared
default, the team's variable of the same name and type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import SchemaError

from compiler.variables import matches
from server.errors import Invalid
from server.workflows.facts import Declared, Facts

MAX_BYTES = 400_000
"""Prefect takes 512 KiB of parameters; what we add ourselves needs room too."""

LONGEST_MATCHED = 1000
"""Characters of a value that has a pattern."""

TYPES: dict[str, tuple[str, Any]] = {
    "string": ("a text", lambda value: isinstance(value, str)),
    "number": (
        "a number",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    ),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "object": ("an object", lambda value: isinstance(value, dict)),
    "list": ("a list", lambda value: isinstance(value, list)),
    "connection": ("the id of a connection", lambda value: isinstance(value, str)),
}


def build_variables(
    facts: Facts, sent: Mapping[str, Any], team: Mapping[str, tuple[str, Any]]
) -> dict[str, Any]:
    """Raises Invalid with every wrong variable. ``team`` maps a name to its type and value."""
    declared = {variable.name: variable for variable in facts.variables}
    errors = [
        _error(name, "is not declared by this workflow", "unknown-variable")
        for name in sent
        if name not in declared and name != "connectionId"
    ]
    values: dict[str, Any] = {}
    for name, variable in declared.items():
        if variable.is_secret:
            if name in sent:
                errors.append(
                    _error(name, "is a secret: set it under variables, never in a run", "secret")
                )
            continue
        given, value = _value(variable, sent, team)
        if not given:
            # Without a value the flow takes its type's empty one.
            if variable.required:
                errors.append(_error(name, "is required", "required"))
            continue
        problem = _wrong(variable, value)
        if problem:
            errors.append(_error(name, problem, "invalid"))
        values[name] = value
    if errors:
        raise Invalid("the run's variables are not right", errors=errors)
    if len(json.dumps(values)) > MAX_BYTES:
        raise Invalid(f"the variables take more than {MAX_BYTES // 1000} kB")
    return values


def _error(name: str, message: str, code: str) -> dict[str, str]:
    return {"field": f"variables.{name[:100]}", "message": message, "code": code}


def _value(
    variable: Declared, sent: Mapping[str, Any], team: Mapping[str, tuple[str, Any]]
) -> tuple[bool, Any]:
    # Null is no value, except where it is one.
    if variable.name in sent and (sent[variable.name] is not None or variable.type == "object"):
        return True, sent[variable.name]
    if variable.has_default:
        return True, variable.default
    kind, value = team.get(variable.name, ("", None))
    return kind == variable.type, value


def _wrong(variable: Declared, value: Any) -> str | None:
    if value is None and variable.type == "object":
        return None
    what, fits = TYPES.get(variable.type, ("", lambda value: True))
    if not fits(value):
        return f"must be {what}"
    if variable.choices is not None and value not in variable.choices:
        return f"must be one of {', '.join(map(str, variable.choices[:20]))}"
    if variable.pattern is not None and isinstance(value, str):
        return _pattern_problem(variable.pattern, value)
    return None


def _pattern_problem(pattern: str, value: str) -> str | None:
    if len(value) > LONGEST_MATCHED:
        return f"is longer than {LONGEST_MATCHED} characters"
    try:
        return None if matches(pattern, value) else f"does not match {pattern}"
    except SchemaError:
        return f"cannot be checked: {pattern} is not a regular expression"
