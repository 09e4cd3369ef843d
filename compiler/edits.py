"""Edits to a definition that a program can make, in the words of the definition.

All edits of one fix are one change. Nodes are called by their id, in either shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class ReplaceText:
    """``old`` stands at line and column (from 1, in characters) of the text that was checked."""

    line: int
    column: int
    old: str
    new: str
    edit: Literal["replace-text"] = "replace-text"


@dataclass(frozen=True)
class SetTop:
    """A key of the definition itself."""

    key: str
    value: Any
    edit: Literal["set-top"] = "set-top"


@dataclass(frozen=True)
class SetField:
    """A key of a node's configuration; ``value`` None takes it away."""

    node: str
    field: str
    value: Any
    edit: Literal["set-field"] = "set-field"


@dataclass(frozen=True)
class AddNode:
    id: str
    type: str
    label: str
    data: dict[str, Any]
    edit: Literal["add-node"] = "add-node"


@dataclass(frozen=True)
class AddEdge:
    source: str
    target: str
    label: str | None = None
    edit: Literal["add-edge"] = "add-edge"


@dataclass(frozen=True)
class SetEdge:
    """One key of the ``index``-th edge (from 0); ``value`` None takes it away."""

    index: int
    key: Literal["source", "target", "label"]
    value: str | None
    edit: Literal["set-edge"] = "set-edge"


@dataclass(frozen=True)
class RemoveEdge:
    index: int
    edit: Literal["remove-edge"] = "remove-edge"


Edit = ReplaceText | SetTop | SetField | AddNode | AddEdge | SetEdge | RemoveEdge


@dataclass(frozen=True)
class Fix:
    title: str
    edits: tuple[Edit, ...]
