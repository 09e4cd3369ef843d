"""A workflow as its author wrote it, the same for both shapes and both syntaxes.

Places are kept beside the content and do not count when two definitions are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeVar, dataclass_transform

from compiler.tree import Tree

_Kind = TypeVar("_Kind")

Place = tuple[int, int]
"""Line and column, from 1."""

TriggerKind = Literal["manual", "scheduled", "webhook", "event"]
TRIGGERS: tuple[TriggerKind, ...] = ("manual", "scheduled", "webhook", "event")

VARIABLE_TYPES = ("string", "number", "boolean", "object", "list", "connection", "secret")
COLLISIONS = ("queue", "skip", "cancel-previous")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def _record(kind: type[_Kind]) -> type[_Kind]:
    """A dataclass that mypy keeps from being changed, and nothing at run time does.

    There are thousands of nodes and edges, and making a frozen one takes twice as long.
    """
    return dataclass(kind)


@dataclass(frozen=True)
class Variable:
    name: str
    type: str
    """string | number | boolean | object | list | connection | secret"""
    default: Tree | None = None
    """Without one the variable must be given, unless it is not ``required``."""
    description: str = ""
    required: bool = True
    """Where False and no default stands: the type's empty value."""
    pattern: str = ""
    """A regular expression that the whole text must match."""
    enum: tuple[str | int | float, ...] = ()
    """The values it may have, where not every value is one."""
    place: Place = field(default=(1, 1), compare=False)

    @property
    def secret(self) -> bool:
        return self.type == "secret"


@dataclass(frozen=True)
class Retry:
    """How often, and how far apart in seconds; see :func:`compiler.retries.delays`."""

    retries: int
    delay: int | float
    backoff: str
    """exponential | linear"""


@dataclass(frozen=True)
class NoRollback:
    """Why nothing takes this node's work back, and who said that this is all right."""

    reason: str
    acknowledged_by: str


@_record
class Node:
    id: str
    type: str
    variant: str
    """The action, provider or trigger kind; empty where the type has no variants."""
    label: str
    config: dict[str, Tree]
    """What the step is told, by the keys of the definition."""
    retry: Retry | None = None
    timeout: int | float | None = None
    """Seconds."""
    continue_on_error: bool = False
    disabled: bool = False
    description: str = ""
    """Where the step has no such key of its own."""
    notes: str = ""
    no_rollback: NoRollback | None = None
    place: Place = field(default=(1, 1), compare=False)
    keys: dict[str, Place] = field(default_factory=dict, compare=False)
    """Where each key of the node stands."""


@_record
class Edge:
    source: str
    target: str
    label: str = ""
    """Empty: on success, or the first branch of a source that has branches."""
    place: Place = field(default=(1, 1), compare=False)


@dataclass(frozen=True)
class Waiver:
    """A check that this workflow need not pass, with the reason."""

    check: str
    reason: str
    node: str | None = None
    place: Place = field(default=(1, 1), compare=False)


@dataclass(frozen=True)
class Settings:
    timeout: int | float | None = None
    """Seconds that a run may take."""
    concurrency_key: str = ""
    on_collision: str = "queue"
    """queue | skip | cancel-previous"""
    checks: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class Definition:
    name: str
    description: str
    trigger: TriggerKind
    tags: tuple[str, ...]
    variables: tuple[Variable, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    settings: Settings
    layout: Tree | None
    """Canvas positions, as they stand in the text; no part of what the workflow does."""
    version: str = "1.0"
    place: Place = field(default=(1, 1), compare=False)
