"""What a generated file imports: only what it uses, from a fixed table."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.code import Code
from compiler.plan import Plan

IMPORTS: dict[str, dict[str, str]] = {
    module: {name: name.rpartition(" ")[2] for name in names}
    for module, names in (
        ("prefect", ("flow", "task")),
        ("prefect.cache_policies", ("NO_CACHE",)),
        ("runtime_tasks", ("javascript as js", "steps")),
        ("runtime_tasks.run", ("WorkflowRun", "any_failed", "failed", "succeeded", "took")),
        ("runtime_tasks.steps", ("secret", "secret_text")),
    )
}
"""Every name that a generated file can ever import, by module: as it is written, and what it binds."""

ALWAYS = frozenset(("flow", "task", "NO_CACHE", "steps", "WorkflowRun"))
BLANK_BEFORE = "runtime_tasks"


def import_lines(plan: Plan) -> Iterator[Code]:
    """``from x import a, b`` lines, Prefect's apart from ours."""
    wanted = ALWAYS | plan.names_used
    for module, names in IMPORTS.items():
        used = [name for name, bound in names.items() if bound in wanted]
        if module == BLANK_BEFORE:
            yield Code.nothing()
        if used:
            yield Code.page([f"from {module} import {', '.join(used)}"])
