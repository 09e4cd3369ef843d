"""A definition as text again: ``parse(dump(d)) == d``.

For definitions that a program made or changed. A text that a person wrote is never written anew
by this: its own bytes are the truth, comments and order included.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from compiler.definition import Definition, Node, Variable
from compiler.read_yaml import read_yaml
from compiler.workflow import Format
from runtime_tasks.steps import DISCRIMINATORS

Shape = Literal["map", "list"]


def dump(definition: Definition, format: Format, *, shape: Shape | None = None) -> str:  # noqa: A002
    """YAML in the map shape, JSON in the list shape, unless ``shape`` says otherwise."""
    listed = (shape or ("map" if format == "yaml" else "list")) == "list"
    content = plain(definition, listed=listed)
    if format == "json":
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return "\n".join(_block(content, 0)) + "\n"


def plain(definition: Definition, *, listed: bool) -> dict[str, Any]:
    """The definition as JSON values, what is left at its default left out."""
    content: dict[str, Any] = {"version": definition.version, "name": definition.name}
    if definition.description:
        content["description"] = definition.description
    content["trigger"] = definition.trigger
    if definition.tags:
        content["tags"] = list(definition.tags)
    variables = {variable.name: _variable(variable) for variable in definition.variables}
    if variables:
        content["variables"] = _named(variables, "name", listed)
    nodes = {node.id: _node(node, listed) for node in definition.nodes}
    content["nodes"] = _named(nodes, "id", listed)
    if definition.edges:
        content["edges"] = [
            {"source": edge.source, "target": edge.target}
            | ({"label": edge.label} if edge.label else {})
            for edge in definition.edges
        ]
    settings = _settings(definition)
    if settings:
        content["settings"] = settings
    if definition.layout is not None:
        content["layout"] = definition.layout.plain()
    return content


def _named(entries: dict[str, dict[str, Any]], key: str, listed: bool) -> Any:
    return [{key: name, **entry} for name, entry in entries.items()] if listed else entries


def _variable(variable: Variable) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": variable.type}
    if variable.default is not None:
        entry["default"] = variable.default.plain()
    for key in ("description", "pattern"):
        if getattr(variable, key):
            entry[key] = getattr(variable, key)
    if variable.enum:
        entry["enum"] = list(variable.enum)
    if not variable.required:
        entry["required"] = False
    return entry


def _node(node: Node, listed: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": node.type, "label": node.label}
    config: dict[str, Any] = {}
    discriminator = DISCRIMINATORS.get(node.type)
    if discriminator:
        config[discriminator] = node.variant
    config |= {key: tree.plain() for key, tree in node.config.items()}
    if node.retry is not None:
        config |= {
            "retryable": True,
            "maxRetries": node.retry.retries,
            "retryDelay": node.retry.delay,
            "retryBackoff": node.retry.backoff,
        }
    for key, value in (
        ("timeout", node.timeout),
        ("continueOnError", node.continue_on_error),
        ("disabled", node.disabled),
        ("description", node.description),
        ("notes", node.notes),
    ):
        if value:
            config[key] = value
    if node.no_rollback is not None:
        config["noRollback"] = {
            "reason": node.no_rollback.reason,
            "acknowledgedBy": node.no_rollback.acknowledged_by,
        }
    return {**entry, "data": config} if listed else {**entry, **config}


def _settings(definition: Definition) -> dict[str, Any]:
    settings = definition.settings
    content: dict[str, Any] = {}
    if settings.timeout is not None:
        content["timeout"] = settings.timeout
    if settings.concurrency_key:
        content["concurrencyKey"] = settings.concurrency_key
    if settings.on_collision != "queue":
        content["onCollision"] = settings.on_collision
    if settings.checks:
        content["checks"] = [
            {"check": waiver.check, "reason": waiver.reason}
            | ({"node": waiver.node} if waiver.node else {})
            for waiver in settings.checks
        ]
    return content


_PLAIN_WORD = re.compile(r"[A-Za-z_/][A-Za-z0-9_./ -]*[A-Za-z0-9_./]\Z|[A-Za-z]\Z")


def _scalar(value: Any) -> str:
    """A scalar that reads back as itself; text is quoted wherever there might be a doubt."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN_WORD.match(value) and len(value) < 200:
        tree = read_yaml(value, [])
        if tree is not None and tree.kind == "scalar" and tree.value == value:
            return value
    # A JSON string is a YAML string but for characters that YAML does not print.
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _block(value: Any, indent: int) -> list[str]:
    """Lines in block style; the first one is not indented by more than the others."""
    space = " " * indent
    lines: list[str] = []
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _entry(lines, f"{space}{_scalar(key)}:", inner, indent)
    elif isinstance(value, list) and value:
        for inner in value:
            if isinstance(inner, dict | list) and inner:
                first, *rest = _block(inner, indent + 2)
                lines += [f"{space}- {first[indent + 2 :]}", *rest]
            else:
                lines.append(f"{space}- {_flow(inner)}")
    else:
        lines.append(space + _flow(value))
    return lines


def _entry(lines: list[str], start: str, value: Any, indent: int) -> None:
    if isinstance(value, dict | list) and value:
        lines.append(start)
        lines += _block(value, indent + 2)
    else:
        lines.append(f"{start} {_flow(value)}")


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return _scalar(value)
