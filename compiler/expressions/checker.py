"""Finds the type of every part of an expression, and refuses what cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from compiler.errors import ExpressionError
from compiler.expressions import arithmetic, tree
from compiler.expressions.methods import type_of_call
from compiler.expressions.names import Name, NodeName, SecretName, ValueName, did_you_mean
from compiler.expressions.narrowing import Place, not_null, place_of, proven
from compiler.expressions.types import (
    BOOLEAN,
    COUNT,
    NULL,
    NUMBER,
    STRING,
    UNDEFINED,
    UNKNOWN,
    WILD_STRING,
    Field,
    List,
    Null,
    Number,
    Object,
    Text,
    Type,
    Undefined,
    Unknown,
    may_be_nothing,
    members_of,
    object_type,
    one_of,
    only,
    something,
    unlike,
)

FAILURE = object_type({"message": STRING, "type": STRING})
"""What a failed node's ``.error`` offers, beside null."""
FAILURE_OR_NULL = one_of(FAILURE, NULL)
_STATUS = ("status", Field("status", STRING))
_ERROR = ("error", Field("error", FAILURE_OR_NULL))


@dataclass
class Checked:
    """What is known of a parsed expression."""

    types: dict[tree.Node, Type] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)


def check(root: tree.Node, names: Mapping[str, Name], text: str) -> Checked:
    checker = _Checker(names, text)
    checker.type_of(root, _NOTHING_YET)
    checker.refuse_missing(root, _NOTHING_YET)
    return checker.checked


@dataclass(frozen=True)
class _Known:
    """What holds where a part stands: the items of arrows, and what tests have proven."""

    parameters: Mapping[str, Type] = field(default_factory=dict)
    something: frozenset[Place] = frozenset()
    not_null: frozenset[Place] = frozenset()

    def after(self, test: tree.Node, holds: bool) -> _Known:
        return _Known(
            self.parameters,
            self.something | proven(test, holds),
            self.not_null | not_null(test, holds),
        )

    def inside(self, parameters: Mapping[str, Type]) -> _Known:
        """Within an arrow: what was proven of outer names that it hides is forgotten."""
        return _Known(
            {**self.parameters, **parameters},
            frozenset(place for place in self.something if place[0] not in parameters),
            frozenset(place for place in self.not_null if place[0] not in parameters),
        )


_NOTHING_YET = _Known()


