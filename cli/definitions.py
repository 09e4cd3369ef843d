"""Definition files named on the command line."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Literal

import click

from compiler.errors import Problem

# The commands that read definitions end within a second: loading their modules makes
# objects that stay, and looking for garbage among them takes a tenth of that time.
gc.set_threshold(100_000)

NOT_READABLE = 2
PROBLEMS = 1

FORMATS: dict[str, Literal["yaml", "json"]] = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}


def read_file(path: Path) -> tuple[bytes, Literal["yaml", "json"]]:
    """The file's bytes and its format; a file of another kind is a usage error."""
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise click.UsageError(f"{path}: a definition is a .yaml, .yml or .json file")
    try:
        return path.read_bytes(), format_
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None


def described(problem: Problem, path: Path) -> str:
    """``file:line:column  node.field  code: message``, and what to do on the next line."""
    place = f"{path}:{problem.line or 1}:{problem.column or 1}"
    where = ".".join(part for part in (problem.node, problem.field) if part)
    kind = "warning: " if problem.severity == "warning" else ""
    text = f"{place}  {where + '  ' if where else ''}{kind}{problem.code}: {problem.message}"
    if problem.path:
        text += f"\n    on the way {' → '.join(problem.path)}"
    if problem.hint:
        text += f"\n    {problem.hint}"
    return text


def as_json(problem: Problem, path: Path) -> dict[str, object]:
    return {
        "file": str(path),
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "node": problem.node,
        "field": problem.field,
        "hint": problem.hint,
        "path": list(problem.path),
    }
