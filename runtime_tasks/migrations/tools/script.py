"""Tools whose migrations are SQL files: our runner runs them and keeps the tool's own book.

A subclass says which files there are and how its book is read and written.
The tracking row is written in the same transaction as the file's last
statement, wherever the database has such transactions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.database import Database, StatementFailed
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.runner import run_script
from runtime_tasks.migrations.work import Work


@dataclass(frozen=True)
class Row:
    """One line of a tool's book."""

    id: str
    name: str = ""
    checksum: str | None = None
    failed: bool = False


@contextmanager
def held(
    database: Database, take: str, give: str, keys: Sequence[int], busy: str = ""
) -> Iterator[None]:
    """A tool's own locks, for the length of the block. Raises Refused where one is not to be had."""
    for key in keys:
        if database.query(take.format(key))[0][0] == 0:
            raise Refused(busy)
    try:
        yield
    finally:
        for key in keys:
            try:
                database.query(give.format(key))
            except StatementFailed:
                return  # the connection is gone, and the lock with it


class ScriptTool:
    name = ""
    runs_itself = False
    book = ""
    """The table's name, where it is fixed."""
    foreign_keys = False
    """Whether the tool's own driver lets SQLite enforce foreign keys."""

    @abstractmethod
    def detect(self, folder: Path) -> str | None: ...

    @abstractmethod
    def files(self, folder: Path, dialect: str) -> list[Migration]:
        """The migrations on disk, in the order in which the tool runs them."""

    @abstractmethod
    def make_book(self, database: Database) -> None:
        """Create the tracking table as the tool itself would."""

    @abstractmethod
    def rows(self, database: Database) -> list[Row]:
        """The book's lines, oldest first; called only where the book exists."""

    @abstractmethod
    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        """Write into the book that the migration is applied."""

    @abstractmethod
    def erase(self, database: Database, migration: Migration) -> None:
        """Write into the book that the migration is not applied any more."""

    def started(self, database: Database, migration: Migration) -> None:
        """Write into the book that a migration without a transaction begins (for tools that do)."""

    def failed(self, database: Database, migration: Migration, error: str) -> None:
        """Write into the book that a migration failed (for tools that do)."""

    def resumed(self, database: Database, migration: Migration) -> None:
        """Take the mark of a failure out of the book: the migration is gone on with."""

    restores_session = False
    """Whether the tool gives each file a session as fresh as the first."""

    def around(self, folder: Path) -> str:
        """A digest of what runs beside the migrations; empty where nothing does."""
        return ""

    def wraps(self, dialect: str) -> bool:
        """Whether the tool puts a transaction round each file, so that a file may end it itself."""
        return False

    def emptied(self, database: Database) -> bool:
        """Whether the book has no migration in it any more."""
        book = database.at(self.books(database)[0])
        return database.query(f"SELECT count(*) FROM {book}") == [(0,)]

    def tool_lock(self, database: Database) -> AbstractContextManager[None]:
        """The tool's own lock, where it has one."""
        return nullcontext()

    def books(self, database: Database) -> tuple[str, ...]:
        return (self.book,)

    def has_book(self, database: Database) -> bool:
        return self.books(database)[0] in database.tables()

    def discover(self, database: Database, folder: Path) -> History:
        files = self.files(folder, database.dialect)
        rows = self.rows(database) if self.has_book(database) else []
        return self.compare(files, rows)

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        """Files and rows side by side, by id."""
        by_id = {file.id: file for file in files}
        booked = {row.id for row in rows}
        applied: list[Migration] = []
        problems: list[Problem] = []
        for row in rows:
            file = by_id.get(row.id)
            if file is None:
                applied.append(Migration(row.id, row.name or row.id, status="missing"))
                problems.append(Problem(self.says_missing(row), False, row.id, "missing"))
            elif row.failed:
                applied.append(file.as_("failed"))
                problems.append(Problem(self.says_failed(file), True, file.id, "failed"))
            elif row.checksum and row.checksum != (file.book_checksum or file.checksum):
                applied.append(file.as_("edited"))
                problems.append(replace(self.edited(file), of=file.id, status="edited"))
            else:
                applied.append(file.as_("applied"))
        pending = [file for file in files if file.id not in booked]
        last = max((files.index(f) for f in files if f.id in booked), default=-1)
        ordered: list[Migration] = []
        for file in pending:
            if files.index(file) < last and not file.repeatable:
                ordered.append(file.as_("out-of-order"))
                problems.append(replace(self.out_of_order(file), of=file.id, status="out-of-order"))
            else:
                ordered.append(file)
        return History(
            tool=self.name,
            reason="",
            pending=tuple(ordered),
            applied=tuple(applied),
            problems=tuple(problems),
            current=applied[-1].id if applied else None,
        )

    def says_missing(self, row: Row) -> str:
        return f"{row.id} is applied, but its file is not there any more"

    def says_failed(self, file: Migration) -> str:
        return f"{file.file} failed half-way and is marked so in {self.book}"

    def edited(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} was edited after it was applied: the database and the file differ", False
        )

    def out_of_order(self, file: Migration) -> Problem:
        return Problem(f"{file.file} is older than what is applied already, and pending", False)

    def apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        if not self.has_book(work.database):
            self.make_book(work.database)
        with nullcontext() if work.trial else self.tool_lock(work.database):
            self._apply(work, migrations)

    def _apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        for migration in migrations:
            if migration.id in work.skips:
                self.resumed(work.database, migration)
            skip = work.skips.get(migration.id, 0)
            run_script(work, self, migration, list(migrations), "up", skip=skip)
            work.applied.append(migration)

    def reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        with nullcontext() if work.trial else self.tool_lock(work.database):
            self._reverse(work, migrations)

    def _reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        for migration in migrations:
            tolerant = migration.id in work.skips
            run_script(work, self, migration, list(migrations), "down", tolerant=tolerant)
            work.applied.append(migration)

    def irreversible(self, migrations: Sequence[Migration]) -> list[str]:
        return [f"{m.file or m.id} has no down file" for m in migrations if not m.down]
