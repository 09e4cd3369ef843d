"""Text → tree, by operator precedence (Pratt's way): two short loops instead of a grammar file.

Written by hand because node ids are words of the language, so a generated parser would have
to be built anew for each workflow (docs/decisions/0004-expressions-are-parsed-by-hand.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from compiler.errors import ExpressionError
from compiler.expressions import tree
from compiler.expressions.names import Name, NodeName
from compiler.expressions.tokens import BLANK, CONSTANTS, FOREIGN, RUN, WORD, Scanner, Token

LONGEST: Final = 10_000
DEEPEST: Final = 100
NESTED_ARROWS: Final = 3
"""Each level multiplies the work by the length of a list."""

BINDS: Final = {
    "??": 2, "||": 2, "&&": 3,
    "==": 8, "!=": 8, "===": 8, "!==": 8,
    "<": 9, ">": 9, "<=": 9, ">=": 9,
    "+": 11, "-": 11, "*": 12, "/": 12, "%": 12,
    "**": 13,
}  # fmt: skip
"""How strongly an operator binds; ``**`` alone groups from the right."""
_UNARY: Final = 14

ARROW_METHODS: Final = frozenset(("filter", "map", "some", "every", "find"))
METHODS: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys(sorted(ARROW_METHODS), (1, 1)),
    "includes": (1, 1),
    "startsWith": (1, 1),
    "endsWith": (1, 1),
    "toLowerCase": (0, 0),
    "toUpperCase": (0, 0),
    "trim": (0, 0),
    "split": (0, 1),
    "join": (0, 1),
    "slice": (0, 2),
}
"""Every method there is, with the fewest and the most arguments."""
MATH: Final[Mapping[str, tuple[int, int]]] = {
    "min": (0, 100), "max": (0, 100), "round": (1, 1), "floor": (1, 1), "ceil": (1, 1),
}  # fmt: skip
MACHINERY: Final = frozenset(
    [
        "__proto__",
        "constructor",
        "prototype",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    ]
)
"""Members that lead from data to JavaScript's machinery; the same ones are refused at run time."""

_PATH: Final = re.compile(
    rf" ?(?![0-9])({RUN.pattern})((?:\.(?:{WORD.pattern}))*)(?= ?(?:[}})\],:<>=!&|+*/%]|\?[? ]|\Z))"
)
"""A name and plain members, with something behind it that is neither a member nor a call."""
_OPENING: Final = frozenset("([{`")
_ARROW: Final = re.compile(
    rf"({WORD.pattern})\s*=>|\(\s*((?:{WORD.pattern})(?:\s*,\s*(?:{WORD.pattern}))*)?\s*,?\s*\)\s*=>"
)


def parse(text: str, names: Mapping[str, Name]) -> tree.Node:
    """The whole text as one expression."""
    if len(text) > LONGEST:
        message = f"the expression is longer than {LONGEST:,} characters"
        raise ExpressionError("too-long", message, 1)
    scanner = Scanner(text, names)
    if BLANK.fullmatch(text):
        scanner.fail("syntax", "the expression is empty", 0)
    node = parse_at(scanner)
    if scanner.skip_blank() < len(text):
        scanner.unexpected()
    return node


def parse_at(scanner: Scanner) -> tree.Node:
    """The expression at the scanner's position, leaving the scanner behind it."""
    start = scanner.position
    node = _Parser(scanner).expression()
    if scanner.position - start > DEEPEST:  # a level takes a character at least
        _refuse_depth(node, scanner)
    return node


