"""What an operation carries with it: the database, the folder, whom to tell and whom to obey."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from runtime_tasks.errors import Cancelled, StepError
from runtime_tasks.migrations.classify import SETS_TRANSACTION, kind_of
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import printable
from runtime_tasks.migrations.journal import Journal
from runtime_tasks.migrations.model import Migration, StatementRun
from runtime_tasks.migrations.split import Statement

Progress = Callable[[str, int | None, int | None], None]


def silent(message: str, done: int | None, total: int | None) -> None:
    return None


@dataclass
class Work:
    database: Database
    folder: Path
    execution: str
    progress: Progress = silent
    check_cancelled: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = lambda seconds: None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("dataroll"))
    lock_timeout: float = 10
    statement_timeout: float = 0
    trial: bool = False
    """On a copy, or in a transaction that will be rolled back: no journal, no retries."""
    observe: bool = False
    """Ask the database what each statement locked and rewrote."""
    runs: list[StatementRun] = field(default_factory=list)
    applied: list[Migration] = field(default_factory=list)
    """What is in the books for good, in this operation."""
    skips: dict[str, int] = field(default_factory=dict)
    """How many statements a crash left applied already, by migration."""
    there: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The same for a project's own tool, as texts: it is told which to leave out."""
    done: int = 0
    total: int | None = None

    @property
    def journal(self) -> Journal:
        return Journal(self.database, self.execution)

    def on(self, database: Database, **changes: Any) -> Work:
        """The same work on another database, with books of its own."""
        return replace(
            self, database=database, runs=[], applied=[], skips={}, there={}, done=0, **changes
        )

    def run(self, migration: Migration, statement: Statement) -> StatementRun:
        """Run one statement of the migration's and note what it did."""
        database, sql = self.database, statement.sql
        looking = self.observe and not SETS_TRANSACTION.match(sql)
        mark = database.observe(sql) if looking else None
        started = perf_counter()
        rows = database.perform(sql, statement.data)
        took = (perf_counter() - started) * 1000
        effects = database.effects(mark, rows) if looking else None
        if self.trial and "timeout" in sql.lower():
            database.keep_timeouts()
        return self.note(
            StatementRun(
                migration=migration.id,
                sql=printable(sql),
                milliseconds=round(took, 3),
                rows=rows,
                locks=effects.locks if effects else (),
                rewrites=effects.rewrites if effects else (),
                destructive=kind_of(sql, database.dialect).destructive,
            )
        )

    def note(self, run: StatementRun) -> StatementRun:
        self.runs.append(run)
        self.done += 1
        self.progress(f"{run.migration}: {shorten(run.sql)}", self.done, self.total)
        return run


class MigrationFailed(StepError):
    """A migration failed; ``details`` says exactly what was applied and what was not."""

    # Running it again would meet the same error, and the rollback edge is the answer to it.
    retryable = False


def failure(
    work: Work,
    migration: Migration,
    selected: list[Migration],
    *,
    error: str,
    code: str = "",
    statement: int | None = None,
    of: int | None = None,
    sql: str = "",
    line: int | None = None,
    kept: int = 0,
    kind: type[StepError] = MigrationFailed,
) -> StepError:
    """The error that says where it stopped. ``kept``: statements of this file that stay applied."""
    applied = [m.id for m in work.applied]
    left = [m.id for m in selected if m.id not in applied and m.id != migration.id]
    place = f"{migration.file or migration.id}" + (f":{line}" if line else "")
    where = f", statement {statement} of {of}" if statement else ""
    if kept:
        state = f"its first {kept} statement{'s' if kept > 1 else ''} stay applied"
    else:
        state = "nothing of it was applied"
    message = (
        f"cancelled at {place}{where}; {state}"
        if kind is Cancelled
        else f"{place}{where} failed: {error}; {state}"
    )
    if applied:
        message += f"; applied before it: {', '.join(applied)}"
    return kind(
        message,
        details={
            "migration": migration.id,
            "file": migration.file,
            "statement": statement,
            "statements": of,
            "line": line,
            "sql": shorten(sql, 2000),
            "error": error,
            "code": code,
            "applied": applied,
            "partlyApplied": {"migration": migration.id, "statements": kept} if kept else None,
            "notApplied": [*([] if kept else [migration.id]), *left],
        },
    )


def shorten(sql: str, length: int = 80) -> str:
    text = " ".join(printable(sql).split())
    return text if len(text) <= length else text[: length - 1] + "…"
