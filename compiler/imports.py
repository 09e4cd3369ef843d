"""What a generated file imports: only what it uses, from a fixed table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from compiler.code import Code
from compiler.syntax import parse_expression

if TYPE_CHECKING:
    from compiler.plan import Plan

IMPORTS: dict[str, tuple[str, ...]] = {
    "prefect": ("flow", "task"),
    "prefect.cache_policies": ("NO_CACHE",),
    "runtime_tasks": ("javascript as js", "steps"),
    "runtime_tasks.run": ("WorkflowRun", "any_failed", "failed", "succeeded", "took"),
    "runtime_tasks.steps": ("secret", "secret_text"),
}
"""Every name that a generated file can ever import, by module."""

ALWAYS = frozenset(("flow", "task", "NO_CACHE", "steps", "WorkflowRun"))
BLANK_BEFORE = "runtime_tasks"


def import_lines(plan: Plan) -> Iterator[Code]:
    """``from x import a, b`` lines, Prefect's apart from ours."""
    for module, names in IMPORTS.items():
        used = [name for name in names if bound(name) in ALWAYS | plan.names_used]
        if module == BLANK_BEFORE:
            yield Code.nothing()
        if used:
            yield Code.page([f"from {module} import {', '.join(used)}"])


def bound(name: str) -> str:
    """The name that an import binds."""
    return name.rpartition(" ")[2]


HELPERS = ("js", "secret")
"""What the names of all helpers begin with; most expressions call none and need no parsing."""


@lru_cache(maxsize=4096)
def names_in(python: str) -> frozenset[str]:
    """The helpers that an expression calls; texts inside it do not count."""
    if not any(helper in python for helper in HELPERS):
        return frozenset()
    tree = parse_expression(python)
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
