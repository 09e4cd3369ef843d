"""JSON text to a Tree.

The standard library's reader knows no places, keeps the last of two equal keys
and takes NaN; so one regular expression cuts the text into tokens and a loop
without recursion puts them together (RFC 8259).
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right

from compiler.errors import Problem
from compiler.tree import MAX_DEPTH, MAX_DIGITS, JsonScalar, Tree, shown

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<mark>[{}\[\]:,])
      | "(?P<text>[^"\\\x00-\x1f]*)"
      | (?P<escaped>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![\w.+-])
      | (?P<word>true|false|null)(?!\w)
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_WORDS: dict[str, JsonScalar] = {"true": True, "false": False, "null": None}


class _Stop(Exception):
    def __init__(self, offset: int, code: str, message: str, hint: str | None = None) -> None:
        self.offset, self.code, self.message, self.hint = offset, code, message, hint


class _Places:
    """Line and column of an offset."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def __call__(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def read_json(text: str, problems: list[Problem]) -> Tree | None:
    """The value in ``text``; None when it cannot be read at all."""
    places = _Places(text)
    try:
        return _read(text, places, problems)
    except _Stop as stop:
        line, column = places(stop.offset)
        problems.append(Problem(stop.code, stop.message, line, column, hint=stop.hint))
        return None


def _read(text: str, places: _Places, problems: list[Problem]) -> Tree:
    stack: list[Tree] = []
    keys: list[tuple[str, int] | None] = []
    root: Tree | None = None
    expects = "value"
    """value | first-value (or ]) | key | first-key (or }) | colon | more (a comma or the end)"""
    position = 0
    match = _TOKEN.match
    while True:
        token = match(text, position)
        if token is None:
            space = _SPACE.match(text, position)
            offset = space.end() if space else position
            if offset < len(text):
                raise _unreadable(text, offset)
            break
        kind = token.lastgroup or ""
        offset = token.start(kind) - (kind == "text")
        position = token.end()
        what = token[kind]
        if root is not None and not stack:
            raise _Stop(offset, "json-syntax", "something follows after the end")
        if kind == "mark":
            if what == ":" and expects == "colon":
                expects = "value"
                continue
            if what == "," and expects == "more" and stack:
                expects = "key" if stack[-1].kind == "mapping" else "value"
                continue
            if what in "}]":
                wanted = "mapping" if what == "}" else "list"
                first = "first-key" if what == "}" else "first-value"
                if not stack or stack[-1].kind != wanted or expects not in ("more", first):
                    raise _unexpected(what, expects, offset)
                tree = stack.pop()
                keys.pop()
                if stack:
                    stack[-1].size += tree.size
                expects = "more"
                continue
            if what not in "{[" or expects not in ("value", "first-value"):
                raise _unexpected(what, expects, offset)
            if len(stack) >= MAX_DEPTH:
                raise _Stop(offset, "too-deep", f"nested more than {MAX_DEPTH} levels deep")
            line, column = places(offset)
            tree = Tree.opened("mapping" if what == "{" else "list", line, column)
        elif expects in ("key", "first-key"):
            if kind not in ("text", "escaped"):
                raise _Stop(offset, "json-syntax", "a key stands between double quotes")
            keys[-1] = (_text(kind, what, offset), offset)
            expects = "colon"
            continue
        elif expects in ("value", "first-value"):
            line, column = places(offset)
            style = '"' if kind in ("text", "escaped") else ""
            tree = Tree("scalar", line, column, _scalar(kind, what, offset), style)
        else:
            raise _unexpected(what, expects, offset)
        if not stack:
            root = tree
        elif stack[-1].kind == "list":
            stack[-1].items.append(tree)
        else:
            _put(stack[-1], keys[-1], tree, places, problems)
        if tree.kind == "scalar":
            if stack:
                stack[-1].size += 1
            expects = "more"
        else:
            stack.append(tree)
            keys.append(None)
            expects = "first-key" if tree.kind == "mapping" else "first-value"
    if stack or root is None:
        raise _Stop(len(text), "json-syntax", "the text ends too early")
    return root


def _put(
    parent: Tree,
    key: tuple[str, int] | None,
    tree: Tree,
    places: _Places,
    problems: list[Problem],
) -> None:
    assert key is not None  # noqa: S101 - a key was read before its value
    name, offset = key
    place = places(offset)
    if name in parent.entries:
        problems.append(
            Problem(
                "duplicate-key",
                f"'{shown(name)}' stands here a second time, first on line {parent.keys[name][0]}",
                *place,
                hint="keep one of the two",
            )
        )
        return
    parent.entries[name] = tree
    parent.keys[name] = place


def _scalar(kind: str, what: str, offset: int) -> JsonScalar:
    if kind == "word":
        return _WORDS[what]
    if kind != "number":
        return _text(kind, what, offset)
    if len(what) > MAX_DIGITS:
        raise _Stop(offset, "number", f"a number of more than {MAX_DIGITS} digits")
    if what.lstrip("-").isdigit():
        return int(what)
    number = float(what)
    if not math.isfinite(number):
        raise _Stop(offset, "number", "this number is out of range")
    return number


def _text(kind: str, what: str, offset: int) -> str:
    if kind == "text":
        return what
    text: str = json.loads(what)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _Stop(offset, "json-syntax", "half of a surrogate pair is no character")
    return text


def _unexpected(what: str, expects: str, offset: int) -> _Stop:
    wanted = {
        "value": "a value",
        "first-value": "a value or ]",
        "key": "a key",
        "first-key": "a key or }",
        "colon": "a colon",
        "more": "a comma or the end",
    }[expects]
    return _Stop(offset, "json-syntax", f"'{shown(what)}' stands where {wanted} was expected")


def _unreadable(text: str, offset: int) -> _Stop:
    rest = text[offset : offset + 12]
    if re.match(r"-?(NaN|Infinity)", rest):
        return _Stop(offset, "number", "NaN and Infinity are no numbers in JSON")
    if rest.startswith('"'):
        return _Stop(
            offset,
            "json-syntax",
            "this text does not end, or holds a bare control character or an unknown escape",
        )
    hint = "JSON has no comments; YAML has" if rest[0] in "/#" else None
    return _Stop(offset, "json-syntax", f"'{shown(rest[0])}' cannot stand here", hint)