class _Checker:
    def __init__(self, names: Mapping[str, Name], text: str) -> None:
        self.names = names
        self.text = text
        self.checked = Checked()
        self.read: set[tree.Node] = set()
        """References of which a member is read: the only use there is of a node."""

    def fail(self, code: str, message: str, at: int, hint: str | None = None) -> NoReturn:
        raise ExpressionError(code, message, at + 1, hint, self.text)

    def type_of(self, node: tree.Node, known: _Known) -> Type:
        kind = _TYPE_OF[type(node)](self, node, known)
        if known.something or known.not_null:
            kind = _narrowed(kind, place_of(node), known)
        self.checked.types[node] = kind
        return kind

    def constant(self, node: tree.Constant, known: _Known) -> Type:
        return _type_of_constant(node.value)

    def undefined(self, node: tree.UndefinedConstant, known: _Known) -> Type:
        return UNDEFINED

    def parameter(self, node: tree.Parameter, known: _Known) -> Type:
        return known.parameters[node.name]

    def arrow(self, node: tree.Arrow, known: _Known) -> Type:
        return self.type_of(node.body, known)

    def ternary(self, node: tree.Ternary, known: _Known) -> Type:
        self.type_of(node.test, known)
        return one_of(
            self.type_of(node.then, known.after(node.test, True)),
            self.type_of(node.otherwise, known.after(node.test, False)),
        )

    def unary(self, node: tree.Unary, known: _Known) -> Type:
        operand = self.type_of(node.operand, known)
        return BOOLEAN if node.operator == "!" else arithmetic.signed(node.operator, operand)

    def template(self, node: tree.Template, known: _Known) -> Type:
        for part in node.parts:
            self.type_of(part, known)
        return WILD_STRING

    def array(self, node: tree.Array, known: _Known) -> Type:
        items = [self.type_of(item, known) for item in node.items]
        return List(one_of(*items) if items else UNKNOWN)

    def object_literal(self, node: tree.ObjectLiteral, known: _Known) -> Type:
        return object_type({key: self.type_of(value, known) for key, value in node.members})

    def math(self, node: tree.MathCall, known: _Known) -> Type:
        kinds = [self.type_of(argument, known) for argument in node.arguments]
        return arithmetic.of_math(node.function, kinds)

    def reference(self, node: tree.Reference, known: _Known) -> Type:
        name = self.names[node.name]
        match name:
            case SecretName():
                self.fail(
                    "secret-not-allowed",
                    f"'{node.name}' is a secret, and only the step that needs it may see it",
                    node.at,
                    "a secret stands alone in its hole, in a field that takes secrets",
                )
            case ValueName():
                self.checked.references.add(node.name)
                return name.type
            case NodeName(state="not-ancestor"):
                self.fail(
                    "not-an-ancestor",
                    f"'{node.name}' does not run before this node",
                    node.at,
                    "draw a path of edges from it to this node, or refer to one that has a path",
                )
        if node not in self.read:
            hint = f"write {node.name}.output, {node.name}.status or {node.name}.error"
            self.fail("not-a-value", f"'{node.name}' is a node, not a value", node.at, hint)
        self.checked.references.add(node.name)
        output = name.output if name.state == "ran" else one_of(name.output, NULL)
        return Object((("output", Field("output", output)), _STATUS, _ERROR))

    def target(self, node: tree.Member | tree.Index | tree.Call, known: _Known) -> Type:
        if isinstance(node.target, tree.Reference) and not isinstance(node, tree.Call):
            self.read.add(node.target)
        kind = self.type_of(node.target, known)
        if node.optional:
            return something(kind)
        if isinstance(node.target, tree.Member):
            self.refuse_missing(node.target, known)
        return kind

    def refuse_missing(self, node: tree.Node, known: _Known) -> None:
        """The output of a node that may not have run, where nothing guards it."""
        if not (isinstance(node, tree.Member) and isinstance(node.target, tree.Reference)):
            return
        name = self.names[node.target.name]
        if (
            isinstance(name, NodeName)
            and name.state == "maybe"
            and node.name == "output"
            and not node.optional
            and place_of(node) not in known.something | known.not_null
        ):
            self.fail(
                "may-not-have-run",
                f"'{node.target.name}' may not have run on the way to this node",
                node.target.at,
                f"write {node.target.name}?.output, and ?? for what to take instead",
            )

    def member(self, node: tree.Member, known: _Known) -> Type:
        name = node.name
        kind = something(self.target(node, known))
        if isinstance(kind, Object) and (only_one := kind.field(name)):
            return only_one.type
        members = members_of(kind)
        found: list[Type] = []
        for member in members:
            match member:
                case Object():
                    field_ = member.field(name)
                    if field_:
                        found.append(field_.type)
                    elif member.open:
                        return UNKNOWN
                case Unknown():
                    return UNKNOWN
                case List() | Text() if name == "length":
                    found.append(COUNT)
        if not found:
            self.unknown_field(kind, name, node.at)
        missing = len(found) < len(members)
        return one_of(*found, UNDEFINED) if missing else one_of(*found)

    def unknown_field(self, kind: Type, name: str, at: int) -> NoReturn:
        there = {
            key for part in members_of(kind) if isinstance(part, Object) for key, _ in part.fields
        }
        if any(isinstance(part, List | Text) for part in members_of(kind)):
            there.add("length")
        inner = kind.field("output") if isinstance(kind, Object) else None
        if inner is not None and any(
            isinstance(part, Object) and part.field(name) for part in members_of(inner.type)
        ):
            there = {f"output.{name}"}  # a node's member, with the word between left out
        hint = did_you_mean(name, there)
        if only(kind, List) and not hint:
            hint = "take one item with [0] or .find(…), or all with .map(…)"
        shown = name if len(name) <= 60 else name[:57] + "…"
        self.fail("unknown-field", f"{kind} here has no member '{shown}'", at, hint)

    def index(self, node: tree.Index, known: _Known) -> Type:
        key = self.type_of(node.key, known)
        kind = self.target(node, known)
        self.read.discard(node.target)
        if isinstance(node.target, tree.Reference):
            self.reference(node.target, known)
        found: list[Type] = []
        for member in members_of(something(kind)):
            match member:
                case List() if only(key, Number):
                    found.append(member.item)
                case Text() if only(key, Number):
                    found.append(WILD_STRING)
                case _:
                    return UNKNOWN
        return one_of(*found, UNDEFINED)

    def chain(self, node: tree.Chain, known: _Known) -> Type:
        kind = self.type_of(node.body, known)
        link: tree.Node = node.body
        while isinstance(link, tree.Member | tree.Index | tree.Call):
            if link.optional and may_be_nothing(self.checked.types[link.target]):
                return one_of(kind, UNDEFINED)
            link = link.target
        return kind

    def call(self, node: tree.Call, known: _Known) -> Type:
        kind = self.target(node, known)
        arguments: list[Type] = []
        for argument in node.arguments:
            if isinstance(argument, tree.Arrow):
                items = [m.item for m in members_of(kind) if isinstance(m, List)]
                item = one_of(*items) if items and only(something(kind), List) else UNKNOWN
                given = dict(zip(argument.parameters, (item, COUNT), strict=False))
                arguments.append(self.type_of(argument, known.inside(given)))
            else:
                arguments.append(self.type_of(argument, known))
        result = type_of_call(node.method, something(kind), arguments)
        if result is None:
            self.fail("unknown-method", f"{something(kind)} has no method '{node.method}'", node.at)
        if node.method == "split" and kind == STRING and _splits_whole(node.arguments):
            return List(STRING)
        if node.method == "includes" and only(something(kind), List):
            for member in members_of(something(kind)):
                assert isinstance(member, List)  # noqa: S101 - for mypy; only() has said so
                self.refuse_unlike(member.item, arguments[0], node.at)
        return result

    def binary(self, node: tree.Binary, known: _Known) -> Type:
        left, right = self.type_of(node.left, known), self.type_of(node.right, known)
        if node.operator in ("===", "!==", "==", "!=", "<", ">", "<=", ">="):
            self.refuse_unlike(left, right, node.at)
            return BOOLEAN
        return arithmetic.of_two(node.operator, left, right)

    def refuse_unlike(self, left: Type, right: Type, at: int) -> None:
        if unlike(left, right):
            message = f"{something(left)} is compared with {something(right)}, which never match"
            self.fail("unlike-types", message, at)

    def logical(self, node: tree.Logical, known: _Known) -> Type:
        left = self.type_of(node.left, known)
        if node.operator == "??":
            right = self.type_of(node.right, known)
            return one_of(something(left), right) if may_be_nothing(left) else left
        right = self.type_of(node.right, known.after(node.left, node.operator == "&&"))
        if node.operator == "||":
            return right if only(left, Null, Undefined) else one_of(something(left), right)
        return right if only(left, List, Object) else one_of(left, right)


