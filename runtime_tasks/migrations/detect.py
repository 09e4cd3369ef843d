"""Which tool a folder belongs to, and why."""

from __future__ import annotations

from pathlib import Path

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.tools import TOOLS, tool_named
from runtime_tasks.migrations.tools.protocol import MigrationTool


def detect(folder: Path, tool: str = "auto") -> tuple[MigrationTool, str]:
    """The tool and the reason. Raises StepConfigError when none fits, or more than one."""
    if tool != "auto":
        chosen = tool_named(tool)
        reason = chosen.detect(folder)
        if reason is None:
            raise StepConfigError(
                f"{folder.name} does not look like {tool}: "
                f"{_others(folder, tool) or 'no migrations of any tool were found in it'}"
            )
        return chosen, f"asked for; {reason}"
    fitting = _fitting(folder)
    if not fitting:
        raise StepConfigError(
            f"no migrations were found in {folder.name}: it has the layout of none of "
            f"{', '.join(TOOLS)}. If they are in another folder, name that one"
        )
    if len(fitting) > 1:
        found = "; ".join(f"{tool.name} ({reason})" for tool, reason in fitting)
        raise StepConfigError(
            f"more than one tool fits {folder.name}: {found}. Say which one it is (tool)"
        )
    return fitting[0]


def _fitting(folder: Path) -> list[tuple[MigrationTool, str]]:
    """The tools whose layout this is; plain SQL only where nothing more special fits."""
    found = []
    for name in TOOLS:
        tool = tool_named(name)
        reason = tool.detect(folder)
        if reason is not None:
            found.append((tool, reason))
    special = [item for item in found if item[0].name != "sql"]
    return special or found


def _others(folder: Path, tool: str) -> str:
    others = [f"{t.name} ({reason})" for t, reason in _fitting(folder) if t.name != tool]
    return f"it looks like {', '.join(others)}" if others else ""
