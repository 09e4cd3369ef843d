"""The parsed expression. ``at`` is the offset of the token that a message points to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Node:
    """Nodes are compared by identity, so that a table can hold what is known of each.

    Nobody changes one. They are not frozen because making a frozen one takes three times as long.
    """

    at: int


@dataclass(eq=False, slots=True)
class Constant(Node):
    """null, true, false, a number or text; ``undefined`` is a node of its own."""

    value: bool | int | float | str | None


@dataclass(eq=False, slots=True)
class UndefinedConstant(Node):
    pass


@dataclass(eq=False, slots=True)
class Reference(Node):
    """A name of the workflow's."""

    name: str


@dataclass(eq=False, slots=True)
class Parameter(Node):
    """A name of an arrow function's."""

    name: str


@dataclass(eq=False, slots=True)
class Template(Node):
    """Text with holes: constants are text as it stands."""

    parts: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class Array(Node):
    items: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class ObjectLiteral(Node):
    members: tuple[tuple[str, Node], ...]


@dataclass(eq=False, slots=True)
class Member(Node):
    target: Node
    name: str
    optional: bool = False


@dataclass(eq=False, slots=True)
class Index(Node):
    target: Node
    key: Node
    optional: bool = False


@dataclass(eq=False, slots=True)
class Arrow(Node):
    parameters: tuple[str, ...]
    body: Node


@dataclass(eq=False, slots=True)
class Call(Node):
    """A method of a value: ``target.method(arguments)``."""

    target: Node
    method: str
    arguments: tuple[Node, ...]
    optional: bool = False


@dataclass(eq=False, slots=True)
class MathCall(Node):
    function: str
    arguments: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class Chain(Node):
    """Where a chain with ``?.`` ends: what is cut short inside makes the whole undefined."""

    body: Node


@dataclass(eq=False, slots=True)
class Unary(Node):
    operator: str
    """``!``, ``-`` or ``+``."""

    operand: Node


@dataclass(eq=False, slots=True)
class Binary(Node):
    """Arithmetic and comparison: both sides are always evaluated."""

    operator: str
    left: Node
    right: Node


@dataclass(eq=False, slots=True)
class Logical(Node):
    """``&&``, ``||`` and ``??``: the right side only if needed."""

    operator: str
    left: Node
    right: Node


@dataclass(eq=False, slots=True)
class Ternary(Node):
    test: Node
    then: Node
    otherwise: Node


def children(node: Node) -> Iterator[Node]:
    match node:
        case Template(parts=inner) | Array(items=inner) | MathCall(arguments=inner):
            yield from inner
        case ObjectLiteral():
            yield from (value for _, value in node.members)
        case Member(target=inner) | Chain(body=inner) | Unary(operand=inner) | Arrow(body=inner):
            yield inner
        case Index():
            yield from (node.target, node.key)
        case Call():
            yield node.target
            yield from node.arguments
        case Binary() | Logical():
            yield from (node.left, node.right)
        case Ternary():
            yield from (node.test, node.then, node.otherwise)
        case _:
            return
