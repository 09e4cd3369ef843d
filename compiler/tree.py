"""What a YAML or JSON text says, with the place of each value.

::

    tree = read_yaml("name: Nightly\n", problems)
    tree.entries["name"].value      # "Nightly"
    tree.entries["name"].line       # 1

Both readers give this one shape, so everything behind them knows neither syntax.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast

from compiler.errors import Problem

JsonScalar = str | int | float | bool | None

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 300
"""Longer numbers are a mistake or an attack; Python's own limit would raise a less clear error."""


# Shared by all scalars, of which there are many; nothing can be added to them.
_NO_ITEMS = cast("list[Tree]", ())
_NO_ENTRIES = cast("dict[str, Tree]", MappingProxyType({}))
_NO_KEYS = cast("dict[str, tuple[int, int]]", MappingProxyType({}))


@dataclass(slots=True, eq=False, init=False)
class Tree:
    """A scalar, a list or a mapping. Lines and columns count from 1, in characters."""

    kind: Literal["scalar", "list", "mapping"]
    line: int
    column: int
    value: JsonScalar
    style: str
    """How a scalar was written: empty (plain), a quote, ``|`` or ``>``."""
    items: list[Tree]
    entries: dict[str, Tree]
    keys: dict[str, tuple[int, int]]
    """Where each key of a mapping stands."""
    size: int
    """Values in it, aliases counted as often as they are used."""

    def __init__(
        self,
        kind: Literal["scalar", "list", "mapping"],
        line: int,
        column: int,
        value: JsonScalar = None,
        style: str = "",
    ) -> None:
        self.kind = kind
        self.line = line
        self.column = column
        self.value = value
        self.style = style
        self.items = _NO_ITEMS
        self.entries = _NO_ENTRIES
        self.keys = _NO_KEYS
        self.size = 1

    @classmethod
    def opened(cls, kind: Literal["list", "mapping"], line: int, column: int) -> Tree:
        """A collection with nothing in it so far."""
        tree = cls(kind, line, column)
        tree.items, tree.entries, tree.keys = [], {}, {}
        return tree

    def __eq__(self, other: object) -> bool:
        """Equal content; the place and the way of writing do not count."""
        return isinstance(other, Tree) and _same(self.plain(), other.plain())

    __hash__ = None  # type: ignore[assignment]  # equal content, changeable lists

    def plain(self) -> Any:
        """The content as ordinary lists, dicts and scalars. Depth is bounded by the readers."""
        if self.kind == "mapping":
            return {key: value.plain() for key, value in self.entries.items()}
        if self.kind == "list":
            return [item.plain() for item in self.items]
        return self.value


def _same(left: Any, right: Any) -> bool:
    """Like ``==``, but ``True`` is not ``1``."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            _same(one, other) for one, other in zip(left, right, strict=True)
        )
    return type(left) is type(right) and bool(left == right)


def decode(source: str | bytes, problems: list[Problem]) -> str | None:
    """The text without its byte order mark, or None with a problem."""
    if isinstance(source, bytes):
        if len(source) > MAX_BYTES:
            problems.append(_too_large(len(source)))
            return None
        try:
            text = source.decode("utf-8")
        except UnicodeDecodeError as error:
            before = source[: error.start].decode("utf-8")
            line = before.count("\n") + 1
            problems.append(
                Problem(
                    "not-utf8",
                    f"byte {error.start + 1} is not UTF-8",
                    line,
                    len(before) - before.rfind("\n"),
                    hint="save the file as UTF-8",
                )
            )
            return None
    else:
        text = source
        if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
            problems.append(_too_large(len(text)))
            return None
    text = text.removeprefix("\ufeff")
    for index, character in enumerate(text) if not text.isascii() else ():
        if "\ud800" <= character <= "\udfff":
            line = text.count("\n", 0, index) + 1
            problems.append(
                Problem(
                    "not-utf8",
                    "half of a surrogate pair is no character",
                    line,
                    index - text.rfind("\n", 0, index),
                )
            )
            return None
    return text


def shown(text: str) -> str:
    """User text as it may stand in a message: short, on one line, nothing invisible."""
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:61])
    return visible if len(text) <= 60 else visible[:60] + "…"


def _too_large(size: int) -> Problem:
    return Problem(
        "too-large",
        f"the definition has {size:,} bytes, more than {MAX_BYTES:,}",
        1,
        1,
        hint="split it into several workflows",
    )
