"""Templates that were compiled before: what a name means decides, not which workflow it is in.

A compilation of an expression depends on its text and on what it finds under the names that it
looks up. So both are kept, and where the same text finds the same again, the result is the same.
People change one node at a time, and then compile, check and draw all the others again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock

from compiler.expressions.expression import Expression
from compiler.expressions.names import Name, NameTable
from compiler.expressions.templates import compile_template, compile_text

MOST = 4096
"""Texts that are kept."""
MOST_MEANINGS = 4
"""Results that are kept of one text."""

Compile = Callable[[str, NameTable], Expression]
Found = tuple[tuple[str, Name | None], ...]
"""Every name that a compilation asked for, with what it was told."""


class _Asked(NameTable):
    """A table that remembers what it was asked for."""

    def __init__(self, names: NameTable) -> None:
        self.names = names
        self.found: dict[str, Name | None] = {}

    def look_up(self, key: str) -> Name | None:
        found = self.found
        if key not in found:
            found[key] = self.names.look_up(key)
        return found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class Remembered:
    """One kind of compilation, with its results so far. Safe to share between threads."""

    def __init__(self, compile_: Compile) -> None:
        self._compile = compile_
        self._results: dict[str, list[tuple[Found, Expression]]] = {}
        self._lock = Lock()

    def __call__(self, text: str, names: NameTable) -> Expression:
        """As the compilation itself; what does not compile is not kept."""
        results = self._results.get(text, ())
        for found, expression in results:
            for key, name in found:
                now = names.look_up(key)
                if now is not name and now != name:
                    break
            else:
                return expression
        asked = _Asked(names)
        expression = self._compile(text, asked)
        with self._lock:
            if len(self._results) >= MOST:
                self._results.clear()
            kept = self._results.setdefault(text, [])
            self._results[text] = [(tuple(asked.found.items()), expression), *kept][:MOST_MEANINGS]
        return expression

    def forget(self) -> None:
        with self._lock:
            self._results.clear()


template = Remembered(compile_template)
worded = Remembered(compile_text)