def _refuse_depth(root: tree.Node, scanner: Scanner) -> None:
    level = [root]
    for _ in range(DEEPEST):
        level = [child for node in level for child in tree.children(node)]
        if not level:
            return
    scanner.fail("too-deep", f"the expression has more than {DEEPEST} levels", level[0].at)


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.depth = 0
        self.closed: set[tree.Node] = set()
        """Nodes in parentheses of their own: (a ?? b) || c is fine, a ?? b || c is not."""

    def expression(self, binds: int = 0) -> tree.Node:
        scanner = self.scanner
        self.depth += 1
        if self.depth > DEEPEST:
            message = f"more than {DEEPEST} things are nested here"
            scanner.fail("too-deep", message, scanner.skip_blank())
        node = self.operand()
        while True:
            operator = scanner.peek()
            strength = BINDS.get(operator, 0)
            at = scanner.position
            if strength and strength > binds:
                node = self.binary(node, operator, strength, at)
            elif operator == "?" and binds == 0:
                scanner.take("?")
                then = self.expression()
                scanner.expect(":")
                node = tree.Ternary(at, node, then, self.expression())
            else:
                self.depth -= 1
                return node

    def binary(self, left: tree.Node, operator: str, strength: int, at: int) -> tree.Node:
        scanner = self.scanner
        if operator == "**" and isinstance(left, tree.Unary) and left not in self.closed:
            hint = "write (-a) ** b or -(a ** b)"
            scanner.fail("syntax", "a sign before ** could mean two things", left.at, hint)
        scanner.take(operator)
        right = self.expression(strength - 1 if operator == "**" else strength)
        if operator not in ("&&", "||", "??"):
            return tree.Binary(at, operator, left, right)
        for side in (left, right):
            if (
                isinstance(side, tree.Logical)
                and side not in self.closed
                and (side.operator == "??") != (operator == "??")
            ):
                hint = "put one of the two in parentheses"
                scanner.fail("syntax", f"{side.operator} and {operator} stand together", at, hint)
        return tree.Logical(at, operator, left, right)

    def operand(self) -> tree.Node:
        path = self.path()
        if path is not None:
            return path
        scanner = self.scanner
        operator = scanner.peek()
        at = scanner.position
        if operator in ("!", "-", "+"):
            scanner.take(operator)
            operand = self.expression(_UNARY)
            return tree.Unary(at, operator, operand)
        return self.members(self.primary(operator, at))

    def path(self) -> tree.Node | None:
        """``name.member.member``, as most operands are; None where something else stands.

        The same as :meth:`primary` and :meth:`members` make of it, in one look.
        """
        scanner = self.scanner
        before = scanner.position
        found = _PATH.match(scanner.text, before)
        if found is None or found[1] in CONSTANTS:
            return None
        word = scanner.word()
        if word is None or word.value != found[1]:
            scanner.position = before
            return None
        node = self.named(word)
        if found[2]:
            place = word.end + 1
            for name in found[2][1:].split("."):
                refuse_machinery(scanner, name, place)
                node = tree.Member(place, node, name)
                place += len(name) + 1
            scanner.position = found.end()
        return node

    def named(self, word: Token) -> tree.Node:
        if word.value in self.scanner.parameters:
            return tree.Parameter(word.at, word.value)
        return tree.Reference(word.at, word.value)

    def primary(self, operator: str, at: int) -> tree.Node:
        scanner = self.scanner
        if operator in _OPENING:
            return self.bracketed(operator, at)
        text = scanner.quoted()
        if text is not None:
            return tree.Constant(at, text)
        word = scanner.word()
        if word is None:
            number = scanner.number()
            if number is None:
                scanner.unexpected()
            return tree.Constant(at, number)
        if word.kind == "constant":
            return self.constant(word.value, at)
        return self.named(word)

    def bracketed(self, opening: str, at: int) -> tree.Node:
        scanner = self.scanner
        scanner.take(opening)
        match opening:
            case "(":
                node = self.expression()
                scanner.expect(")", at)
                self.closed.add(node)
                return node
            case "[":
                return tree.Array(at, self.listed("]", at))
            case "{":
                return self.object_literal(at)
            case _:
                return self.template(at)

    def constant(self, word: str, at: int) -> tree.Node:
        match word:
            case "Math":
                return self.math(at)
            case "undefined":
                return tree.UndefinedConstant(at)
            case "NaN" | "Infinity":
                return tree.Constant(at, math.nan if word == "NaN" else math.inf)
            case _:
                return tree.Constant(at, {"null": None, "true": True, "false": False}[word])

    def math(self, at: int) -> tree.Node:
        scanner = self.scanner
        scanner.expect(".")
        name, place = scanner.member_name()
        if name not in MATH or scanner.peek() != "(":
            hint = f"there is {', '.join(f'Math.{one}' for one in MATH)}"
            scanner.fail("unknown-method", f"there is no Math.{name[:60]}", place, hint)
        scanner.take("(")
        arguments = self.listed(")", place)
        self.check_count(f"Math.{name}", len(arguments), MATH[name], place)
        return tree.MathCall(at, name, arguments)

    def members(self, node: tree.Node) -> tree.Node:
        """``.name``, ``[key]`` and ``.method(…)``, as many as follow."""
        scanner = self.scanner
        cut_short = guarded = False
        while True:
            operator = scanner.peek()
            if operator not in (".", "?.", "[", "("):
                return tree.Chain(node.at, node) if cut_short else node
            at = scanner.position
            if operator == "(":
                message = "only the methods of text and lists, and Math, can be called"
                scanner.fail("not-in-language", message, at)
            scanner.take(operator)
            # A node that has not run has no output: node?.output.x asks for both at once.
            optional = operator == "?." or guarded
            guarded = False
            cut_short |= optional
            if operator == "[" or (operator == "?." and scanner.take("[")):
                key = self.expression()
                scanner.expect("]", at)
                if not (isinstance(key, tree.Constant) and isinstance(key.value, str)):
                    node = tree.Index(at, node, key, optional)
                    continue
                name, place = key.value, key.at  # a["b"] is a.b
            else:
                name, place = scanner.member_name()
                if scanner.peek() == "(":
                    node = self.call(node, name, place, optional)
                    continue
            refuse_machinery(scanner, name, place)
            guarded = operator == "?." and name == "output" and self.is_node(node)
            node = tree.Member(place, node, name, optional)

    def is_node(self, node: tree.Node) -> bool:
        return isinstance(node, tree.Reference) and isinstance(
            self.scanner.names.get(node.name), NodeName
        )

    def call(self, target: tree.Node, name: str, at: int, optional: bool) -> tree.Node:
        scanner = self.scanner
        if name not in METHODS:
            hint = f"there is {', '.join(sorted(METHODS))}"
            scanner.fail("unknown-method", f"there is no method '{name[:60]}'", at, hint)
        opened = scanner.skip_blank()
        scanner.take("(")
        if name in ARROW_METHODS:
            arguments: tuple[tree.Node, ...] = (self.arrow(name),)
            scanner.take(",")
            scanner.expect(")", opened)
        else:
            arguments = self.listed(")", opened)
        self.check_count(f".{name}", len(arguments), METHODS[name], at)
        return tree.Call(at, target, name, arguments, optional)

    def arrow(self, method: str) -> tree.Node:
        scanner = self.scanner
        at = scanner.skip_blank()
        found = _ARROW.match(scanner.text, at)
        if not found:
            hint = f"for example .{method}(item => item.name)"
            scanner.fail("syntax", f".{method} needs an arrow function", at, hint)
        parameters = tuple(WORD.findall(found.group(1) or found.group(2) or ""))
        if len(parameters) > 2 or len(set(parameters)) != len(parameters):
            scanner.fail("syntax", "an arrow function takes the item and its place", at)
        for name in parameters:
            if name in CONSTANTS or name in FOREIGN:
                scanner.fail("syntax", f"'{name}' cannot be the name of an item", at)
        scanner.position = found.end()
        scanner.parameters.extend(parameters)
        scanner.arrows += 1
        if scanner.arrows > NESTED_ARROWS:
            message = f"more than {NESTED_ARROWS} arrow functions stand in each other"
            scanner.fail("too-deep", message, at)
        if scanner.peek() == "{":
            hint = "put an object in parentheses: item => ({…})"
            scanner.fail("not-in-language", "an arrow function has no statements", at, hint)
        body = self.expression()
        scanner.arrows -= 1
        del scanner.parameters[len(scanner.parameters) - len(parameters) :]
        return tree.Arrow(at, parameters, body)

    def listed(self, closing: str, opened: int) -> tuple[tree.Node, ...]:
        scanner = self.scanner
        items: list[tree.Node] = []
        while not scanner.take(closing):
            items.append(self.expression())
            if not scanner.take(","):
                scanner.expect(closing, opened)
                break
        return tuple(items)

    def object_literal(self, opened: int) -> tree.Node:
        scanner = self.scanner
        members: list[tuple[str, tree.Node]] = []
        while not scanner.take("}"):
            at = scanner.skip_blank()
            key = scanner.quoted()
            if key is None:
                key, _ = scanner.member_name()
                if scanner.peek() in (",", "}"):
                    scanner.position = at  # {name} says {name: name}
                    members.append((key, self.primary("", at)))
                    key = None
            if key is not None:
                refuse_machinery(scanner, key, at)
                scanner.expect(":")
                members.append((key, self.expression()))
            if not scanner.take(","):
                scanner.expect("}", opened)
                break
        return tree.ObjectLiteral(opened, tuple(members))

    def template(self, opened: int) -> tree.Node:
        scanner = self.scanner
        parts: list[tree.Node] = []
        while True:
            at = scanner.position
            text, hole = scanner.template_part(opened)
            if text:
                parts.append(tree.Constant(at, text))
            if not hole:
                return tree.Template(opened, tuple(parts))
            parts.append(self.expression())
            scanner.expect("}", at)

    def check_count(self, called: str, count: int, allowed: tuple[int, int], at: int) -> None:
        fewest, most = allowed
        if not fewest <= count <= most:
            wanted = str(most) if fewest == most else f"{fewest} to {most}"
            message = f"{called} takes {wanted} argument{'' if wanted == '1' else 's'}, not {count}"
            self.scanner.fail("wrong-arguments", message, at)


def refuse_machinery(scanner: Scanner, name: str, at: int) -> None:
    if name in MACHINERY:
        scanner.fail("not-in-language", f"the member '{name}' cannot be used", at)
