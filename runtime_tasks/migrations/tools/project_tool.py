"""Tools that the project's own interpreter runs: what Alembic and Django have in common.

SQLite has no way to take back half a migration of theirs, so there the whole
upgrade runs on a copy which then becomes the database: all of it or nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime_tasks.errors import Cancelled, StepError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.model import History, Migration
from runtime_tasks.migrations.on_a_copy import on_a_copy
from runtime_tasks.migrations.project import Event, Heard, Tell
from runtime_tasks.migrations.tools.stand import Stand
from runtime_tasks.migrations.work import Work, failure


class ProjectTool:
    name = ""
    runs_itself = True

    def __init__(self) -> None:
        self._books: tuple[str, ...] = ()

    @abstractmethod
    def discover(self, database: Database, folder: Path) -> History: ...

    @abstractmethod
    def speak(
        self,
        database: Database,
        folder: Path,
        action: str,
        migrations: Sequence[Migration],
        heard: Heard,
        on_connect: Sequence[str] = (),
        skip: Mapping[str, Sequence[str]] | None = None,
    ) -> Event:
        """Run the driver for one action; give its last event.

        ``on_connect``: SQL that the tool's own connections run before anything else. ``skip``:
        by migration, the statements that are applied already and left out.
        """

    @abstractmethod
    def explain(self, last: Event, database: Database) -> str:
        """Why the tool failed, in a sentence without secrets."""

    def books(self, database: Database) -> tuple[str, ...]:
        return self._books

    def emptied(self, database: Database) -> bool:
        return database.query(f"SELECT count(*) FROM {database.at(self._books[0])}") == [(0,)]

    def around(self, folder: Path) -> str:
        return ""

    def irreversible(self, migrations: Sequence[Migration]) -> list[str]:
        return []  # the tool itself says so when it comes to it

    def apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        on_a_copy(work, lambda inner: self._run(inner, migrations, "upgrade"))

    def reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        on_a_copy(work, lambda inner: self._run(inner, migrations, "downgrade"))

    def _run(self, work: Work, migrations: Sequence[Migration], action: str) -> None:
        direction = "up" if action == "upgrade" else "down"
        stand = Stand(work, {m.id: m for m in migrations}, direction, self._books)
        first = work.database.for_a_tool(
            lock=work.lock_timeout, statement=work.statement_timeout, holding=not work.trial
        )
        last = self.speak(
            work.database, work.folder, action, migrations, stand.heard, first, work.there
        )
        if last["event"] == "done":
            for migration in migrations:
                stand.keep(migration)
            return
        # What is in the book for good is asked from the tool itself, not guessed.
        standing = {m.id for m in self.discover(work.database, work.folder).applied}
        for migration in migrations:
            if (migration.id in standing) == (direction == "up"):
                stand.keep(migration)
        error, kind = self.explain(last, work.database), dict[str, Any]()
        if last["event"] == "stopped" and stand.cancelled:
            error, kind = "cancelled", {"kind": Cancelled}
        raise failure(
            work,
            stand.current or migrations[0],
            list(migrations),
            error=error,
            code=str(last.get("code") or ""),
            sql=stand.failed_sql,
            kept=stand.kept,
            **kind,
        )

    def mark(self, work: Work, migration: Migration) -> None:
        """Write into the tool's book, by the tool, that the migration is applied."""
        last = self.speak(work.database, work.folder, "stamp", [migration], lambda *_: None)
        if last["event"] != "done":
            raise StepError(self.explain(last, work.database))

    def listen(self, database: Database, folder: Path) -> dict[str, Any]:
        """What the driver says of the history."""
        found: dict[str, Any] = {}

        def heard(event: Event, tell: Tell) -> None:
            if event["event"] == "history":
                found.update(event)

        last = self.speak(database, folder, "discover", (), heard)
        if last["event"] == "error" or not found:
            raise StepError(
                self.explain(last, database),
                details={"error": last.get("type"), "frames": last.get("frames", [])},
            )
        return found


def relative(file: str | None, folder: Path) -> str | None:
    """A file's place in the project; its bare name where it is outside."""
    if file is None:
        return None
    root, path = folder.absolute().resolve(), Path(file).resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
