"""What a compilation gives: the flow's source and all that deploying it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from compiler.errors import Problem

if TYPE_CHECKING:
    from compiler.definition import Definition


class CompiledNode(NamedTuple):
    id: str
    python: str
    """The name of its task function."""
    type: str
    variant: str
    label: str
    line: int
    """Where it stands in the definition."""


class Span(NamedTuple):
    """A node's lines: its task (both ends included), its rule, its place in the definition."""

    node: str
    first_line: int
    last_line: int
    rule_line: int
    rule_last_line: int
    definition_line: int


@dataclass(frozen=True)
class TriggerSpec:
    """A trigger node's configuration, for whoever listens: schedule, webhook, event."""

    node: str
    kind: str
    config: Mapping[str, Any]
    """As in the definition; a filter with holes is compiled by whoever asks it."""


@dataclass(frozen=True)
class Schedule:
    node: str
    cron: str
    timezone: str


@dataclass(frozen=True)
class CompiledFlow:
    source: str
    filename: str
    """Without any folder."""
    digest: str
    """``sha256:…`` over the definition without its layout; the same for every way of writing it."""
    version: int
    name: str
    """As the author wrote it."""
    flow_name: str
    """The name in Prefect, which refuses some characters."""
    entrypoint: str
    """The flow function's name."""
    nodes: tuple[CompiledNode, ...]
    source_map: tuple[Span, ...]
    parameters_schema: Mapping[str, Any]
    """JSON Schema of the flow's parameters, as a deployment wants it."""
    parameter_names: Mapping[str, str]
    """Input or variable name to parameter name, where Python needs another one."""
    triggers: tuple[TriggerSpec, ...]
    schedules: tuple[Schedule, ...]
    warnings: tuple[Problem, ...]
    definition: Definition = field(repr=False)

    def span_at(self, line: int) -> Span | None:
        """The node that a line of the generated file belongs to."""
        for span in self.source_map:
            if span.first_line <= line <= span.last_line:
                return span
            if span.rule_line <= line <= span.rule_last_line:
                return span
        return None
