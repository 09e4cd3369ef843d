"""The workflows that people start from: files in ``templates/workflows/``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from server.workflows.facts import Facts, read_facts

FOLDER = Path(__file__).parents[2] / "templates" / "workflows"


@dataclass(frozen=True)
class Template:
    id: str
    content: str
    format: str
    facts: Facts


@cache
def templates() -> tuple[Template, ...]:
    """One per name; where a workflow stands there in both shapes, the YAML one."""
    found: dict[str, Template] = {}
    for path in sorted(FOLDER.glob("*.json")) + sorted(FOLDER.glob("*.yaml")):
        content = path.read_text(encoding="utf-8")
        kind = "json" if path.suffix == ".json" else "yaml"
        name = path.stem.replace("_", "-")
        found[name] = Template(name, content, kind, read_facts(content, kind))
    return tuple(found[name] for name in sorted(found))
