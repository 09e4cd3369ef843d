"""What a check looks at, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compiler.certainty import Certainty
from compiler.definition import Definition, Node
from compiler.errors import Problem
from compiler.graph import Graph

EXECUTE = ("action", "execute_migrations")
DRY_RUN = ("action", "dry_run")
ROLLBACK = ("action", "rollback")
TESTS = ("action", "run_tests")


@dataclass(frozen=True)
class Subject:
    definition: Definition
    graph: Graph
    certainty: Certainty
    inputs_used: frozenset[str]
    """Inputs and variables that some expression uses."""

    def of_kind(self, *kinds: tuple[str, str]) -> Iterator[Node]:
        """Nodes of these types that are switched on, in topological order."""
        for node in self.graph.nodes:
            if (node.type, node.variant) in kinds and not node.disabled:
                yield node


Check = Callable[[Subject], Iterator[Problem]]


def connection_of(node: Node) -> str:
    """The connection as it is written: two texts that differ are two connections."""
    tree = node.config.get("connectionId")
    text = tree.value if tree is not None else ""
    return "".join(text.split()) if isinstance(text, str) else ""


def warning(
    code: str,
    message: str,
    node: Node,
    *,
    hint: str,
    field: str | None = None,
    path: tuple[str, ...] = (),
) -> Problem:
    return Problem(
        code,
        message,
        *node.keys.get(field or "", node.place),
        node=node.id,
        field=field,
        hint=hint,
        severity="warning",
        path=path,
    )
