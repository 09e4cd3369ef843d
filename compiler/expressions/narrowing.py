"""What a test proves: after ``x !== null &&`` x is something, after ``!x ||`` too.

A place is a path of plain members from a name: ("discover-1", "output").
"""

from __future__ import annotations

from compiler.expressions import tree

Place = tuple[str, ...]
NOTHING: frozenset[Place] = frozenset()


def place_of(node: tree.Node) -> Place | None:
    match node:
        case tree.Reference() | tree.Parameter():
            return (node.name,)
        case tree.Chain():
            return place_of(node.body)
        case tree.Member():
            before = place_of(node.target)
            return (*before, node.name) if before else None
        case _:
            return None


def proven(test: tree.Node, holds: bool) -> frozenset[Place]:
    """The places that are neither null nor undefined if the test holds (or does not)."""
    match test:
        case tree.Unary(operator="!"):
            return proven(test.operand, not holds)
        case tree.Logical(operator="&&") if holds:
            return proven(test.left, True) | proven(test.right, True)
        case tree.Logical(operator="||") if not holds:
            return proven(test.left, False) | proven(test.right, False)
        case tree.Binary(operator="!==" | "!="):
            return _compared(test, not holds)
        case tree.Binary(operator="===" | "=="):
            return _compared(test, holds)
        case tree.Reference() | tree.Parameter() | tree.Member() | tree.Chain() if holds:
            return _and_before(test)
        case _:
            return NOTHING


def _compared(test: tree.Binary, equal: bool) -> frozenset[Place]:
    """``x != null`` proves x; so does ``x === "a"``; and ``n.status === "success"`` n.output."""
    for value, other in ((test.left, test.right), (test.right, test.left)):
        nothing = isinstance(other, tree.UndefinedConstant) or (
            isinstance(other, tree.Constant) and other.value is None
        )
        # A strict test tells null from undefined, so it proves neither to be absent.
        if nothing and not equal and test.operator in ("==", "!="):
            return _and_before(value)
        if equal and not nothing and isinstance(other, tree.Constant):
            place = place_of(value)
            if place and place[1:] == ("status",) and other.value == "success":
                return frozenset({(place[0], "output")})
            return _and_before(value)
    return NOTHING


def not_null(test: tree.Node, holds: bool) -> frozenset[Place]:
    """The places that a strict comparison shows not to be null; they may be undefined."""
    match test:
        case tree.Unary(operator="!"):
            return not_null(test.operand, not holds)
        case tree.Logical(operator="&&") if holds:
            return not_null(test.left, True) | not_null(test.right, True)
        case tree.Logical(operator="||") if not holds:
            return not_null(test.left, False) | not_null(test.right, False)
        case tree.Binary(operator="!==" | "===") if holds == (test.operator == "!=="):
            for value, other in ((test.left, test.right), (test.right, test.left)):
                if isinstance(other, tree.Constant) and other.value is None:
                    place = place_of(value)
                    return frozenset({place}) if place else NOTHING
    return NOTHING


def _and_before(node: tree.Node) -> frozenset[Place]:
    """The place and, as it could be reached, every place on the way."""
    place = place_of(node)
    if place is None:
        return NOTHING
    return frozenset(place[: count + 1] for count in range(len(place)))
