"""Asks real Node what expressions mean."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime_tasks.output import Output, aliases

RUNNER = Path(__file__).with_name("node_runner.js")


def in_node(
    expressions: Sequence[tuple[str, Sequence[int]]], scopes: Sequence[dict[str, Any]]
) -> list[list[Any]]:
    """The written results of each expression in each of its scopes."""
    names = sorted({name for scope in scopes for name in scope})
    work = {
        "names": [as_node_name(name) for name in names],
        "scopes": [{as_node_name(name): value for name, value in one.items()} for one in scopes],
        "expressions": [{"text": text, "scopes": list(where)} for text, where in expressions],
    }
    finished = subprocess.run(
        ["node", str(RUNNER)], input=json.dumps(work).encode(), capture_output=True, check=True
    )
    answers: list[list[Any]] = json.loads(finished.stdout)
    return answers


def as_node_name(name: str) -> str:
    return name.replace("-", "_")


def written(value: Any) -> Any:
    """A Python result in the form the runner writes."""
    match value:
        case None | bool():
            return value
        case int() | float():
            return ["n", spelled(value)]
        case str():
            return ["s", value]
        case list() | tuple():
            return ["a", [written(item) for item in value]]
        case Output():
            members = aliases(type(value)).items()
            return written({key: getattr(value, name) for key, name in members})
        case dict():
            members = sorted((key, written(item)) for key, item in value.items())
            return ["o", [list(member) for member in members]]
    raise TypeError(type(value).__name__)


def spelled(value: float) -> str:
    """Python's own spelling of a double; compared as numbers, so only -0 and NaN matter."""
    if math.isnan(value):
        return "NaN"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return repr(float(value))


def alike(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list) and isinstance(theirs, list):
        if ours[:1] == ["n"] and theirs[:1] == ["n"]:
            if "-0" in (ours[1], theirs[1]) or "NaN" in (ours[1], theirs[1]):
                return bool(ours[1] == theirs[1])
            return float(ours[1]) == float(theirs[1])
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)
