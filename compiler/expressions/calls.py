"""Method calls → comprehensions and Python's own methods, or their helpers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from compiler.expressions import tree
from compiler.expressions.pieces import ATOM, LAMBDA, OR, Piece, call, compare
from compiler.expressions.types import STRING, List, Number, Text, Type, only

if TYPE_CHECKING:
    from compiler.expressions.python import Emitter

_PLAIN: Final = {
    "includes": "js.includes",
    "startsWith": "js.starts_with",
    "endsWith": "js.ends_with",
    "toLowerCase": "js.lower",
    "toUpperCase": "js.upper",
    "trim": "js.trim",
    "split": "js.split",
    "join": "js.join",
    "slice": "js.slice",
}
_MATH: Final = {
    "min": "js.minimum",
    "max": "js.maximum",
    "round": "js.round",
    "floor": "js.floor",
    "ceil": "js.ceil",
}


def math(function: str, pieces: Sequence[Piece], kinds: Sequence[Type]) -> Piece:
    if kinds and all(isinstance(kind, Number) and kind.whole for kind in kinds):
        if function in ("min", "max") and len(pieces) > 1:
            return call(function, *pieces)
        if len(pieces) == 1:
            return pieces[0]
    return call(_MATH[function], *pieces)


def method(emitter: Emitter, node: tree.Call, target: Piece, kind: Type) -> Piece:
    if node.method in ("filter", "map", "some", "every", "find"):
        return _with_arrow(emitter, node, target, kind)
    arguments = [emitter.value(argument) for argument in node.arguments]
    kinds = [emitter.types[argument] for argument in node.arguments]
    native = _native(node, target, kind, arguments, kinds)
    return native or call(_PLAIN[node.method], target, *arguments)


def _native(
    node: tree.Call, target: Piece, kind: Type, arguments: Sequence[Piece], kinds: Sequence[Type]
) -> Piece | None:
    """Python's own method, where it means the same."""
    dot = target.at(ATOM)
    match node.method:
        case "includes" if isinstance(kind, List) and _found_alike(kind.item, kinds[0]):
            return compare(arguments[0], "in", target)
        case "includes" if kind == STRING and kinds[0] == STRING:
            return compare(arguments[0], "in", target)
        case "startsWith" if kind == STRING and kinds[0] == STRING:
            return call(f"{dot}.startswith", *arguments)
        case "endsWith" if kind == STRING and kinds[0] == STRING:
            return call(f"{dot}.endswith", *arguments)
        case "toLowerCase" if only(kind, Text):
            return call(f"{dot}.lower")
        case "toUpperCase" if only(kind, Text):
            return call(f"{dot}.upper")
        case "split" if kind == STRING and _is_text(node.arguments):
            return call(f"{dot}.split", *arguments)
        case "join" if kind == List(STRING) and not arguments:
            return Piece(f'",".join({target.code})')
        case "join" if kind == List(STRING) and kinds[0] == STRING:
            return call(f"{arguments[0].at(ATOM)}.join", target)
    return None


def _found_alike(item: Type, wanted: Type) -> bool:
    """Whether Python's ``in`` finds what ``includes`` finds: no NaN, and True is not 1."""
    if only(item, Text) or only(wanted, Text):
        return True
    return _is_whole(item) and _is_whole(wanted)


def _is_whole(kind: Type) -> bool:
    return isinstance(kind, Number) and kind.whole


def _is_text(arguments: Sequence[tree.Node]) -> bool:
    return any(isinstance(one, tree.Constant) and one.value not in ("", None) for one in arguments)


def _with_arrow(emitter: Emitter, node: tree.Call, target: Piece, kind: Type) -> Piece:
    arrow = node.arguments[0]
    assert isinstance(arrow, tree.Arrow)  # noqa: S101 - the parser makes nothing else
    native = only(kind, List)
    names, body = emitter.within(arrow, condition=native and node.method != "map")
    if not native:
        function = Piece(f"lambda {', '.join(names or ['_'])}: {body.code}", LAMBDA)
        indexed = [Piece("indexed=True")] if len(names) == 2 else []
        return call(f"js.{node.method}", target, function, *indexed)
    item = names[0] if names else "_"
    source = target.at(OR)
    loop = f"for {item} in {source}"
    if len(names) == 2:
        loop = f"for {names[1]}, {item} in enumerate({target.code})"
    match node.method:
        case "filter":
            return Piece(f"[{item} {loop} if {body.at(OR)}]")
        case "map":
            return Piece(f"[{body.code} {loop}]")
        case "some":
            return Piece(f"any({body.code} {loop})")
        case "every":
            return Piece(f"all({body.code} {loop})")
        case _:
            return Piece(f"next(({item} {loop} if {body.at(OR)}), js.undefined)")