_TYPE_OF: dict[type[tree.Node], Callable[[_Checker, Any, _Known], Type]] = {
    tree.Array: _Checker.array,
    tree.Arrow: _Checker.arrow,
    tree.Binary: _Checker.binary,
    tree.Call: _Checker.call,
    tree.Chain: _Checker.chain,
    tree.Constant: _Checker.constant,
    tree.Index: _Checker.index,
    tree.Logical: _Checker.logical,
    tree.MathCall: _Checker.math,
    tree.Member: _Checker.member,
    tree.ObjectLiteral: _Checker.object_literal,
    tree.Parameter: _Checker.parameter,
    tree.Reference: _Checker.reference,
    tree.Template: _Checker.template,
    tree.Ternary: _Checker.ternary,
    tree.Unary: _Checker.unary,
    tree.UndefinedConstant: _Checker.undefined,
}


def _narrowed(kind: Type, place: Place | None, known: _Known) -> Type:
    if place in known.something:
        return something(kind)
    if place in known.not_null:
        rest = [member for member in members_of(kind) if not isinstance(member, Null)]
        return one_of(*rest) if rest else kind
    return kind


def _splits_whole(arguments: tuple[tree.Node, ...]) -> bool:
    """Whether a split with these arguments leaves every character in one piece."""
    match arguments:
        case (tree.Constant(value=str() as separator),):
            return separator != ""
        case _:
            return False


def _type_of_constant(value: bool | int | float | str | None) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int() | float():
            return arithmetic.of_constant(value)
        case str():
            return STRING
    return NUMBER
