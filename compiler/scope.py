"""What the expressions of one node may speak of.

The mapping is lazy: a workflow of thousands of nodes would otherwise build
thousands of names for each of its expressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import get_type_hints

from compiler.certainty import Certainty
from compiler.definition import Definition
from compiler.expressions import Name, NodeName, SecretName, ValueName
from compiler.expressions.names import NameTable
from compiler.expressions.types import (
    BOOLEAN,
    NUMBER,
    STRING,
    UNKNOWN,
    List,
    Type,
    object_type,
    type_of_annotation,
)
from compiler.graph import Graph, step_of
from compiler.names import python_name
from runtime_tasks.steps.catalogue import NodeType

VARIABLE_TYPES: dict[str, Type] = {
    "string": STRING,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "object": UNKNOWN,
    "list": List(UNKNOWN),
    "connection": STRING,
}

CURRENT_USER = object_type({key: (key, STRING) for key in ("id", "email", "name", "teamOwner")})
EXECUTION = object_type({key: (key, STRING) for key in ("id", "startedAt")})


def values_of(definition: Definition) -> dict[str, Name]:
    """Inputs, variables and secrets: the names that every node may use."""
    plain = [variable for variable in definition.variables if not variable.secret]
    return {
        "connectionId": ValueName("connectionId", STRING),
        "currentUser": ValueName("currentUser", CURRENT_USER),
        "trigger": ValueName("trigger", UNKNOWN),
        "execution": ValueName("execution", EXECUTION),
        "variables": ValueName(
            "variables",
            object_type(
                {
                    variable.name: (python_name(variable.name), VARIABLE_TYPES[variable.type])
                    for variable in plain
                }
            ),
        ),
        **{
            variable.name: SecretName(variable.name)
            if variable.secret
            else ValueName(python_name(variable.name), VARIABLE_TYPES[variable.type])
            for variable in definition.variables
        },
    }


class Scope(NameTable):
    """The names at one node."""

    def __init__(self, values: Mapping[str, Name], certainty: Certainty, node: str) -> None:
        self.values_here = values
        self.certainty = certainty
        self.node = node

    @property
    def graph(self) -> Graph:
        return self.certainty.graph

    def look_up(self, key: str) -> Name | None:
        known = self.values_here.get(key)
        if known is not None:
            return known
        graph = self.certainty.graph
        position = graph.position.get(key)
        if position is None:
            return None
        output = output_type(step_of(graph.nodes[position]))
        return NodeName(key, python_name(key), output, self.certainty.state(key, at=self.node))

    def __iter__(self) -> Iterator[str]:
        yield from self.values_here
        yield from self.graph.position

    def __len__(self) -> int:
        return len(self.values_here) + len(self.graph.position)


@cache
def output_type(step: NodeType) -> Type:
    return type_of_annotation(get_type_hints(step.function, include_extras=True).get("return"))
