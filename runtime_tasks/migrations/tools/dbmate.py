"""dbmate: ``20240101000000_users.sql`` with ``-- migrate:up`` and ``-- migrate:down`` in one file.

Run by our runner, not by the dbmate program: its files are plain SQL and its
book one column, and so they get locks, a journal and a dry run per statement.
The tests compare the result with what the program itself makes.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import files_in, read_text
from runtime_tasks.migrations.model import Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool

_NAME = re.compile(r"^(?P<version>\d+)(?P<name>.*)\.sql$")
_UP = re.compile(r"^--\s*migrate:up(?P<options>[^\n]*)$", re.M)
_DOWN = re.compile(r"^--\s*migrate:down(?P<options>[^\n]*)$", re.M)


class Dbmate(ScriptTool):
    name = "dbmate"
    book = "schema_migrations"

    def detect(self, folder: Path) -> str | None:
        for path in files_in(_root(folder)):
            if _NAME.match(path.name) and _UP.search(read_text(path, any_bytes=True)):
                return f"{path.name} has '-- migrate:up'"
        return None

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        found: dict[str, Migration] = {}
        for path in files_in(_root(folder)):
            match = _NAME.match(path.name)
            if match is None:
                continue
            if match["version"] in found:
                raise StepConfigError(
                    f"{found[match['version']].file} and {path.name} clash: one version"
                )
            text = read_text(path, any_bytes=True)
            up, down = _UP.search(text), _DOWN.search(text)
            if up is None:
                raise StepConfigError(f"{path.name} has no '-- migrate:up'")
            end = down.start() if down else len(text)
            before = "\n" * text.count("\n", 0, up.end())  # so that line numbers stay right
            below = text[down.end() :] if down else ""
            options = up["options"] + (down["options"] if down else "")
            found[match["version"]] = Migration(
                id=match["version"],
                name=match["name"].strip("_-").replace("_", " "),
                file=path.name,
                checksum=sha256(path.read_bytes()).hexdigest(),
                up=before + text[up.end() : end],
                down=below if below.strip() else None,
                no_transaction="transaction:false" in options,
            )
        return list(found.values())

    def wraps(self, dialect: str) -> bool:
        return True

    def make_book(self, database: Database) -> None:
        tail = " character set latin1 collate latin1_bin" if database.dialect == "mysql" else ""
        kind = "varchar" if database.dialect == "postgresql" else "varchar(128)"
        database.run(
            f"CREATE TABLE {database.at(self.book)} (version {kind} NOT NULL PRIMARY KEY){tail}"
        )

    def rows(self, database: Database) -> list[Row]:
        rows = database.query(f"SELECT version FROM {database.at(self.book)} ORDER BY version")
        return [Row(str(version)) for (version,) in rows]

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        database.run(f"INSERT INTO {database.at(self.book)} (version) VALUES (?)", (migration.id,))

    def erase(self, database: Database, migration: Migration) -> None:
        database.run(f"DELETE FROM {database.at(self.book)} WHERE version = ?", (migration.id,))

    def out_of_order(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} is older than what is applied already; it will be applied", False
        )


def _root(folder: Path) -> Path:
    """The folder, or ``db/migrations`` in it, which is where dbmate looks by itself."""
    place = folder / "db" / "migrations"
    return place if place.is_dir() else folder
