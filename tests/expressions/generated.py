"""Random expressions over every construct of the language, and scopes to evaluate them in.

Expressions are mostly well-typed, because the compiler refuses the rest; what is not known to
the compiler (``payload`` and its members) may turn out to be anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compiler.expressions import NodeName, ValueName
from compiler.expressions.types import (
    BOOLEAN,
    COUNT,
    NUMBER,
    STRING,
    List,
    object_type,
    one_of,
    type_of_annotation,
    type_of_schema,
)
from runtime_tasks.output import Output


class Part(Output):
    name: str
    file_size: int
    ratio: float
    note: str | None = None
    tags: list[str] = []
    extra: Any = None


class Found(Output):
    parts: list[Part]
    current_part: Part | None = None
    total: int
    is_new: bool
    body: Any = None


FOUND = type_of_annotation(Found)
NAMES = {
    "find-1": NodeName("find-1", "find_1", FOUND),
    "maybe-1": NodeName("maybe-1", "maybe_1", FOUND, "maybe"),
    "title": ValueName("title", STRING),
    "label": ValueName("label", STRING),
    "note": ValueName("note", type_of_schema({"type": ["string", "null"]})),
    "size": ValueName("size", NUMBER),
    "count": ValueName("count", COUNT),
    "flag": ValueName("flag", BOOLEAN),
    "words": ValueName("words", List(STRING)),
    "numbers": ValueName("numbers", List(NUMBER)),
    "either": ValueName("either", one_of(STRING, NUMBER)),
    "user": ValueName("user", object_type({"email": STRING, "age": NUMBER}, more=True)),
    "rows": ValueName(
        "rows",
        type_of_schema(
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "key": {"type": "string"},
                        "rank": {"type": "integer", "minimum": 0, "maximum": 9},
                        "hint": {"type": ["string", "null"]},
                        "inner": {"type": "object", "properties": {"deep": {"type": "string"}}},
                    },
                    "required": ["key", "rank"],
                    "additionalProperties": False,
                },
            }
        ),
    ),
    "payload": ValueName("payload"),
    "other": ValueName("other"),
}
TEXTS = [
    "", "a", "abc", "b,c,,d", "  pad\u00a0\ufeff", "\x1c x \x85", "0", "-0", "12", " 12 ", "1e3", "0x1F",
    "0b11", "1_0", ".5", "5.", "+3", "Infinity", "-Infinity", "NaN", "null", "true", "Straße", "ΑΣ ΟΔΟΣ",
    "İi", "ŉ", "ﬁ", "🦉", "a🦉b🦉", "\ue000", "\uffff", "e\u0301", "Z", "z", "10", "9", "1e21", "[object Object]",
    "1,2", "\u2028", "\n", "a'b\"c", "back\\slash", "{x}", "ǅ", "ß", "١",
]  # fmt: skip
NUMBERS = [
    0, 1, 2, 3, 5, 7, 10, -1, -2, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.1, 0.2, 0.3, 1e21, 1e-7, 123456789,
    2**31, 2**32, 2**53, 2**53 - 1, 2**53 + 2, 1e300, 5e-324, 0.49999999999999994, 4503599627370495.5, 1e16,
    123456.789, 1.7976931348623157e308, 100, 255,
]  # fmt: skip


def scope(chance: random.Random) -> dict[str, Any]:
    """Values for every name; those of nodes are built by :func:`python_scope`."""

    def part() -> dict[str, Any]:
        return {
            "name": chance.choice(TEXTS),
            "fileSize": chance.randrange(0, 5000),
            "ratio": float(chance.choice(NUMBERS)),
            "note": chance.choice([None, chance.choice(TEXTS)]),
            "tags": texts(3),
            "extra": anything(chance, 2),
        }

    def found() -> dict[str, Any]:
        return {
            "parts": [part() for _ in range(chance.randrange(4))],
            "currentPart": chance.choice([None, part()]),
            "total": chance.randrange(-3, 100),
            "isNew": chance.random() < 0.5,
            "body": anything(chance, 3),
        }

    def row() -> dict[str, Any]:
        optional = {
            "hint": chance.choice([None, chance.choice(TEXTS)]),
            "inner": {"deep": chance.choice(TEXTS)} if chance.random() < 0.5 else {},
        }
        given = {key: value for key, value in optional.items() if chance.random() < 0.6}
        return {"key": chance.choice(TEXTS), "rank": chance.randrange(10), **given}

    def texts(most: int) -> list[str]:
        return [chance.choice(TEXTS) for _ in range(chance.randrange(most + 1))]

    failed = {"message": chance.choice(TEXTS), "type": "StepError"}
    skipped = chance.random() < 0.5
    return {
        "find-1": {"output": found(), "status": "success", "error": chance.choice([None, failed])},
        "maybe-1": {
            "output": None if skipped else found(),
            "status": "skipped" if skipped else "success",
            "error": None,
        },
        "title": chance.choice(TEXTS),
        "label": chance.choice(TEXTS),
        "note": chance.choice([None, chance.choice(TEXTS)]),
        "size": chance.choice(NUMBERS),
        "count": chance.randrange(6),
        "flag": chance.random() < 0.5,
        "words": texts(4),
        "numbers": [chance.choice(NUMBERS) for _ in range(chance.randrange(5))],
        "either": chance.choice([chance.choice(TEXTS), chance.choice(NUMBERS)]),
        "user": {
            "email": chance.choice(TEXTS),
            "age": chance.choice(NUMBERS),
            "id": anything(chance, 1),
        },
        "rows": [row() for _ in range(chance.randrange(4))],
        "payload": {key: anything(chance, 3) for key in ("a", "b", "c") if chance.random() < 0.8},
        "other": anything(chance, 3),
    }


def anything(chance: random.Random, depth: int) -> Any:
    kinds = ["text", "number", "null", "boolean"] + (["list", "object"] * 2 if depth else [])
    match chance.choice(kinds):
        case "text":
            return chance.choice(TEXTS)
        case "number":
            return chance.choice(NUMBERS)
        case "boolean":
            return chance.random() < 0.5
        case "list":
            return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
        case "object":
            keys = ["a", "b", "name", "length", "0"]
            return {key: anything(chance, depth - 1) for key in keys if chance.random() < 0.4}
    return None


ROW = [
    ".key", "['key']", ".rank", ".hint", "?.hint", ".hint?.length", ".inner", ".inner?.deep",
    "?.inner?.deep?.length", ".inner.deep",
]  # fmt: skip


@dataclass(frozen=True)
class Result:
    """A node's outcome as flows see it."""

    output: Any
    status: str
    error: Any


