"""The flow's parameters as JSON Schema, in the form that a Prefect deployment takes."""

from __future__ import annotations

from typing import Any

from compiler.definition import Definition, Variable
from compiler.names import python_name
from compiler.plan import Plan

_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int | float": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict | list | None": {"type": ["object", "array", "null"]},
    "list": {"type": "array"},
    "dict | None": {"type": ["object", "null"]},
}


def parameters_schema(plan: Plan, definition: Definition) -> dict[str, Any]:
    """Properties in the order of the signature; ``title`` is the name in the definition."""
    variables = {python_name(variable.name): variable for variable in definition.variables}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for position, parameter in enumerate(plan.parameters):
        schema: dict[str, Any] = {
            "title": parameter.input,
            **_TYPES[parameter.annotation],
            "position": position,
        }
        variable = variables.get(parameter.name)
        if variable is not None and variable.description:
            schema["description"] = variable.description
        if variable is not None:
            schema |= _limits(variable)
        if parameter.default is None:
            required.append(parameter.name)
        elif variable is None or variable.default:
            schema["default"] = variable.default.plain() if variable and variable.default else None
        properties[parameter.name] = schema
    return {
        "title": "Parameters",
        "type": "object",
        "properties": properties,
        "required": required,
        "definitions": {},
    }


def _limits(variable: Variable) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if variable.pattern:
        limits["pattern"] = f"^(?:{variable.pattern})$"
    if variable.enum:
        limits["enum"] = list(variable.enum)
    if variable.type == "connection":
        limits["x-widget"] = "connection"
    return limits
