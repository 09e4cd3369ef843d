"""Small readers of a Tree: each says what is wrong and gives something usable.

Nothing stops at the first mistake, so that people mend all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import cast

from compiler.definition import Place
from compiler.errors import Problem
from compiler.names import ID, IMPLICIT, WORDS_OF_EXPRESSIONS, python_name
from compiler.tree import Tree, shown


class Reader:
    """``problems`` fills up while parts of a definition are read."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.names: dict[str, str] = {}
        """Names of nodes and variables so far, by their Python names."""

    def problem(
        self,
        code: str,
        message: str,
        at: Place,
        *,
        node: str | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(
            Problem(code, message, at[0], at[1], node=node, field=field, hint=hint)
        )

    def known_keys(
        self, tree: Tree, known: tuple[str, ...], node: str | None = None, hint: str | None = None
    ) -> None:
        for key in tree.entries:
            if key not in known:
                self.unknown_key(key, tree.keys[key], known, node, hint)

    def unknown_key(
        self,
        key: str,
        at: Place,
        known: tuple[str, ...],
        node: str | None,
        hint: str | None = None,
    ) -> None:
        self.problem(
            "unknown-key",
            f"'{shown(key)}' is not known here",
            at,
            node=node,
            field=shown(key),
            hint=hint or suggestion(key, known) or f"known: {', '.join(known)}",
        )

    def text(self, tree: Tree | None, field: str, node: str | None = None) -> str:
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return ""
        if isinstance(tree.value, str):
            return tree.value
        self.problem(
            "wrong-type",
            f"'{field}' takes text",
            place_of(tree),
            node=node,
            field=field,
            hint=quote(tree),
        )
        return ""

    def texts(self, tree: Tree | None, field: str) -> Iterator[str]:
        if tree is None:
            return
        if tree.kind != "list":
            self.problem(
                "wrong-type", f"'{field}' takes a list of texts", place_of(tree), field=field
            )
            return
        for item in tree.items:
            if isinstance(item.value, str):
                yield item.value
            else:
                self.problem(
                    "wrong-type",
                    f"'{field}' takes texts",
                    place_of(item),
                    field=field,
                    hint=quote(item),
                )

    def flag(self, tree: Tree | None, field: str, node: str) -> bool:
        if tree is None:
            return False
        if isinstance(tree.value, bool):
            return tree.value
        self.problem(
            "wrong-type", f"'{field}' takes true or false", place_of(tree), node=node, field=field
        )
        return False

    def number(
        self,
        tree: Tree | None,
        field: str,
        node: str | None,
        *,
        least: float,
        most: float,
        whole: bool = False,
    ) -> int | float | None:
        if tree is None:
            return None
        value = tree.value
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not least <= cast(float, value) <= most:
            kind = "a whole number" if whole else "a number"
            self.problem(
                "wrong-type",
                f"'{field}' takes {kind} from {least:g} to {most:g}",
                place_of(tree),
                node=node,
                field=field,
            )
            return None
        number = cast("int | float", value)
        return int(number) if number == int(number) else number

    def one_of(
        self, tree: Tree | None, known: tuple[str, ...], field: str, node: str | None = None
    ) -> str | None:
        if tree is None:
            return None
        if isinstance(tree.value, str) and tree.value in known:
            return tree.value
        value = tree.value if isinstance(tree.value, str) else ""
        self.problem(
            "unknown-value",
            f"'{shown(value)}' is no {field}" if value else f"'{field}' takes one word",
            place_of(tree),
            node=node,
            field=field,
            hint=suggestion(value, known) or f"one of: {', '.join(known)}",
        )
        return None

    def named(self, tree: Tree | None, field: str, key: str) -> Iterator[tuple[str, Tree, Place]]:
        """Entries of a map by name, or items of a list that carry their name under ``key``."""
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return
        if tree.kind == "mapping":
            for name, entry in tree.entries.items():
                if key in entry.entries and entry.entries[key].value != name:
                    self.problem(
                        "two-names",
                        f"'{shown(name)}' is called something else by its '{key}'",
                        place_of(entry.entries[key]),
                        node=shown(name) if key == "id" else None,
                        field=key,
                        hint=f"leave '{key}' out: the name stands in front",
                    )
                yield name, entry, tree.keys[name]
        elif tree.kind == "list":
            for item in tree.items:
                named = item.entries.get(key)
                if named is None or not isinstance(named.value, str):
                    self.problem(
                        "missing" if named is None else "wrong-type",
                        f"each of '{field}' needs '{key}' as text",
                        place_of(named or item),
                        field=key,
                        hint=quote(named) if named is not None else None,
                    )
                else:
                    yield named.value, item, place_of(named)
        else:
            self.problem(
                "wrong-type", f"'{field}' takes a list or a mapping", place_of(tree), field=field
            )

    def new_name(
        self,
        name: str,
        at: Place,
        pattern: re.Pattern[str],
        what: str,
        node: str | None,
    ) -> bool:
        """Whether ``name`` is well formed, free, and not the Python name of another."""
        field = "id" if node is not None else shown(name)
        if not pattern.match(name):
            dash = ", - " if pattern is ID else ""
            self.problem(
                "bad-name",
                f"'{shown(name)}' cannot be the name of {what}",
                at,
                node=node,
                field=field,
                hint=f"a letter, then letters, digits{dash} and _ (at most 100)",
            )
            return False
        if name in IMPLICIT or name in WORDS_OF_EXPRESSIONS:
            self.problem(
                "reserved-name",
                f"'{name}' already means something in expressions",
                at,
                node=node,
                field=field,
                hint="choose another name",
            )
            return False
        python = python_name(name)
        if python in self.names:
            same = self.names[python]
            self.problem(
                "duplicate-name",
                f"'{name}' stands here a second time"
                if same == name
                else f"'{name}' and '{same}' would have the same name in Python: {python}",
                at,
                node=node,
                field=field,
                hint="rename one of the two",
            )
            return False
        self.names[python] = name
        return True


def place_of(tree: Tree) -> Place:
    return tree.line, tree.column


def texts_in(tree: Tree) -> Iterator[str]:
    if isinstance(tree.value, str):
        yield tree.value
    for inner in (*tree.items, *tree.entries.values()):
        yield from texts_in(inner)


def quote(tree: Tree) -> str | None:
    return "put quotes around it" if tree.kind == "scalar" else None


def suggestion(word: str, known: tuple[str, ...]) -> str | None:
    close = get_close_matches(word[:100], known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None
