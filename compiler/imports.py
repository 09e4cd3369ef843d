"""What a generated file imports: only what it uses, from a fixed table."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.code import Code
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
