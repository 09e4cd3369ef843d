"""Walks the tree with JavaScript's meaning: for simulation, previews and trigger filters.

It knows nothing of types and shares none of the emitter's decisions, so each checks the other.
Work is bounded by a budget of steps; user text is never handed to Python's ``eval``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from compiler.expressions import tree
from runtime_tasks import javascript as js
from runtime_tasks.errors import ExpressionFailed

STEPS: Final = 1_000_000
"""How many nodes one evaluation may visit; 32 characters of text made count as one."""

_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": js.add,
    "-": js.subtract,
    "*": js.multiply,
    "/": js.divide,
    "%": js.remainder,
    "**": js.power,
    "===": js.same,
    "==": js.loosely_equal,
    "!==": lambda left, right: not js.same(left, right),
    "!=": lambda left, right: not js.loosely_equal(left, right),
}
_UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "!": lambda value: not js.truthy(value),
    "-": js.negate,
    "+": js.plus,
}
_LOGICAL: Final[Mapping[str, Callable[[Any, Callable[[], Any]], Any]]] = {
    "&&": js.both,
    "||": js.either,
    "??": js.default,
}
_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "includes": js.includes,
    "startsWith": js.starts_with,
    "endsWith": js.ends_with,
    "toLowerCase": js.lower,
    "toUpperCase": js.upper,
    "trim": js.trim,
    "split": js.split,
    "join": js.join,
    "slice": js.slice,
}
_ARROW_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "filter": js.filter,
    "map": js.map,
    "some": js.some,
    "every": js.every,
    "find": js.find,
}
_MATH: Final[Mapping[str, Callable[..., Any]]] = {
    "min": js.minimum,
    "max": js.maximum,
    "round": js.round,
    "floor": js.floor,
    "ceil": js.ceil,
}


class _CutShort(Exception):
    """A ``?.`` met null or undefined: the rest of its chain is not evaluated."""


def evaluate(node: tree.Node, scope: Mapping[str, Any], *, steps: int = STEPS) -> Any:
    """The value in a scope keyed by the workflow's own names; undefined becomes None."""
    return js.plain(_Evaluation(scope, steps).value(node, {}))


class _Evaluation:
    def __init__(self, scope: Mapping[str, Any], steps: int) -> None:
        self.scope = scope
        self.steps = self.most = steps

    def value(self, node: tree.Node, local: Mapping[str, Any]) -> Any:
        self.steps -= 1
        if self.steps < 0:
            raise ExpressionFailed(f"the expression takes more than {self.most:,} steps")
        match node:
            case tree.Constant():
                return node.value
            case tree.Reference():
                return self.reference(node.name)
            case tree.Parameter():
                return local[node.name]
            case tree.Member():
                return js.get(self.target(node, local), node.name)
            case tree.Index():
                return js.get(self.target(node, local), self.value(node.key, local))
            case tree.Call():
                return self.paid(self.call(node, local))
            case tree.Binary():
                left = self.value(node.left, local)
                right = self.value(node.right, local)
                if node.operator in ("<", ">", "<=", ">="):
                    return js.order(left, node.operator, right)
                return self.paid(_ARITHMETIC[node.operator](left, right))
            case tree.Logical():
                left = self.value(node.left, local)
                return _LOGICAL[node.operator](left, lambda: self.value(node.right, local))
            case tree.Ternary():
                holds = js.truthy(self.value(node.test, local))
                return self.value(node.then if holds else node.otherwise, local)
            case tree.Unary():
                return _UNARY[node.operator](self.value(node.operand, local))
            case _:
                return self.made(node, local)

    def paid(self, result: Any) -> Any:
        if isinstance(result, str):
            self.steps -= len(result) // 32
        return result

    def made(self, node: tree.Node, local: Mapping[str, Any]) -> Any:
        """The values that expressions build."""
        match node:
            case tree.Chain():
                try:
                    return self.value(node.body, local)
                except _CutShort:
                    return js.undefined
            case tree.Template():
                return self.paid(js.text(*[self.value(part, local) for part in node.parts]))
            case tree.Array():
                return [self.value(item, local) for item in node.items]
            case tree.ObjectLiteral():
                return {key: self.value(value, local) for key, value in node.members}
            case tree.MathCall():
                arguments = [self.value(argument, local) for argument in node.arguments]
                return _MATH[node.function](*arguments)
            case _:
                return js.undefined

    def reference(self, name: str) -> Any:
        if name not in self.scope:
            raise ExpressionFailed(f"'{name}' has no value here")
        return self.scope[name]

    def target(self, node: tree.Member | tree.Index | tree.Call, local: Mapping[str, Any]) -> Any:
        value = self.value(node.target, local)
        if node.optional and (value is None or value is js.undefined):
            raise _CutShort
        return value

    def call(self, node: tree.Call, local: Mapping[str, Any]) -> Any:
        target = self.target(node, local)
        if node.method not in _ARROW_METHODS:
            arguments = [self.value(argument, local) for argument in node.arguments]
            return _METHODS[node.method](target, *arguments)
        arrow = node.arguments[0]
        assert isinstance(arrow, tree.Arrow)  # noqa: S101 - the parser makes nothing else

        def function(item: Any, at: int) -> Any:
            inner = {**local, **dict(zip(arrow.parameters, (item, at), strict=False))}
            return self.value(arrow.body, inner)

        return _ARROW_METHODS[node.method](target, function, indexed=True)