def python_scope(given: dict[str, Any]) -> dict[str, Any]:
    """The same values as a flow has them: outputs of steps are records."""
    made = dict(given)
    for node in ("find-1", "maybe-1"):
        output = given[node]["output"]
        built = None if output is None else Found.of_json(output)
        made[node] = Result(output=built, status=given[node]["status"], error=given[node]["error"])
    return made


class Expressions:
    """``Expressions(chance).any(4)`` is one expression's text."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.items: list[tuple[str, str]] = []
        self.arrows = 0

    def pick(self, *makers: Callable[[], str]) -> str:
        return self.chance.choice(makers)()

    def any(self, depth: int) -> str:
        kinds = (self.text, self.number, self.boolean, self.unknown, self.words, self.numbers)
        if depth > 0 and self.chance.random() < 0.1:
            return self.built(depth)
        return self.chance.choice(kinds)(depth)

    def built(self, depth: int) -> str:
        inner = [self.any(depth - 1) for _ in range(self.chance.randrange(3))]
        if self.chance.random() < 0.5:
            return f"[{', '.join(inner)}]"
        members = (
            f"{key}: {value}" for key, value in zip(("a", "'b c'", "c"), inner, strict=False)
        )
        return f"({{{', '.join(members)}}})"

    def item(self, kind: str) -> list[Callable[[], str]]:
        found = [name for name, of in self.items if of == kind]
        return [lambda: self.chance.choice(found)] * 3 if found else []

    def around(self, code: str) -> str:
        """Mostly in parentheses; without, both parsers must group alike."""
        return f"({code})" if self.chance.random() < 0.75 else code

    def text(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [
            lambda: self.quoted(self.chance.choice(TEXTS)),
            lambda: "title",
            lambda: "label",
            lambda: "user.email",
            lambda: "find-1.status",
            *self.item("text"),
            *[lambda: f"{self.chance.choice([n for n, k in self.items if k == 'part'])}.name"]
            * any(kind == "part" for _, kind in self.items),
        ]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        return self.pick(
            *leaves,
            lambda: self.around(f"{self.text(deeper)} + {self.any(deeper)}"),
            lambda: self.around(f"{self.any(deeper)} + {self.text(deeper)}"),
            lambda: (
                f"`{self.chance.choice(['', 'x', '{', 'é ', '$'])}${{{self.any(deeper)}}}-${{{self.any(deeper)}}}`"
            ),
            lambda: (
                f"{self.text(deeper)}.{self.chance.choice(['trim', 'toLowerCase', 'toUpperCase'])}()"
            ),
            lambda: f"{self.text(deeper)}.slice({self.slice(deeper)})",
            lambda: f"{self.words(deeper)}.join({self.chance.choice(['', self.text(deeper)])})",
            lambda: f"{self.numbers(deeper)}.join({self.text(deeper)})",
            lambda: self.around(
                f"{self.boolean(deeper)} ? {self.text(deeper)} : {self.text(deeper)}"
            ),
            lambda: self.around(f"note ?? {self.text(deeper)}"),
            lambda: self.around(f"{self.text(deeper)} || {self.text(deeper)}"),
            lambda: self.around(f"maybe-1?.output.currentPart?.name ?? {self.text(deeper)}"),
            lambda: f"({self.proof('note')} ? note : {self.text(deeper)})",
            lambda: f"({self.proof('note')} ? note.trim() + note.length : {self.text(deeper)})",
            lambda: (
                f"({self.proof('rows[0]?.inner?.deep')} ? rows[0].inner.deep : {self.text(deeper)})"
            ),
            lambda: (
                f"({self.disproof('find-1.output.currentPart')} ? {self.text(deeper)} : find-1.output.currentPart.name)"
            ),
            lambda: f"({self.proof('payload.a')} ? payload.a.b : {self.text(deeper)}) + ''",
            lambda: (
                f"({self.disproof('maybe-1.output')} ? {self.text(deeper)} : maybe-1.output.currentPart?.note ?? 'x')"
            ),
            lambda: self.arrow("rows", "map", "row", self.text, deeper) + ".join('|')",
            lambda: self.around(f"{self.text(deeper)} && {self.text(deeper)}"),
            lambda: self.around(f"find-1.error?.message ?? {self.text(deeper)}"),
        )

    def proof(self, place: str) -> str:
        """A test that holds only if the place is something, or looks as if."""
        return self.chance.choice(
            [
                place,
                f"!!{place}",
                f"{place} != null",
                f"{place} !== null",
                f"{place} != undefined",
                f"{place} !== undefined",
                f"!({place} == null)",
                f"{place} != null && flag",
                f"flag && {place}",
                f"{place} === 'a'",
                f"!(!{place} || flag)",
            ]
        )

    def disproof(self, place: str) -> str:
        return self.chance.choice(
            [
                f"!{place}",
                f"{place} == null",
                f"{place} === null",
                f"null === {place}",
                f"undefined == {place}",
                f"(!{place} || flag)",
                f"!({place} != null && {place})",
            ]
        )

    def quoted(self, text: str) -> str:
        quote = self.chance.choice("\"'")
        escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
        if self.chance.random() < 0.2:
            escaped = "".join(f"\\u{{{ord(c):x}}}" for c in text)
        return f"{quote}{escaped}{quote}"

    def separator(self, depth: int) -> str:
        return self.chance.choice(["", '""', '","', "'🦉'", self.text(depth)])

    def slice(self, depth: int) -> str:
        return self.chance.choice(
            ["", "1", "-1", "0, 1", "1, -1", "-2, 9", "-9", "1.7", self.number(depth - 1)]
        )

    def number(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [
            lambda: self.numeral(),
            lambda: "size",
            lambda: "count",
            lambda: "user.age",
            lambda: "find-1.output.total",
            lambda: self.chance.choice(["NaN", "Infinity", "0x1f", "1e3", ".5", "5."]),
            *self.item("number"),
            *self.item("index"),
            *[lambda: f"{self.chance.choice([n for n, k in self.items if k == 'part'])}.fileSize"]
            * any(kind == "part" for _, kind in self.items),
        ]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        return self.pick(
            *leaves,
            lambda: self.around(
                f"{self.number(deeper)} {self.chance.choice('+-*/%')} {self.number(deeper)}"
            ),
            lambda: self.around(
                f"{self.any(deeper)} {self.chance.choice('-*/%')} {self.any(deeper)}"
            ),
            lambda: self.around(f"{self.boolean(deeper)} + {self.number(deeper)}"),
            lambda: (
                f"({self.chance.choice(['2', '3', '-2', '0', 'count', 'NaN', '1'])}) ** {self.chance.choice(['0', '1', '2', '3', '10', 'NaN', 'Infinity', 'count'])}"
            ),
            lambda: f"-({self.number(deeper)})",
            lambda: f"-{self.number(deeper)}",
            lambda: f"+({self.any(deeper)})",
            lambda: f"Math.{self.chance.choice(['round', 'floor', 'ceil'])}({self.number(deeper)})",
            lambda: f"Math.{self.chance.choice(['round', 'floor', 'ceil'])}({self.any(deeper)})",
            lambda: (
                f"Math.{self.chance.choice(['min', 'max'])}({', '.join(self.number(deeper) for _ in range(self.chance.randrange(4)))})"
            ),
            lambda: f"{self.text(deeper)}.length",
            lambda: f"{self.words(deeper)}.length",
            lambda: f"{self.parts(deeper)}.length",
            lambda: self.around(f"maybe-1?.output.parts.length ?? {self.number(deeper)}"),
            lambda: self.around(
                f"{self.boolean(deeper)} ? {self.number(deeper)} : {self.number(deeper)}"
            ),
            lambda: self.around(f"{self.number(deeper)} || {self.number(deeper)}"),
        )

    def numeral(self) -> str:
        number = self.chance.choice(NUMBERS)
        return repr(number) if number >= 0 else f"({number!r})"

    def boolean(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [lambda: "flag", lambda: "true", lambda: "false"]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        equal = self.chance.choice(["===", "!==", "==", "!="])
        order = self.chance.choice(["<", ">", "<=", ">="])
        return self.pick(
            *leaves,
            lambda: self.around(f"{self.text(deeper)} {equal} {self.text(deeper)}"),
            lambda: self.around(f"{self.number(deeper)} {equal} {self.number(deeper)}"),
            lambda: self.around(f"{self.boolean(deeper)} {equal} {self.boolean(deeper)}"),
            lambda: self.around(f"{self.unknown(deeper)} {equal} {self.any(deeper)}"),
            lambda: self.around(f"{self.any(deeper)} {equal} {self.unknown(deeper)}"),
            lambda: self.around(f"{self.any(deeper)} {equal} {self.chance.choice(['null', 'undefined'])}"),
            lambda: self.around(f"note {equal} {self.chance.choice(['null', 'undefined', 'title', 'note'])}"),
            lambda: self.around(f"{self.text(deeper)} {order} {self.text(deeper)}"),
            lambda: self.around(f"{self.number(deeper)} {order} {self.number(deeper)}"),
            lambda: self.around(f"{self.unknown(deeper)} {order} {self.any(deeper)}"),
            lambda: self.around(f"maybe-1?.output.parts.length {order} {self.number(deeper)}"),
            lambda: self.around(f"maybe-1?.output.total {equal} {self.numeral()}"),
            lambda: self.around(f"maybe-1.status === 'success' && maybe-1.output.total {order} 3"),
            lambda: self.around(f"maybe-1.output != null && maybe-1.output.parts.length {order} 1"),
            lambda: self.around(f"maybe-1?.output.isNew {equal} {self.chance.choice(['true', 'false', 'flag'])}"),
            lambda: "maybe-1?.output.isNew",
            lambda: f"!({self.any(deeper)})",
            lambda: f"!{self.boolean(deeper)}",
            lambda: f"!!({self.any(deeper)})",
            lambda: self.around(f"{self.boolean(deeper)} && {self.boolean(deeper)}"),
            lambda: self.around(f"{self.boolean(deeper)} || {self.boolean(deeper)}"),
            lambda: f"{self.text(deeper)}.{self.chance.choice(['includes', 'startsWith', 'endsWith'])}({self.text(deeper)})",
            lambda: f"{self.words(deeper)}.includes({self.text(deeper)})",
            lambda: f"{self.numbers(deeper)}.includes({self.number(deeper)})",
            lambda: f"{self.unknown(deeper)}.{self.chance.choice(['includes', 'startsWith', 'endsWith'])}({self.any(deeper)})",
            lambda: self.arrow(self.words(deeper), self.chance.choice(["some", "every"]), "text", self.any, deeper),
            lambda: self.arrow(self.numbers(deeper), self.chance.choice(["some", "every"]), "number", self.boolean, deeper),
            lambda: self.arrow(self.parts(deeper), self.chance.choice(["some", "every"]), "part", self.boolean, deeper),
        )  # fmt: skip

    def arrow(
        self, target: str, method: str, kind: str, body: Callable[[int], str], depth: int
    ) -> str:
        if self.arrows == 3:
            return target
        self.arrows += 1
        free = [
            name for name in ("x", "y", "z", "len", "w") if all(name != n for n, _ in self.items)
        ]
        name = self.chance.choice(free)
        index = self.chance.random() < 0.2
        added = [
            (name, kind),
            *([("i", "index")] if index and ("i", "index") not in self.items else []),
        ]
        self.items.extend(added)
        inner = body(depth - 1)
        del self.items[len(self.items) - len(added) :]
        self.arrows -= 1
        parameters = f"({name}, i)" if len(added) == 2 else self.chance.choice([name, f"({name})"])
        return f"{target}.{method}({parameters} => {inner})"

    def words(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [lambda: "words", *self.item("words")]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        return self.pick(
            *leaves,
            lambda: f"[{self.text(deeper)}, {self.text(deeper)}]",
            lambda: f"{self.text(deeper)}.split({self.separator(deeper)})",
            lambda: f"{self.words(deeper)}.slice({self.slice(deeper)})",
            lambda: self.arrow(self.words(deeper), "filter", "text", self.any, deeper),
            lambda: self.arrow(self.words(deeper), "map", "text", self.text, deeper),
            lambda: self.arrow(self.parts(deeper), "map", "part", self.text, deeper),
            lambda: self.arrow(self.numbers(deeper), "map", "number", self.text, deeper),
        )

    def numbers(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [lambda: "numbers"]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        return self.pick(
            *leaves,
            lambda: f"[{self.number(deeper)}, {self.number(deeper)}]",
            lambda: self.arrow(self.numbers(deeper), "filter", "number", self.any, deeper),
            lambda: self.arrow(self.numbers(deeper), "map", "number", self.number, deeper),
            lambda: self.arrow(self.parts(deeper), "map", "part", self.number, deeper),
            lambda: f"{self.numbers(deeper)}.slice({self.slice(deeper)})",
        )

    def parts(self, depth: int) -> str:
        leaves: list[Callable[[], str]] = [lambda: "find-1.output.parts"]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        return self.pick(
            *leaves,
            lambda: self.arrow(self.parts(deeper), "filter", "part", self.any, deeper),
            lambda: f"{self.parts(deeper)}.slice({self.slice(deeper)})",
        )

    def unknown(self, depth: int) -> str:
        part = [name for name, kind in self.items if kind == "part"]
        row = [name for name, kind in self.items if kind == "row"]
        leaves: list[Callable[[], str]] = [
            lambda: "payload",
            lambda: "other",
            lambda: "either",
            lambda: "payload.a",
            lambda: "payload.b",
            lambda: "find-1.output.body",
            lambda: "undefined",
            lambda: "null",
            *[lambda: f"{self.chance.choice(row)}{self.chance.choice(ROW)}"] * 3 * bool(row),
            lambda: f"rows[{self.chance.choice('01')}]{self.chance.choice(ROW)}",
            *[
                lambda: (
                    f"{self.chance.choice(part)}.{self.chance.choice(['extra', 'note', 'ratio'])}"
                )
            ]
            * bool(part),
        ]
        if depth <= 0:
            return self.pick(*leaves)
        deeper = depth - 1
        dot = self.chance.choice([".", "?.", "?."])
        member = self.chance.choice(["a", "b", "name", "length", "missing"])
        return self.pick(
            *leaves,
            lambda: f"({self.unknown(deeper)}){dot}{member}",
            lambda: f"{self.unknown(deeper)}{dot}{member}",
            lambda: f"payload{dot}{member}{self.chance.choice(['.', '?.'])}{member}",
            lambda: f"payload?.{member}?.filter(x => x).length",
            lambda: f"payload?.[{self.any(deeper)}]",
            lambda: f"({self.unknown(deeper)})?.[{self.any(deeper)}]?.a.b",
            lambda: f"(payload.{member})[{self.number(deeper)}]",
            lambda: f"{self.words(deeper)}[{self.number(deeper)}]",
            lambda: f"{self.text(deeper)}[{self.number(deeper)}]",
            lambda: f"{self.parts(deeper)}[{self.number(deeper)}]?.{self.chance.choice(['name', 'fileSize', 'ratio', 'tags', 'extra', 'note'])}",
            lambda: self.arrow(self.parts(deeper), "find", "part", self.any, deeper),
            lambda: self.arrow("rows", self.chance.choice(["map", "filter", "find", "some"]), "row", self.any, deeper),
            lambda: self.arrow(self.words(deeper), "find", "text", self.any, deeper),
            lambda: self.arrow(self.unknown(deeper), self.chance.choice(["map", "filter", "some", "every", "find"]), "any", self.any, deeper),
            lambda: f"({self.unknown(deeper)}).slice({self.slice(deeper)})",
            lambda: self.around(f"{self.any(deeper)} {self.chance.choice(['&&', '||', '??'])} {self.any(deeper)}"),
            lambda: self.around(f"{self.any(deeper)} ? {self.any(deeper)} : {self.any(deeper)}"),
            lambda: self.around(f"{self.unknown(deeper)} + {self.any(deeper)}"),
            lambda: "maybe-1?.output",
            lambda: "maybe-1?.output.currentPart?.note",
            lambda: "find-1.output.currentPart.ratio",
            lambda: "find-1.output.currentPart?.tags[0]",
        )  # fmt: skip
