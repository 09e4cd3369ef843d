"""YAML text to a Tree, with YAML 1.2's scalars.

PyYAML resolves scalars by YAML 1.1: ``Yes`` is True, ``12:30`` is 750 and
``on:`` is the key True. So only its C event parser is used, which is also two
to four times as fast as its loaders, and the few rules of the YAML 1.2 core
schema (yaml.org/spec/1.2.2, chapter 10.3) stand here.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from compiler.errors import Problem
from compiler.tree import MAX_DEPTH, MAX_DIGITS, JsonScalar, Tree, shown

Parser: Any
try:
    from yaml.cyaml import CParser as Parser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - a PyYAML without libyaml: slower, same events

    class Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            yaml.reader.Reader.__init__(self, stream)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)


MAX_EXPANDED = 100_000
"""Values that aliases may add to what is written out."""

_CORE = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(("!", _CORE + "str"))
_TAGS = frozenset({None, "!"}) | {
    _CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq")
}
_VALUES = frozenset((ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent))
_MERGE = "\0merge"
"""No text can hold this key, so a quoted "<<" stays an ordinary one."""
_WORDS: dict[str, JsonScalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")


class _Stop(Exception):
    """The text cannot be read further."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read_yaml(text: str, problems: list[Problem]) -> Tree | None:
    """The one document in ``text``; None when it cannot be read at all."""
    try:
        return _read(text, problems)
    except _Stop as stop:
        problems.append(_explained(stop.problem, text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        problems.append(
            _explained(Problem("yaml-syntax", message, mark.line + 1, mark.column + 1), text)
            if mark is not None
            else Problem("yaml-syntax", message, 1, 1)
        )
    except yaml.YAMLError as error:
        # The reader's own errors (control characters) know an offset and no line.
        offset = int(getattr(error, "position", 0) or 0)
        character = getattr(error, "character", "")
        before = text[:offset] if isinstance(offset, int) else ""
        problems.append(
            Problem(
                "yaml-syntax",
                "a control character is not allowed here"
                if isinstance(character, int | str)
                else "not readable as YAML",
                before.count("\n") + 1,
                len(before) - before.rfind("\n"),
                hint='write it as an escape between double quotes, such as "\\x07"',
            )
        )
    return None


def _explained(problem: Problem, text: str) -> Problem:
    """The problem with what people most often did to come by it."""
    lines = text.split("\n")
    number = problem.line or 1
    line = lines[number - 1] if number <= len(lines) else ""
    hint = None
    if problem.code == "yaml-key" and "{{" in line:
        hint = 'put quotes around a hole: "{{ name }}"'
    elif problem.code == "yaml-syntax" and "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "indent with spaces: YAML takes no tabs there"
    elif problem.code == "yaml-syntax" and "could not find expected ':'" in problem.message:
        hint = "a colon is missing, mostly at the end of the line above"
    return problem if hint is None else replace(problem, hint=hint)


def _read(text: str, problems: list[Problem]) -> Tree | None:
    next_event = Parser(text).get_event
    anchors: dict[str, Tree] = {}
    root: Tree | None = None
    documents = expanded = 0
    values = 0
    """Values so far, aliases counted as often as they are used."""
    parent: Tree | None = None
    """The innermost open collection."""
    entries: dict[str, Tree] | None = None
    """Those of the parent, if it is a mapping."""
    key: str | None = None
    """In a mapping: the key that waits for its value."""
    place = 1, 1
    """Where the key stands."""
    around: list[tuple[Tree | None, int]] = []
    """What is open around ``parent``, outermost first, and the values before each."""

    while (event := next_event()) is not None:
        kind = type(event)
        mark = event.start_mark
        if kind is ScalarEvent:
            text = event.value
            if key is None and entries is not None:
                if event.tag is not None or event.anchor is not None:
                    _check_key(event, anchors)
                key = _MERGE if text == "<<" and not event.style else text
                place = mark.line + 1, mark.column + 1
                continue
            style = event.style or ""
            if event.tag is not None:
                value = text if event.tag in _TEXT_TAGS else _tagged(event)
            elif style or (text.isalpha() and text not in _WORDS):
                value = text
            else:
                value = _resolve(text, event)
            tree = Tree("scalar", mark.line + 1, mark.column + 1, value, style)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            assert parent is not None  # noqa: S101 - the parser closes only what it opened
            tree = parent
            parent, before = around.pop()
            tree.size = values - before
            entries = parent.entries if parent is not None and parent.kind == "mapping" else None
            if _MERGE in tree.entries:
                _merge(tree)
            continue
        elif kind is DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _stop(
                    event,
                    "yaml-documents",
                    "a second document starts here",
                    "one file holds one workflow",
                )
            continue
        elif kind not in _VALUES:
            continue
        elif key is None and entries is not None:
            raise _stop(event, "yaml-key", "a key must be plain text", "write the key out as text")
        elif kind is AliasEvent:
            tree = _anchored(event, anchors, [parent, *(open_ for open_, _ in around)])
            values += tree.size - 1
            expanded += tree.size
            if expanded > MAX_EXPANDED:
                raise _stop(
                    event,
                    "yaml-alias",
                    f"aliases add more than {MAX_EXPANDED:,} values",
                    "write the values out, or use a variable",
                )
        else:
            if event.tag not in _TAGS:
                raise _tag(event)
            if len(around) >= MAX_DEPTH:
                raise _stop(event, "too-deep", f"nested more than {MAX_DEPTH} levels deep")
            shape: Any = "mapping" if kind is MappingStartEvent else "list"
            tree = Tree.opened(shape, mark.line + 1, mark.column + 1)
        if kind is not AliasEvent and event.anchor is not None:
            anchors[event.anchor] = tree
        if entries is not None and parent is not None and key is not None:
            if key in entries:
                problems.append(_twice(key, parent.keys[key], place))
            else:
                entries[key] = tree
                parent.keys[key] = place
            key = None
        elif parent is not None:
            parent.items.append(tree)
        else:
            root = tree
        if kind is MappingStartEvent or kind is SequenceStartEvent:
            around.append((parent, values))
            parent = tree
            entries = tree.entries if kind is MappingStartEvent else None
        values += 1
    return root


def _check_key(event: Any, anchors: dict[str, Tree]) -> None:
    """A key is the text that is written, whatever it looks like: ``on``, ``1``, ``null``."""
    if event.tag not in _TAGS:
        raise _tag(event)
    if event.anchor is not None:
        mark = event.start_mark
        anchors[event.anchor] = Tree("scalar", mark.line + 1, mark.column + 1, event.value)


def _twice(key: str, first: tuple[int, int], place: tuple[int, int]) -> Problem:
    return Problem(
        "duplicate-key",
        f"'{'<<' if key == _MERGE else shown(key)}' stands here a second time, "
        f"first on line {first[0]}",
        *place,
        hint="keep one of the two",
    )


def _anchored(event: Any, anchors: dict[str, Tree], stack: list[Tree | None]) -> Tree:
    known = anchors.get(event.anchor)
    if known is None:
        raise _stop(event, "yaml-alias", f"nothing is anchored as '{shown(event.anchor)}'")
    if any(known is open_tree for open_tree in stack):
        raise _stop(event, "yaml-alias", "an alias stands inside its own anchor")
    return known


def _merge(tree: Tree) -> None:
    """``<<: *base`` fills in the keys that are not there (a YAML 1.1 habit that people have)."""
    merged = tree.entries.pop(_MERGE)
    place = tree.keys.pop(_MERGE)
    sources = merged.items if merged.kind == "list" else [merged]
    for source in sources:
        if source.kind != "mapping":
            raise _Stop(Problem("yaml-key", "'<<' takes a mapping, or a list of mappings", *place))
        for key, value in source.entries.items():
            if key not in tree.entries:
                tree.entries[key] = value
                tree.keys[key] = source.keys[key]


def _resolve(text: str, event: Any) -> JsonScalar:
    """A plain scalar's value by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    try:
        if _INTEGER.match(text):
            _check_digits(text, event)
            return int(text)
        if _FLOAT.match(text):
            return _finite(float(text), event)
        if _HEXADECIMAL.match(text):
            _check_digits(text, event)
            return int(text, 16)
        if _OCTAL.match(text):
            _check_digits(text, event)
            return int(text[2:], 8)
    except (ValueError, OverflowError):
        raise _stop(event, "number", "this number is out of range") from None
    if _NOT_FINITE.match(text):
        raise _stop(
            event, "number", f"{text} is no number that JSON knows", "quote it if it is text"
        )
    return text


def _check_digits(text: str, event: Any) -> None:
    if len(text) > MAX_DIGITS:
        raise _stop(
            event, "number", f"a number of more than {MAX_DIGITS} digits", "quote it if it is text"
        )


def _finite(value: float, event: Any) -> float:
    if not math.isfinite(value):
        raise _stop(event, "number", "this number is out of range", "quote it if it is text")
    return value


def _tagged(event: Any) -> JsonScalar:
    """``!!int "5"`` and the like: the core schema's tags, and no other."""
    if event.tag not in _TAGS:
        raise _tag(event)
    value = _resolve(event.value, event)
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "null": (type(None),),
    }
    wanted = event.tag.removeprefix(_CORE)
    if type(value) not in kinds.get(wanted, ()):
        raise _stop(event, "yaml-tag", f"this is no {wanted}")
    return float(value) if wanted == "float" else value  # type: ignore[arg-type]


def _tag(event: Any) -> _Stop:
    return _stop(
        event,
        "yaml-tag",
        f"the tag '{shown(event.tag)}' is not known here",
        "values are text, numbers, true, false, null, lists and mappings",
    )


def _stop(event: Any, code: str, message: str, hint: str | None = None) -> _Stop:
    mark = event.start_mark
    return _Stop(Problem(code, message, mark.line + 1, mark.column + 1, hint=hint))
