"""What can be read off a definition even while it is wrong: its name, nodes, edges, variables.

Drafts are saved with mistakes in them, so this reads what is there and leaves
out what it does not understand. Whether the definition is right is the
compiler's to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 1_000_000
MAX_ALIASES = 100
HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Declared:
    """A variable as the definition declares it."""

    name: str
    type: str = "string"
    default: Any = None
    has_default: bool = False
    description: str | None = None
    required: bool = False
    """It has no default, and the definition does not say ``required: false``."""
    pattern: str | None = None
    choices: list[Any] | None = None

    @property
    def is_secret(self) -> bool:
        return self.type == "secret"


@dataclass(frozen=True)
class Facts:
    name: str | None = None
    description: str | None = None
    trigger: str | None = None
    tags: tuple[str, ...] = ()
    nodes: tuple[dict[str, Any], ...] = ()
    edges: tuple[dict[str, Any], ...] = ()
    variables: tuple[Declared, ...] = ()
    expressions: tuple[str, ...] = field(default=(), repr=False)
    """What stands in ``{{ }}`` anywhere."""

    def uses(self, name: str) -> bool:
        return any(re.search(rf"(?<![\w.-]){name}(?![\w-])", text) for text in self.expressions)


def read_facts(content: str, format: str) -> Facts:  # noqa: A002 - the wish's word
    """Never raises: what cannot be read gives no facts."""
    try:
        document = json.loads(content) if format == "json" else _read_yaml(content)
    except (ValueError, RecursionError, yaml.YAMLError):
        return Facts()
    if not isinstance(document, dict):
        return Facts()
    nodes = tuple(_nodes(document.get("nodes")))
    return Facts(
        name=_text(document.get("name")),
        description=_text(document.get("description")),
        trigger=_text(document.get("trigger")),
        tags=tuple(tag for tag in _list(document.get("tags")) if isinstance(tag, str)),
        nodes=nodes,
        edges=tuple(edge for edge in _list(document.get("edges")) if isinstance(edge, dict)),
        variables=tuple(_variables(document.get("variables"))),
        expressions=tuple(_expressions([node.get("data") for node in nodes])),
    )


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Both shapes become the list one: ``{id, type, label, data}``."""
    if isinstance(value, dict):
        for node_id, node in value.items():
            if isinstance(node, dict):
                data = {k: v for k, v in node.items() if k not in ("type", "label", "data")}
                inner = node.get("data")
                yield {
                    "id": str(node_id),
                    "type": _text(node.get("type")) or "",
                    "label": _text(node.get("label")) or str(node_id),
                    "data": data | (inner if isinstance(inner, dict) else {}),
                }
    for node in _list(value):
        if isinstance(node, dict) and isinstance(node.get("id"), str):
            own = node.get("data")
            yield {
                "id": node["id"],
                "type": _text(node.get("type")) or "",
                "label": _text(node.get("label")) or node["id"],
                "data": own if isinstance(own, dict) else {},
            }


def _variables(value: Any) -> Iterator[Declared]:
    if isinstance(value, dict):
        named = [(str(k), v if isinstance(v, dict) else {}) for k, v in value.items()]
    else:
        named = [
            (v["name"], v)
            for v in _list(value)
            if isinstance(v, dict) and isinstance(v.get("name"), str)
        ]
    for name, variable in named:
        choices = variable.get("enum", variable.get("options"))
        yield Declared(
            name=name[:200],
            type=(_text(variable.get("type")) or "string")[:20],
            default=variable.get("default"),
            has_default="default" in variable,
            description=_text(variable.get("description")),
            required="default" not in variable and variable.get("required") is not False,
            pattern=_text(variable.get("pattern")),
            choices=choices if isinstance(choices, list) else None,
        )


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from HOLE.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)


def _text(value: Any) -> str | None:
    return value.replace("\x00", "") if isinstance(value, str) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 scalars: ``Yes`` is a word, ``12:30`` is a text, and dates are texts.

    The parser is the compiler's, libyaml: PyYAML's own refuses ``{label: Ready?}``, and what the
    compiler takes has to be readable here.
    """


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _read_yaml(content: str) -> Any:
    aliases = sum(
        isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=_Loader)
    )
    if aliases > MAX_ALIASES:
        raise ValueError("too many aliases")
    document = yaml.load(content, Loader=_Loader)  # noqa: S506 - a SafeLoader
    # Aliases of aliases grow on being written out; so does a loop, without end.
    return json.loads(_bounded(document))


def _bounded(document: Any) -> str:
    chunks, size = [], 0
    for chunk in json.JSONEncoder(allow_nan=False, default=str).iterencode(document):
        size += len(chunk)
        if size > 4 * MAX_BYTES:
            raise ValueError("the definition grows beyond bounds when its aliases are followed")
        chunks.append(chunk)
    return "".join(chunks)
