"""What was meant and what was done, per statement, in the database that was changed.

The journal is a table of the target database (``dataroll_journal``), because
only there an outcome can be written in the same transaction as the work:
either both are there afterwards or neither is. Before the work stands the
intent, committed by itself; an intent without an outcome is what a crash
leaves, and :func:`runtime_tasks.migrations.recovery` says what it means.

One row per run, migration and statement; ``docs/decisions/0013-the-journal-lives-in-the-target-database.md``
says why it lives here and what was weighed against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.database.base import JOURNAL_TABLE
from runtime_tasks.migrations.files import printable

_COLUMNS = "execution, owner, kind, direction, migration, position, status, detail, at"

_CREATE = {
    "sqlite": "id INTEGER PRIMARY KEY",
    "postgresql": "id BIGSERIAL PRIMARY KEY",
    "mysql": "id BIGINT AUTO_INCREMENT PRIMARY KEY",
}

KEPT_SQL = 2000
"""Characters of a statement that are kept; the file has the rest."""


@dataclass(frozen=True)
class Entry:
    id: int
    execution: str
    owner: str
    kind: str
    """run | migration | statement"""
    direction: str
    """up | down"""
    migration: str
    position: int
    """The statement's place in its file, from 1; 0 for runs and migrations."""
    status: str
    """started | applied | failed | resolved"""
    detail: Mapping[str, Any]
    at: str


class Journal:
    """The journal of one database, written for one execution."""

    def __init__(self, database: Database, execution: str) -> None:
        self.database = database
        self.execution = execution

    @property
    def exists(self) -> bool:
        return JOURNAL_TABLE in self.database.tables()

    def open(self) -> bool:
        """Make the table if there is none; True if it was made now."""
        if self.exists:
            return False
        text = "LONGTEXT" if self.database.dialect == "mysql" else "TEXT"
        self.database.run(
            f"CREATE TABLE {self.database.at(JOURNAL_TABLE)} ({_CREATE[self.database.dialect]},"
            " execution VARCHAR(200) NOT NULL, owner VARCHAR(300) NOT NULL,"
            " kind VARCHAR(20) NOT NULL, direction VARCHAR(10) NOT NULL,"
            " migration VARCHAR(500) NOT NULL, position INTEGER NOT NULL,"
            f" status VARCHAR(20) NOT NULL, detail {text} NOT NULL, at VARCHAR(40) NOT NULL)"
        )
        return True

    def write(
        self,
        kind: str,
        status: str,
        *,
        direction: str = "up",
        migration: str = "",
        position: int = 0,
        execution: str = "",
        **detail: Any,
    ) -> None:
        if isinstance(detail.get("sql"), str):
            detail["sql"] = printable(detail["sql"][:KEPT_SQL])
        self.database.run(
            f"INSERT INTO {self.database.at(JOURNAL_TABLE)} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                execution or self.execution,
                self.database.owner,
                kind,
                direction,
                migration,
                position,
                status,
                json.dumps(detail, ensure_ascii=False, default=str),
                datetime.now(UTC).isoformat(timespec="milliseconds"),
            ),
        )

    def entries(self, execution: str | None = None) -> list[Entry]:
        """Oldest first, of one execution or of all."""
        if not self.exists:
            return []
        where, parameters = ("WHERE execution = ?", (execution,)) if execution else ("", ())
        rows = self.database.query(
            f"SELECT id, {_COLUMNS} FROM {self.database.at(JOURNAL_TABLE)} {where} ORDER BY id",
            parameters,
        )
        return [Entry(*[*row[:8], json.loads(row[8]), row[9]]) for row in rows]

    def applied_by(self, execution: str) -> list[str]:
        """Ids of the migrations that an execution applied and that nobody has taken back since."""
        applied: list[str] = []
        for entry in self.entries():
            if entry.kind != "migration" or entry.status != "applied":
                continue
            if entry.direction == "up" and entry.execution == execution:
                applied.append(entry.migration)
            elif entry.direction == "down" and entry.migration in applied:
                applied.remove(entry.migration)
        return applied

    def remove(self) -> None:
        self.database.run(f"DROP TABLE {self.database.at(JOURNAL_TABLE)}")
