"""Prisma Migrate: ``migrations/20240101000000_users/migration.sql``, with ``_prisma_migrations``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import files_in, read_text
from runtime_tasks.migrations.model import Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool, held

_BOOK = {
    "postgresql": "id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,"
    " finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT,"
    " rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(),"
    " applied_steps_count INTEGER NOT NULL DEFAULT 0",
    "mysql": "id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,"
    " finished_at DATETIME(3), migration_name VARCHAR(255) NOT NULL, logs TEXT,"
    " rolled_back_at DATETIME(3), started_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),"
    " applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0",
    "sqlite": "id TEXT PRIMARY KEY NOT NULL, checksum TEXT NOT NULL, finished_at DATETIME,"
    " migration_name TEXT NOT NULL, logs TEXT, rolled_back_at DATETIME,"
    " started_at DATETIME NOT NULL DEFAULT current_timestamp,"
    " applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0",
}

LOCK = 72707369  # Prisma's own advisory lock on PostgreSQL


class Prisma(ScriptTool):
    name = "prisma"
    book = "_prisma_migrations"
    foreign_keys = True  # as the SQLite in its engine is built

    def detect(self, folder: Path) -> str | None:
        root = _root(folder)
        files = list(files_in(root, "*/migration.sql"))
        if not files:
            return None
        lock = " and migration_lock.toml" if (root / "migration_lock.toml").is_file() else ""
        return f"{len(files)} directories like {files[0].parent.name}/migration.sql{lock}"

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        found = []
        for path in files_in(_root(folder), "*/migration.sql"):
            down = path.with_name("down.sql")
            identifier = path.parent.name
            found.append(
                Migration(
                    id=identifier,
                    name=identifier.partition("_")[2].replace("_", " ") or identifier,
                    file=str(path.relative_to(folder)),
                    checksum=sha256(path.read_bytes()).hexdigest(),
                    up=read_text(path),
                    down=read_text(down) if down.is_file() else None,
                )
            )
        return found

    def make_book(self, database: Database) -> None:
        database.run(f"CREATE TABLE {database.at(self.book)} ({_BOOK[database.dialect]})")

    def rows(self, database: Database) -> list[Row]:
        return [
            Row(name, checksum=checksum, failed=finished is None)
            for name, checksum, finished, rolled_back in database.query(
                "SELECT migration_name, checksum, finished_at, rolled_back_at"
                f" FROM {database.at(self.book)} ORDER BY started_at, migration_name"
            )
            if rolled_back is None
        ]

    def started(self, database: Database, migration: Migration) -> None:
        self.resumed(database, migration)
        self._write(database, migration, finished=False)

    def resumed(self, database: Database, migration: Migration) -> None:
        database.run(
            f"DELETE FROM {database.at(self.book)} WHERE migration_name = ? AND finished_at IS NULL"
            " AND rolled_back_at IS NULL",
            (migration.id,),
        )

    def failed(self, database: Database, migration: Migration, error: str) -> None:
        database.run(
            f"UPDATE {database.at(self.book)} SET logs = ? WHERE migration_name = ? AND finished_at IS NULL",
            (error, migration.id),
        )

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        self.resumed(database, migration)
        self._write(database, migration, finished=True)

    def erase(self, database: Database, migration: Migration) -> None:
        database.run(
            f"DELETE FROM {database.at(self.book)} WHERE migration_name = ?", (migration.id,)
        )

    def _write(self, database: Database, migration: Migration, *, finished: bool) -> None:
        now: object = datetime.now(UTC).replace(tzinfo=None)
        if database.dialect == "postgresql":
            now = datetime.now(UTC)
        elif database.dialect == "sqlite":
            now = int(datetime.now(UTC).timestamp() * 1000)  # how Prisma keeps times there
        database.run(
            f"INSERT INTO {database.at(self.book)} (id, checksum, finished_at, migration_name, started_at,"
            " applied_steps_count) VALUES (?, ?, ?, ?, ?, ?)",
            (
                str(uuid.uuid4()),
                migration.checksum,
                now if finished else None,
                migration.id,
                now,
                int(finished),
            ),
        )

    def says_failed(self, file: Migration) -> str:
        return (
            f"{file.file} failed and is marked so in {self.book}: Prisma refuses to go on until it "
            "is resolved (prisma migrate resolve), or it is rolled back or resumed here"
        )

    def out_of_order(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} is older than what is applied already; it will be applied", False
        )

    @contextmanager
    def tool_lock(self, database: Database) -> Iterator[None]:
        """Prisma's own lock, so that it waits for us and we for it."""
        keys = [LOCK] if database.dialect == "postgresql" else []
        with held(database, "SELECT pg_advisory_lock({})", "SELECT pg_advisory_unlock({})", keys):
            yield


def _root(folder: Path) -> Path:
    """The folder, or ``migrations`` or ``prisma/migrations`` in it where somebody named those above."""
    for inner in ("migrations", "prisma/migrations"):
        place = folder / inner
        if (place / "migration_lock.toml").is_file() or any(place.glob("*/migration.sql")):
            return place
    return folder
