"""What values a step's parameters take, read off its signature.

The signature is the one description of a node type; this module reads it for
checking, without building pydantic models, which would cost more than the rest
of a compilation.
"""

from __future__ import annotations

import inspect
import types
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from compiler.expressions.types import (
    Boolean,
    List,
    Null,
    Number,
    Object,
    Text,
    Type,
    Undefined,
    members_of,
)
from compiler.tree import Tree
from runtime_tasks.output import camel_case
from runtime_tasks.secrets import Secret
from runtime_tasks.steps.catalogue import NodeType
from runtime_tasks.steps.marks import never_null, schema_keys

RENAMED = {("condition", "left"): "condition"}
"""Keys of the definition that are not the parameter's own name in camelCase."""


@dataclass(frozen=True)
class Accepts:
    """One JSON type, or several of them."""

    kinds: frozenset[str]
    """text, number, whole, boolean, null, list, mapping; empty: anything."""
    words: tuple[str, ...] = ()
    """The texts that are allowed, where not every text is."""
    inner: Accepts | None = None
    """What items of a list or values of a mapping must be."""
    secret: bool = False
    """Whether a hole may name a secret here."""

    def wrong(self, tree: Tree) -> tuple[Tree, str] | None:
        """The first value that does not fit and what would; texts with holes always fit."""
        if not self.kinds:
            return None
        if isinstance(tree.value, str) and "{{" in tree.value:
            return None
        if kind_of(tree) not in self.kinds and not (
            kind_of(tree) == "whole" and "number" in self.kinds
        ):
            return tree, self.wanted()
        if isinstance(tree.value, str) and self.words and tree.value not in self.words:
            return tree, f"one of: {', '.join(self.words)}"
        if self.inner is not None:
            for inner in (*tree.items, *tree.entries.values()):
                if found := self.inner.wrong(inner):
                    return found
        return None

    def wanted(self) -> str:
        names = {
            "text": "text",
            "number": "a number",
            "whole": "a whole number",
            "boolean": "true or false",
            "null": "null",
            "list": "a list",
            "mapping": "a mapping",
        }
        return " or ".join(name for kind, name in names.items() if kind in self.kinds)


@dataclass(frozen=True)
class Field:
    """One key that a node may have for its step."""

    key: str
    parameter: str
    positional: bool
    required: bool
    accepts: Accepts
    widget: str = ""
    lambda_of: str = ""
    """The expression is asked again and again, with this name as its input."""
    least: float | None = None
    never_null: str = ""
    """Null is a mistake here; says what to write instead."""


ANYTHING = Accepts(frozenset())
_PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def kind_of(tree: Tree) -> str:
    if tree.kind != "scalar":
        return tree.kind
    if tree.value is not None and isinstance(tree.value, float) and tree.value.is_integer():
        return "whole"
    return _PLAIN[type(tree.value)]


def kinds_of(kind: Type) -> frozenset[str]:
    """What an expression may give, null and undefined apart; empty where that is not known."""
    found: set[str] = set()
    for member in members_of(kind):
        if isinstance(member, Null | Undefined):
            continue
        name = _KINDS.get(type(member))
        if name is None:
            return frozenset()
        found.update(name)
    return frozenset(found)


_KINDS: dict[type[Type], tuple[str, ...]] = {
    Boolean: ("boolean",),
    Number: ("number", "whole"),
    Text: ("text",),
    List: ("list",),
    Object: ("mapping",),
}


@cache
def fields_of(step: NodeType) -> dict[str, Field]:
    """The fields of a step by their key, hidden ones left out."""
    hints = get_type_hints(step.function, include_extras=True)
    fields: dict[str, Field] = {}
    for parameter in inspect.signature(step.function).parameters.values():
        annotation = hints[parameter.name]
        extra = schema_keys(annotation)
        if extra.get("x-widget") == "hidden":
            continue
        key = RENAMED.get((step.type, parameter.name)) or camel_case(parameter.name)
        accepted = accepts(annotation)
        refusal = never_null(annotation)
        if refusal is not None:
            accepted = replace(accepted, kinds=accepted.kinds - {"null"})
        fields[key] = Field(
            key=key,
            parameter=parameter.name,
            positional=parameter.kind is parameter.POSITIONAL_OR_KEYWORD,
            required=parameter.default is parameter.empty,
            accepts=accepted,
            widget=str(extra.get("x-widget", "")),
            lambda_of=str(extra.get("lambda_of", "")),
            least=extra.get("minimum"),
            never_null="" if refusal is None else refusal.instead,
        )
    return fields


@cache
def hidden_parameters(step: NodeType) -> tuple[str, ...]:
    """Parameters that the compiler fills in itself."""
    hints = get_type_hints(step.function, include_extras=True)
    return tuple(
        name
        for name, annotation in hints.items()
        if name != "return" and schema_keys(annotation).get("x-widget") == "hidden"
    )


def accepts(annotation: Any) -> Accepts:
    """What an annotation lets through."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return accepts(get_args(annotation)[0])
    if annotation is Secret:
        return Accepts(frozenset({"text"}), secret=True)
    if annotation in _PLAIN:
        return Accepts(frozenset({_PLAIN[annotation]}))
    if origin is Literal:
        return Accepts(frozenset({"text"}), words=get_args(annotation))
    if origin in (Union, types.UnionType):
        parts = [accepts(part) for part in get_args(annotation)]
        if any(not part.kinds for part in parts):
            return ANYTHING
        open_text = any("text" in part.kinds and not part.words for part in parts)
        return Accepts(
            frozenset().union(*(part.kinds for part in parts)),
            words=() if open_text else tuple(word for part in parts for word in part.words),
            inner=next((part.inner for part in parts if part.inner), None),
            secret=any(part.secret for part in parts),
        )
    if origin is list:
        return Accepts(frozenset({"list"}), inner=accepts(get_args(annotation)[0]))
    if origin is dict:
        return Accepts(frozenset({"mapping"}), inner=accepts(get_args(annotation)[1]))
    return ANYTHING
