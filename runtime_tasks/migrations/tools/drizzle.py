"""Drizzle Kit: ``0000_users.sql`` files named by ``meta/_journal.json``.

Its book, ``__drizzle_migrations`` (in the schema ``drizzle`` on PostgreSQL),
holds hashes and times but no names. Drizzle runs what is newer than the
book's newest time and silently passes over the rest; so do we, but say it.
Hash, order and the comparison with the newest row are those of
``drizzle-orm``'s ``migrator.ts`` and each dialect's ``migrate``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import read_text
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool

_BREAK = re.compile(r"(--(?!> statement-breakpoint)[^\n]*?)?--> statement-breakpoint")

_BOOK = {
    "postgresql": "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint",
    "mysql": "id serial primary key, hash text not null, created_at bigint",
    "sqlite": "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric",
}


class Drizzle(ScriptTool):
    name = "drizzle"
    book = "__drizzle_migrations"

    def detect(self, folder: Path) -> str | None:
        journal = folder / "meta" / "_journal.json"
        return f"meta/_journal.json of {folder.name}" if journal.is_file() else None

    def books(self, database: Database) -> tuple[str, ...]:
        prefix = "drizzle." if database.dialect == "postgresql" else ""
        return (prefix + self.book,)

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        try:
            journal = json.loads(read_text(folder / "meta" / "_journal.json"))
            entries = [(e["tag"], int(e["when"])) for e in journal["entries"]]
        except (ValueError, KeyError, TypeError):
            raise StepConfigError("meta/_journal.json is not as Drizzle Kit writes it") from None
        return [_migration(folder, tag, when) for tag, when in entries]

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        booked = {row.id: row for row in rows}
        newest = max((int(row.id) for row in rows), default=-1)
        applied: list[Migration] = []
        pending: list[Migration] = []
        problems: list[Problem] = []
        for file in files:
            row = booked.get(str(file.order))
            if row is not None:
                edited = row.checksum != file.book_checksum
                applied.append(file.as_("edited" if edited else "applied"))
                if edited:
                    problems.append(self.edited(file))
            elif file.order <= newest:
                applied.append(file.as_("skipped"))
                problems.append(
                    Problem(
                        f"{file.file} was never applied, and never will be: it is older than the "
                        "newest row of the book, and Drizzle passes over such files without a word. "
                        "Generate it anew",
                        blocks=False,
                    )
                )
            else:
                pending.append(file)
        known = {str(file.order) for file in files}
        problems += [
            Problem(f"the book has a row of time {row.id}, which no file here has", blocks=False)
            for row in rows
            if row.id not in known
        ]
        current = next((m.id for m in reversed(applied) if m.status != "skipped"), None)
        return History(self.name, "", tuple(pending), tuple(applied), tuple(problems), current)

    def wraps(self, dialect: str) -> bool:
        return True

    def make_book(self, database: Database) -> None:
        if database.dialect == "postgresql":
            database.run("CREATE SCHEMA IF NOT EXISTS drizzle")
        database.run(
            f"CREATE TABLE {database.at(self.books(database)[0])} ({_BOOK[database.dialect]})"
        )

    def rows(self, database: Database) -> list[Row]:
        rows = database.query(
            f"SELECT hash, created_at FROM {database.at(self.books(database)[0])} ORDER BY created_at"
        )
        return [Row(str(int(when)), checksum=digest) for digest, when in rows]

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        database.run(
            f"INSERT INTO {database.at(self.books(database)[0])} (hash, created_at) VALUES (?, ?)",
            (migration.book_checksum, migration.order),
        )

    def erase(self, database: Database, migration: Migration) -> None:
        database.run(
            f"DELETE FROM {database.at(self.books(database)[0])} WHERE created_at = ?",
            (migration.order,),
        )


def _migration(folder: Path, tag: str, when: int) -> Migration:
    path = folder / f"{tag}.sql"
    if not path.is_file() or path.resolve().parent != folder.resolve():
        raise StepConfigError(f"meta/_journal.json names {tag}.sql, which is not there")
    text = read_text(path)
    down = folder / f"{tag}.down.sql"
    return Migration(
        id=tag,
        name=tag.partition("_")[2].replace("_", " ") or tag,
        file=path.name,
        checksum=sha256(path.read_bytes()).hexdigest(),
        # Drizzle reads the file as text and hashes that: a byte order mark counts.
        book_checksum=sha256(path.read_bytes().decode("utf-8", "replace").encode()).hexdigest(),
        up=_ended(text),
        down=_ended(read_text(down)) if down.is_file() else None,
        order=when,
    )


def _ended(text: str) -> str:
    """Breakpoints made semicolons; one in a comment ends the line first, or it would not count."""
    return _BREAK.sub(lambda mark: f"{mark[1]}\n;" if mark[1] else ";", text)
