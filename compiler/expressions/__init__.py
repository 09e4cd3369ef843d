"""Placeholder until the expression language lands: dotted paths only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from compiler.code import literal
from compiler.errors import ExpressionError


@dataclass(frozen=True)
class Type:
    kind: str = "unknown"


UNKNOWN, STRING, NUMBER, BOOLEAN = Type(), Type("string"), Type("number"), Type("boolean")


def object_type(
    fields: Mapping[str, Any],
    *,
    open: bool = False,  # noqa: A002
) -> Type:
    return Type("object")


def type_of_annotation(annotation: Any) -> Type:
    return UNKNOWN


def type_of_schema(schema: Any) -> Type:
    return UNKNOWN


@dataclass(frozen=True)
class NodeName:
    id: str
    python: str
    output: Type = UNKNOWN
    state: Literal["ran", "maybe", "not-ancestor"] = "ran"


@dataclass(frozen=True)
class ValueName:
    python: str
    type: Type = UNKNOWN


@dataclass(frozen=True)
class SecretName:
    name: str


Name = NodeName | ValueName | SecretName


@dataclass(frozen=True)
class Expression:
    python: str
    type: Type = UNKNOWN
    references: frozenset[str] = frozenset()
    secrets: frozenset[str] = field(default_factory=frozenset)


def compile_expression(text: str, names: Mapping[str, Name]) -> Expression:
    found = set()
    text = text.strip()

    def name(match: re.Match[str]) -> str:
        first, *rest = match[0].split(".")
        known = names.get(first)
        if known is None:
            raise ExpressionError(
                "unknown-name", f"nothing here is called '{first}'", match.start() + 1
            )
        if isinstance(known, NodeName) and known.state == "not-ancestor":
            raise ExpressionError(
                "not-ancestor", f"'{first}' does not run before", match.start() + 1
            )
        found.add(first)
        if isinstance(known, SecretName):
            return f"secret({literal(known.name).text})"
        python = ".".join([known.python, *(part for part in rest if part != "length")])
        return f"len({python})" if rest and rest[-1] == "length" else python

    python = re.sub(r"[A-Za-z_][\w-]*(\??\.[A-Za-z]+)*", name, text)
    secrets = frozenset(n for n in found if isinstance(names[n], SecretName))
    return Expression(python, UNKNOWN, frozenset(found), secrets)


def compile_template(value: str, names: Mapping[str, Name]) -> Expression:
    parts = re.split(r"\{\{(.*?)\}\}", value, flags=re.DOTALL)
    if len(parts) == 3 and not parts[0] and not parts[2]:
        return compile_expression(parts[1], names)
    pieces: list[str] = []
    found: set[str] = set()
    secrets: set[str] = set()
    for index, part in enumerate(parts):
        if index % 2:
            inner = compile_expression(part, names)
            pieces.append(f"str({inner.python})")
            found |= inner.references
            secrets |= inner.secrets
        elif part:
            pieces.append(literal(part).text)
    return Expression(" + ".join(pieces) or '""', STRING, frozenset(found), frozenset(secrets))
