"""Operators → Python's own where the operands' types make the meaning the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from compiler.expressions import tree
from compiler.expressions.pieces import (
    ATOM,
    COMPARISON,
    PRODUCT,
    SIGN,
    SUM,
    Piece,
    call,
    choice,
    compare,
    joined,
    literal,
    negation,
)
from compiler.expressions.texts import js_text, text_of_parts
from compiler.expressions.types import (
    SAFE,
    Boolean,
    Null,
    Number,
    Text,
    Type,
    Undefined,
    may_be,
    may_be_nothing,
    members_of,
    only,
    something,
)

if TYPE_CHECKING:
    from compiler.expressions.python import Emitter

__all__ = ["COMPARISON", "binary", "logical", "unary"]

_HELPERS: Final = {
    "+": "js.add",
    "-": "js.subtract",
    "*": "js.multiply",
    "/": "js.divide",
    "%": "js.remainder",
    "**": "js.power",
}
_LEVELS: Final = {"+": SUM, "-": SUM, "*": PRODUCT, "%": PRODUCT}
_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def binary(emitter: Emitter, node: tree.Binary) -> Piece:
    match node.operator:
        case "===" | "==":
            return equality(emitter, node)
        case "!==" | "!=":
            return negation(equality(emitter, node))
        case "<" | ">" | "<=" | ">=":
            return ordering(emitter, node)
        case _:
            return arithmetic(emitter, node)


def equality(emitter: Emitter, node: tree.Binary) -> Piece:
    left, right = node.left, node.right
    if _is_nothing(left) or isinstance(left, tree.Constant):
        left, right = right, left  # a constant stands on the right, as people write it
    kind, other = emitter.types[left], emitter.types[right]
    loose = node.operator in ("==", "!=")
    piece = emitter.value(left)
    if isinstance(left, tree.Constant | tree.UndefinedConstant):  # Python warns of `1 is None`
        return call("js.loosely_equal" if loose else "js.same", piece, emitter.value(right))
    if _is_nothing(right):
        return _is_absent(piece, kind, right, loose)
    if isinstance(right, tree.Constant) and piece.guard is not None:
        test, then = piece.guard
        if _python_equality(something(kind), other, loose):
            return _both_or_opposite(test, _equals(then, right.value))
    if isinstance(right, tree.Constant) and isinstance(right.value, bool):
        if only(kind, Boolean):
            return piece if right.value else negation(piece)
        if not loose:
            return compare(piece, "is", literal(right.value))
    value = emitter.value(right)
    if _python_equality(kind, other, loose):
        return compare(piece, "==", value)
    return call("js.loosely_equal" if loose else "js.same", piece, value)


def _equals(piece: Piece, value: bool | int | float | str | None) -> Piece:
    if isinstance(value, bool):
        return piece if value else negation(piece)._replace(opposite=piece)
    return compare(piece, "==", literal(value))


def _both_or_opposite(test: Piece, equal: Piece) -> Piece:
    """``test and x == 1``; its opposite is ``test is not so or x != 1``."""
    opposite = joined(negation(test), "or", negation(equal))
    return joined(test, "and", equal)._replace(opposite=opposite)


def _is_nothing(node: tree.Node) -> bool:
    return isinstance(node, tree.UndefinedConstant) or (
        isinstance(node, tree.Constant) and node.value is None
    )


def _is_absent(piece: Piece, kind: Type, nothing: tree.Node, loose: bool) -> Piece:
    if only(kind, Number, Text) and piece.path is None and not piece.is_dotted:
        return call("js.same", piece, _nothing(nothing))  # Python warns of `1 + 1 is None`
    if loose and may_be(kind, Undefined):
        return call("js.loosely_equal", piece, Piece("None"))
    if loose:
        return compare(piece, "is", Piece("None"))
    return compare(piece, "is", _nothing(nothing))


def _nothing(node: tree.Node) -> Piece:
    return Piece("js.undefined" if isinstance(node, tree.UndefinedConstant) else "None")


def _python_equality(left: Type, right: Type, loose: bool) -> bool:
    """Whether ``==`` means the same in Python for operands of these types."""
    if not loose and (only(left, Text) or only(right, Text)):
        return True  # only an equal text equals a text
    if loose and may_be_nothing(left) and may_be_nothing(right):
        return False  # null == undefined
    absent = (Null, Undefined)
    if only(left, Text, *absent) and only(right, Text, *absent):
        return True
    if only(left, Boolean, *absent) and only(right, Boolean, *absent):
        return True
    return only(left, Number, *absent) and only(right, Number, *absent) and _exact(left, right)


def _exact(left: Type, right: Type) -> bool:
    """Rounding to a double cannot change how a number compares with a safe whole one."""
    ours, theirs = _numbers(left), _numbers(right)
    within = [
        all(n.low > -SAFE and n.high < SAFE and n.whole for n in side) for side in (ours, theirs)
    ]
    return any(within) or all(number.whole for number in (*ours, *theirs))


def _numbers(kind: Type) -> list[Number]:
    return [member for member in members_of(kind) if isinstance(member, Number)]


def ordering(emitter: Emitter, node: tree.Binary) -> Piece:
    kinds = emitter.types[node.left], emitter.types[node.right]
    left, right = emitter.value(node.left), emitter.value(node.right)
    if only(kinds[0], Number) and only(kinds[1], Number) and _exact(*kinds):
        shorter = _length_against_zero(emitter, node)
        return shorter or compare(left, node.operator, right)
    if only(kinds[0], Text) and only(kinds[1], Text) and (_low(node.left) or _low(node.right)):
        return compare(left, node.operator, right)
    if left.guard is not None and isinstance(node.right, tree.Constant):
        test, then = left.guard
        reached = something(kinds[0])
        numbers = only(reached, Number) and only(kinds[1], Number) and _exact(reached, kinds[1])
        if numbers and not may_be(kinds[0], Null):
            return joined(test, "and", compare(then, node.operator, right))
    return call("js.order", left, Piece(f'"{node.operator}"'), right)


def _length_against_zero(emitter: Emitter, node: tree.Binary) -> Piece | None:
    """A text is as empty in Python as in JavaScript, whatever its characters count."""
    match node:
        case tree.Binary(
            operator=">", left=tree.Member(name="length") as length, right=tree.Constant(value=0)
        ) if only(emitter.types[length.target], Text):
            return compare(call("len", emitter.value(length.target)), ">", literal(0))
    return None


def _low(node: tree.Node) -> bool:
    """A text below U+D800 sorts alike by characters and by 16-bit units."""
    return (
        isinstance(node, tree.Constant)
        and isinstance(node.value, str)
        and all(character < "\ud800" for character in node.value)
    )


def arithmetic(emitter: Emitter, node: tree.Binary) -> Piece:
    kinds = emitter.types[node.left], emitter.types[node.right]
    if node.operator == "+" and any(only(kind, Text) for kind in kinds):
        parts = _summands(emitter, node)
        if all(emitter.types[part] != Text(wild=True) for part in parts):
            return text_of_parts(emitter, parts)
        return js_text([emitter.value(part) for part in parts])
    left, right = emitter.value(node.left), emitter.value(node.right)
    kind = emitter.types[node]
    if node.operator in _LEVELS and isinstance(kind, Number) and kind.whole:
        level = _LEVELS[node.operator]
        return Piece(f"{left.at(level)} {node.operator} {right.at(level + 1)}", level)
    return call(_HELPERS[node.operator], left, right)


def _summands(emitter: Emitter, node: tree.Node) -> list[tree.Node]:
    """``a + "b" + c`` as its parts, as far as text is joined and not numbers added."""
    if isinstance(node, tree.Binary) and node.operator == "+":
        kinds = emitter.types[node.left], emitter.types[node.right]
        if any(only(kind, Text) for kind in kinds):
            return [*_summands(emitter, node.left), *_summands(emitter, node.right)]
    return [node]


def unary(emitter: Emitter, node: tree.Unary) -> Piece:
    if node.operator == "!":
        return _inverted(emitter, node.operand)
    operand, kind = emitter.value(node.operand), emitter.types[node.operand]
    constant = node.operand.value if isinstance(node.operand, tree.Constant) else None
    if node.operator == "+":
        whole = isinstance(kind, Number) and kind.whole
        return operand if whole else call("js.plus", operand)
    if isinstance(constant, int | float) and not isinstance(constant, bool):
        return Piece("-0.0") if constant == 0 else Piece(f"-{operand.code}", SIGN)
    result = emitter.types[node]
    if isinstance(result, Number) and result.whole:
        return Piece(f"-{operand.at(SIGN)}", SIGN)
    return call("js.negate", operand)


def _is_truthy_call(piece: Piece) -> bool:
    return piece.level == ATOM and piece.code.startswith("js.truthy(")


def _inverted(emitter: Emitter, operand: tree.Node) -> Piece:
    """``!x``, and ``!!x`` as a boolean; more of them cancel each other."""
    even = False
    while isinstance(operand, tree.Unary) and operand.operator == "!":
        operand, even = operand.operand, not even
    condition = emitter.condition(operand)
    if not even:
        return negation(condition)
    if only(emitter.types[operand], Boolean) or _is_truthy_call(condition):
        return condition
    return call("bool", condition)


def logical(emitter: Emitter, node: tree.Logical) -> Piece:
    kind = emitter.types[node.left]
    left = emitter.value(node.left)
    if node.operator == "??":
        if not may_be_nothing(kind):
            return left
        if left.guard is not None and _whole_when_reached(emitter, node.left):
            test, then = left.guard
            return choice(test, then, emitter.value(node.right))
        if left.is_dotted and not may_be(kind, Undefined) and left.code != "js.undefined":
            test = compare(left, "is not", Piece("None"))
            return choice(test, left, emitter.value(node.right))
        return call("js.default", left, emitter.lazy(node.right))
    if emitter.tells_truth(kind) or emitter.is_true_unless_none(kind):
        word = "and" if node.operator == "&&" else "or"
        return joined(left, word, emitter.value(node.right))
    return call("js.both" if node.operator == "&&" else "js.either", left, emitter.lazy(node.right))


def _whole_when_reached(emitter: Emitter, node: tree.Node) -> bool:
    """Whether a chain gives something whenever it is not cut short."""
    return isinstance(node, tree.Chain) and not may_be_nothing(emitter.types[node.body])
