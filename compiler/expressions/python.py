"""Tree and types → Python: what a person would write where that means exactly the same.

Where it does not, or the type is not known, a helper with JavaScript's meaning is called.
Each method here answers for one kind of node; operators stand in :mod:`.operators`, methods of
text and lists in :mod:`.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from compiler.expressions import calls, operators, tree
from compiler.expressions.names import Name, SecretName, free_identifier
from compiler.expressions.pieces import (
    ATOM,
    LAMBDA,
    TERNARY,
    Piece,
    call,
    choice,
    get,
    guarded,
    joined,
    lazily,
    literal,
    negation,
)
from compiler.expressions.texts import text_of_parts
from compiler.expressions.types import (
    Boolean,
    List,
    Null,
    Number,
    Object,
    Text,
    Type,
    Undefined,
    may_be,
    may_be_nothing,
    members_of,
    only,
    something,
)

BUILT_IN = frozenset(
    [
        "js",
        "any",
        "bool",
        "all",
        "enumerate",
        "float",
        "int",
        "len",
        "max",
        "min",
        "next",
        "range",
        "secret",
        "secret_text",
        "steps",
        "str",
        "sum",
    ]
)
"""Names that emitted code relies on, so no arrow's item may take them."""


def emit(root: tree.Node, types: Mapping[tree.Node, Type], names: Mapping[str, Name]) -> Piece:
    """The whole expression as a value that a step can take: undefined becomes None."""
    emitter = Emitter(types, names)
    piece = emitter.value(root)
    return _settled(root, types, piece)


def _settled(root: tree.Node, types: Mapping[tree.Node, Type], piece: Piece) -> Piece:
    if piece.is_dotted and piece.code != "js.undefined":
        return piece  # data as it came; no input holds undefined
    if piece.code == "js.undefined":
        return Piece("None")
    if piece.guard is not None and not may_be(types[root], Null) and not _makes(types):
        test, then = piece.guard
        if then.path is None:
            return choice(test, then, Piece("None"))
    if may_be(types[root], Undefined) or _makes(types):
        if piece.path is not None:
            base, keys = piece.path
            return Piece(f"js.value({', '.join((base.code, *keys))})")
        return call("js.plain", piece)
    return piece


def _makes(types: Mapping[tree.Node, Type]) -> bool:
    """Whether the expression builds lists or objects that may hold undefined or be huge."""
    for node, kind in types.items():
        if isinstance(node, _BUILT):
            if isinstance(node, tree.Arrow):
                if may_be(kind, Undefined):
                    return True
            elif not _is_constant(node):
                return True
    return False


_BUILT = (tree.Array, tree.ObjectLiteral, tree.Arrow)


def _is_constant(node: tree.Node) -> bool:
    return all(isinstance(child, tree.Constant) for child in tree.children(node))


