"""The migration tools: one module each, and the table of them.

A tool detects itself by the layout of a folder, reads the disk and its own
book in the database, and applies and undoes migrations
(:class:`runtime_tasks.migrations.tools.protocol.MigrationTool`).
"""

from __future__ import annotations

import importlib

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.tools.protocol import MigrationTool

TOOLS = {
    "alembic": "alembic:Alembic",
    "django": "django:Django",
    "dbmate": "dbmate:Dbmate",
    "prisma": "prisma:Prisma",
    "drizzle": "drizzle:Drizzle",
    "flyway": "flyway:Flyway",
    "golang-migrate": "golang_migrate:GolangMigrate",
    "goose": "goose:Goose",
    "sql": "sql:PlainSql",
}


def tool_named(name: str) -> MigrationTool:
    """The tool of that name. Modules are imported when they are used."""
    if name not in TOOLS:
        raise StepConfigError(f"no migration tool is called '{name}': {', '.join(TOOLS)}")
    module, _, attribute = TOOLS[name].partition(":")
    tool: MigrationTool = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)()
    return tool
