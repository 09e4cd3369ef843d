"""The definition format as JSON Schema (draft 2020-12), for editors and other tools.

A YAML file whose first line names the schema gets completion and checks in any editor with a
YAML language server::

    # yaml-language-server: $schema=./workflow.schema.json
"""

from __future__ import annotations

from typing import Any

from compiler.checks import CHECKS
from compiler.definition import COLLISIONS, TRIGGERS, VARIABLE_TYPES
from compiler.fields import Accepts, Field, fields_of
from compiler.graph import FAILED
from compiler.names import ID, VARIABLE
from compiler.retries import BACKOFFS, LONGEST_DELAY, MAX_RETRIES
from compiler.shape_nodes import MAX_TIMEOUT, NODE_KEYS
from runtime_tasks.output import camel_case
from runtime_tasks.steps import CATALOGUE, DISCRIMINATORS, NodeType

HOLE = {"type": "string", "pattern": r"\{\{", "description": "an expression: {{ … }}"}
JSON_TYPES = {
    "text": "string",
    "number": "number",
    "whole": "integer",
    "boolean": "boolean",
    "null": "null",
    "list": "array",
    "mapping": "object",
}


def definition_schema() -> dict[str, Any]:
    """Both shapes: nodes and variables as lists or as mappings."""
    node_types = {f"{s.type}-{s.variant}".strip("-"): _node(s) for s in CATALOGUE.values()}
    references = [{"$ref": f"#/$defs/{name}"} for name in node_types]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dataroll workflow",
        "type": "object",
        "required": ["version", "name", "nodes"],
        "additionalProperties": False,
        "properties": {
            "version": {"enum": ["1.0"], "description": "the version of this format"},
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": {"type": "string"},
            "trigger": {"enum": list(TRIGGERS), "default": "manual"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "variables": _named(_variable(), "name", VARIABLE.pattern),
            "nodes": _named({"anyOf": references}, "id", ID.pattern),
            "edges": {"type": "array", "items": _edge()},
            "settings": _settings(),
            "layout": {"type": "object", "description": "canvas positions by node id"},
        },
        "$defs": node_types,
    }


def _named(entry: dict[str, Any], key: str, pattern: str) -> dict[str, Any]:
    pattern = f"^{pattern.removesuffix(chr(92) + 'Z')}$"
    listed = {"allOf": [entry, {"required": [key]}]}
    return {
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"pattern": pattern},
                "additionalProperties": entry,
            },
            {"type": "array", "items": listed},
        ]
    }


def _node(step: NodeType) -> dict[str, Any]:
    """One node type. The list shape may hold the configuration under ``data``."""
    said = step.field_docs
    config = {
        key: _field(field, said.get(camel_case(field.parameter)))
        for key, field in fields_of(step).items()
    }
    common = {key: value for key, value in _common().items() if key not in config}
    properties: dict[str, Any] = {
        "id": {"type": "string"},
        "type": {"const": step.type},
        **common,
        **config,
    }
    required = [key for key, field in fields_of(step).items() if field.required]
    discriminator = DISCRIMINATORS.get(step.type)
    if discriminator:
        properties[discriminator] = {"const": step.variant}
        if step.type != "trigger":
            required.append(discriminator)
    inner = {key: value for key, value in properties.items() if key not in ("id", "type")}
    schema: dict[str, Any] = {
        "title": step.label,
        "description": step.description,
        "type": "object",
        "required": ["type"],
        "additionalProperties": False,
        "properties": {
            **properties,
            "data": {"type": "object", "properties": inner, "additionalProperties": False},
        },
    }
    if required:
        schema["anyOf"] = [{"required": required}, {"required": ["data"]}]
    return schema


def _field(field: Field, description: str | None) -> dict[str, Any]:
    schema = _accepts(field.accepts)
    if description:
        schema["description"] = description
    if field.least is not None and "type" in schema:
        schema["minimum"] = field.least
    if field.widget:
        schema["x-widget"] = field.widget
    if field.accepts.secret:
        schema["x-secret"] = True
    return schema


def _accepts(accepts: Accepts) -> dict[str, Any]:
    if not accepts.kinds:
        return {}
    if accepts.words:
        return {"anyOf": [{"enum": list(accepts.words)}, dict(HOLE)]}
    names = [name for kind, name in JSON_TYPES.items() if kind in accepts.kinds]
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
    if accepts.inner is not None:
        inside = "items" if "list" in accepts.kinds else "additionalProperties"
        schema[inside] = _accepts(accepts.inner)
    return schema if "string" in names else {"anyOf": [schema, dict(HOLE)]}


def _common() -> dict[str, Any]:
    flag = {"type": "boolean", "default": False}
    known: dict[str, Any] = {
        "label": {"type": "string"},
        "description": {"type": "string"},
        "notes": {"type": "string"},
        "retryable": dict(flag),
        "maxRetries": {"type": "integer", "minimum": 0, "maximum": MAX_RETRIES},
        "retryDelay": {"type": "number", "minimum": 0, "maximum": LONGEST_DELAY},
        "retryBackoff": {"enum": list(BACKOFFS), "default": BACKOFFS[0]},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT},
        "continueOnError": dict(flag),
        "disabled": dict(flag),
        "noRollback": {
            "type": "object",
            "required": ["reason", "acknowledgedBy"],
            "additionalProperties": False,
            "properties": {"reason": {"type": "string"}, "acknowledgedBy": {"type": "string"}},
        },
    }
    assert {*known, "id", "type", "data"} == set(NODE_KEYS)  # noqa: S101 - our own tables agree
    return known


def _variable() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "type": {"enum": list(VARIABLE_TYPES)},
            "default": {},
            "description": {"type": "string"},
            "required": {"type": "boolean", "default": True},
            "pattern": {"type": "string", "maxLength": 200},
            "enum": {"type": "array", "minItems": 1},
        },
    }


def _edge() -> dict[str, Any]:
    labels = dict.fromkeys(label for step in CATALOGUE.values() for label in step.branches)
    return {
        "type": "object",
        "required": ["source", "target"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string"},
            "source": {"type": "string"},
            "target": {"type": "string"},
            "label": {"enum": ["", *labels, FAILED]},
        },
    }


def _settings() -> dict[str, Any]:
    reason = {"type": "string", "minLength": 1}
    waiver = {
        "type": "object",
        "required": ["reason"],
        "additionalProperties": False,
        "properties": {
            "check": {"enum": list(CHECKS)},
            "reason": reason,
            "node": {"type": "string"},
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "timeout": {"type": "number", "minimum": 1, "maximum": MAX_TIMEOUT},
            "concurrencyKey": {"type": "string"},
            "onCollision": {"enum": list(COLLISIONS), "default": COLLISIONS[0]},
            "checks": {
                "description": "checks that this workflow need not pass, with the reason",
                "anyOf": [
                    {
                        "type": "object",
                        "propertyNames": {"enum": list(CHECKS)},
                        "additionalProperties": {"anyOf": [reason, waiver]},
                    },
                    {"type": "array", "items": waiver},
                ],
            },
        },
    }
