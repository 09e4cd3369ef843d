"""What an expression may speak of: nodes, values and secrets, by the user's own names."""

from __future__ import annotations

import keyword
import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from compiler.expressions.types import UNKNOWN, Type, type_of_schema


class NodeName(NamedTuple):
    """Another node of the workflow: offers ``.output``, ``.status`` and ``.error``.

    ``ran``: it has succeeded whenever this expression runs. ``maybe``: on some path it has
    not, and its output is None then. ``not-ancestor``: it may not be spoken of here.
    """

    id: str
    python: str
    output: Type = UNKNOWN
    state: Literal["ran", "maybe", "not-ancestor"] = "ran"


class ValueName(NamedTuple):
    """A value the run is given: ``connectionId``, ``trigger``, a variable, ``variables``."""

    python: str
    type: Type = UNKNOWN


class SecretName(NamedTuple):
    """A secret; it may stand only as a whole hole, where the step's schema allows one."""

    name: str


Name = NodeName | ValueName | SecretName
Names = Mapping[str, Name | Mapping[str, Any] | None] | Iterable[str]


class NameTable(Mapping[str, Name]):
    """Names that somebody else keeps, all of them letters, digits, ``_`` and hyphens.

    It is asked for one name at a time and walked through only for the hint of an error, so
    that a workflow of thousands of nodes need not make thousands of names an expression.
    """

    @abstractmethod
    def look_up(self, key: str) -> Name | None:
        """The name, or None where nothing is called so."""

    def __getitem__(self, key: str) -> Name:
        name = self.look_up(key)
        if name is None:
            raise KeyError(key)
        return name

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.look_up(key) is not None


def as_names(names: Names) -> Mapping[str, Name]:
    """Names as they are, or bare strings and JSON Schemas made into values."""
    if isinstance(names, NameTable):
        return names
    if not isinstance(names, Mapping):
        names = dict.fromkeys(names)
    if all(isinstance(name, Name) for name in names.values()):
        return names  # type: ignore[return-value]
    known: dict[str, Name] = {}
    taken: set[str] = set()
    for key, name in names.items():
        if isinstance(name, NodeName | ValueName | SecretName):
            known[key] = name
            continue
        python = free_identifier(key, taken)
        taken.add(python)
        schema = type_of_schema(name) if isinstance(name, Mapping) else UNKNOWN
        known[key] = ValueName(python, schema)
    return known


def free_identifier(text: str, taken: Iterable[str]) -> str:
    """A Python name that looks like the text and is not taken: ``discover-1`` → discover_1."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if not name.strip("_"):
        name = "it"  # nothing of it is left: a letter of another alphabet, or $
    if name[0].isdigit():
        name = "_" + name
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name.startswith("__"):
        name += "_"
    while name in taken:
        name += "_"
    return name


def did_you_mean(wrong: str, known: Collection[str]) -> str | None:
    """The hint of a misspelt name, or what there is if that is short."""
    if len(known) > 1_000:
        return None  # every misspelt name would be compared with every node
    from difflib import get_close_matches  # needed only when something is wrong

    known = sorted(known)
    close = get_close_matches(wrong[:100], known, n=1, cutoff=0.6)
    if not close:
        close = [name for name in known if name.lower() == wrong.lower()][:1]
    if close:
        return f"did you mean {close[0]}?"
    if known and len(known) <= 12:
        return f"there is {', '.join(known)}"
    return None