class Emitter:
    def __init__(self, types: Mapping[tree.Node, Type], names: Mapping[str, Name]) -> None:
        self.types = types
        self.names = names
        self.local: dict[str, str] = {}
        """The Python names of the arrows' items around the place that is being emitted."""

    @cached_property
    def taken(self) -> frozenset[str]:
        """Python names that mean something here already.

        Of the workflow's only those that the expression itself speaks of: there may be thousands.
        """
        named = (self.names[node.name] for node in self.types if isinstance(node, tree.Reference))
        return BUILT_IN.union(name.python for name in named if not isinstance(name, SecretName))

    def value(self, node: tree.Node) -> Piece:
        return _VALUE_OF[type(node)](self, node)

    def linked(self, node: tree.Member | tree.Index | tree.Call) -> Piece:
        return self.link(node, self.value(node.target))

    def reference(self, node: tree.Reference) -> Piece:
        name = self.names[node.name]
        assert not isinstance(name, SecretName)  # noqa: S101 - the checker refuses them
        return Piece(name.python)

    def constant(self, node: tree.Constant) -> Piece:
        return literal(node.value)

    def undefined(self, node: tree.UndefinedConstant) -> Piece:
        return Piece("js.undefined")

    def parameter(self, node: tree.Parameter) -> Piece:
        return Piece(self.local[node.name])

    def ternary(self, node: tree.Ternary) -> Piece:
        test = self.condition(node.test)
        return choice(test, self.value(node.then), self.value(node.otherwise))

    def template(self, node: tree.Template) -> Piece:
        return text_of_parts(self, node.parts)

    def array(self, node: tree.Array) -> Piece:
        return Piece(f"[{', '.join(self.value(item).code for item in node.items)}]")

    def object_literal(self, node: tree.ObjectLiteral) -> Piece:
        members = {key: self.value(value) for key, value in node.members}
        written = (f"{literal(key).code}: {piece.code}" for key, piece in members.items())
        return Piece(f"{{{', '.join(written)}}}")

    def math(self, node: tree.MathCall) -> Piece:
        kinds = [self.types[argument] for argument in node.arguments]
        return calls.math(node.function, [self.value(a) for a in node.arguments], kinds)

    def condition(self, node: tree.Node) -> Piece:
        """Python that is true exactly when JavaScript takes the value for true."""
        match node:
            case tree.Unary(operator="!", operand=tree.Unary(operator="!", operand=inner)):
                return self.condition(inner)
            case tree.Unary(operator="!"):
                return negation(self.condition(node.operand))
            case tree.Logical(operator="&&"):
                return joined(self.condition(node.left), "and", self.condition(node.right))
            case tree.Logical(operator="||"):
                return joined(self.condition(node.left), "or", self.condition(node.right))
        return self.truth(self.value(node), self.types[node])

    def truth(self, piece: Piece, kind: Type) -> Piece:
        if self.tells_truth(kind):
            if piece.guard is not None:
                test, then = piece.guard
                return joined(test, "and", then)
            return piece
        if only(kind, List, Object, Null) and may_be(kind, Null):
            return compare_none(piece)
        return call("js.truthy", piece)

    def tells_truth(self, kind: Type) -> bool:
        """Whether Python and JavaScript agree on what of this type is true."""
        return only(kind, Boolean, Text, Number, Null, Undefined) and all(
            member.whole for member in _numbers(kind)
        )

    def is_true_unless_none(self, kind: Type) -> bool:
        """Whether it is None or an object that Python, too, takes for true: not a dict."""
        return all(
            isinstance(member, Null)
            or (
                isinstance(member, Object)
                and bool(member.fields)
                and all(field.attribute is not None for _, field in member.fields)
            )
            for member in members_of(kind)
        )

    def link(self, node: tree.Member | tree.Index | tree.Call, target: Piece) -> Piece:
        """One step of a chain, on its emitted target."""
        kind = self.types[node.target]
        kind = something(kind) if node.optional else kind
        match node:
            case tree.Member():
                return self.member(target, kind, node.name)
            case tree.Index():
                return get(target, self.value(node.key))
            case tree.Call():
                return calls.method(self, node, target, kind)

    def member(self, target: Piece, kind: Type, name: str) -> Piece:
        if name == "length" and only(kind, List):
            return call("len", target)
        if name == "length" and only(kind, Text):
            return call("js.length", target)
        field = kind.field(name) if isinstance(kind, Object) else None
        if field is not None and field.attribute is not None and target.path is None:
            return Piece(f"{target.at(ATOM)}.{field.attribute}")
        return get(target, literal(name))

    def chain(self, node: tree.Chain) -> Piece:
        links: list[tree.Member | tree.Index | tree.Call] = []
        link: tree.Node = node.body
        while isinstance(link, tree.Member | tree.Index | tree.Call):
            links.append(link)
            link = link.target
        return self.links(self.value(link), links[::-1])

    def links(self, piece: Piece, links: Sequence[tree.Member | tree.Index | tree.Call]) -> Piece:
        for at, link in enumerate(links):
            if self.cuts(link):
                return self.cut_short(piece, links[at:])
            piece = self.link(link, piece)
        return piece

    def cuts(self, link: tree.Member | tree.Index | tree.Call) -> bool:
        """Whether this ``?.`` can meet nothing."""
        return link.optional and may_be_nothing(self.types[link.target])

    def cut_short(
        self, piece: Piece, links: Sequence[tree.Member | tree.Index | tree.Call]
    ) -> Piece:
        """``piece?.…``: the first link is taken only if the piece is something."""
        first = links[0]
        kind = self.types[first.target]
        if piece.is_dotted and not may_be(kind, Undefined):
            then = self.links(self.link(first, piece), links[1:])
            return self.guarded(compare_none(piece), then, links[1:])
        keys: list[str] = []
        for link in links:
            key = self.plain_key(link)
            if key is None or (keys and self.cuts(link)):
                break
            keys.append(key)
        rest = links[len(keys) :]
        if not rest or (keys and self.cuts(rest[0])):
            start = Piece(f"js.maybe({', '.join((piece.code, *keys))})")
            return self.links(start, rest)
        it = free_identifier("it", self.taken)
        self.taken = self.taken | {it}
        code = self.links(self.link(first, Piece(it)), links[1:]).code
        return call("js.chain", piece, Piece(f"lambda {it}: {code}", LAMBDA))

    def guarded(
        self, test: Piece, then: Piece, rest: Sequence[tree.Member | tree.Index | tree.Call]
    ) -> Piece:
        """``then if test else js.undefined``; two guards in one chain are one."""
        if then.guard is not None:
            inner, reached = then.guard
            return guarded(joined(test, "and", inner), reached)
        if any(self.cuts(link) for link in rest):
            return choice(test, then, Piece("js.undefined"))
        return guarded(test, then)

    def plain_key(self, link: tree.Member | tree.Index | tree.Call) -> str | None:
        match link:
            case tree.Member():
                return literal(link.name).code
            case tree.Index(key=tree.Constant()):
                return self.value(link.key).code
            case _:
                return None

    def item_names(self, arrow: tree.Arrow) -> list[str]:
        """Python names for an arrow's items that hide nothing the code needs."""
        return [free_identifier(name, self.taken) for name in arrow.parameters]

    def within(self, arrow: tree.Arrow, *, condition: bool) -> tuple[list[str], Piece]:
        """The arrow's items and its body, as a condition or a value."""
        names = self.item_names(arrow)
        before = self.local
        self.local = {**before, **dict(zip(arrow.parameters, names, strict=True))}
        body = self.condition(arrow.body) if condition else self.value(arrow.body)
        self.local = before
        return names, body

    def lazy(self, node: tree.Node) -> Piece:
        return lazily(self.value(node))


_VALUE_OF: dict[type[tree.Node], Callable[[Emitter, Any], Piece]] = {
    tree.Array: Emitter.array,
    tree.Binary: operators.binary,
    tree.Call: Emitter.linked,
    tree.Chain: Emitter.chain,
    tree.Constant: Emitter.constant,
    tree.Index: Emitter.linked,
    tree.Logical: operators.logical,
    tree.MathCall: Emitter.math,
    tree.Member: Emitter.linked,
    tree.ObjectLiteral: Emitter.object_literal,
    tree.Parameter: Emitter.parameter,
    tree.Reference: Emitter.reference,
    tree.Template: Emitter.template,
    tree.Ternary: Emitter.ternary,
    tree.Unary: operators.unary,
    tree.UndefinedConstant: Emitter.undefined,
}
"""Arrows stand in calls only, which emit them."""


def compare_none(piece: Piece) -> Piece:
    code = piece.at(TERNARY + 1)
    return Piece(
        f"{code} is not None",
        operators.COMPARISON,
        opposite=Piece(f"{code} is None", operators.COMPARISON),
    )


def _numbers(kind: Type) -> list[Number]:
    return [member for member in members_of(kind) if isinstance(member, Number)]
