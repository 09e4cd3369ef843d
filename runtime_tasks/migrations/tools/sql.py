"""Plain numbered SQL: ``001_users.sql`` with ``001_users.down.sql``, or ``001_users.up.sql``.

For projects without a tool. The book is ours: ``dataroll_migrations``, with
the checksum of each file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import files_in, read_text
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool

_NAME = re.compile(r"^(?P<number>\d[\d.]*)(?P<rest>[-_. ]?.*?)?(?:\.(?P<way>up|down))?\.sql$", re.I)


class PlainSql(ScriptTool):
    name = "sql"
    book = "dataroll_migrations"

    def detect(self, folder: Path) -> str | None:
        matches = [match for path in files_in(folder) if (match := _NAME.match(path.name))]
        names = [match[0] for match in matches if (match["way"] or "").lower() != "down"]
        if not names:
            return None
        return f"{len(names)} numbered SQL files, {min(names)} first"

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        ups: dict[str, Path] = {}
        downs: dict[str, Path] = {}
        for path in files_in(folder):
            match = _NAME.match(path.name)
            if match:
                identifier = f"{match['number']}{match['rest'] or ''}"
                (downs if (match["way"] or "").lower() == "down" else ups)[identifier] = path
        found: list[Migration] = []
        for identifier, path in ups.items():
            text = read_text(path, any_bytes=True)
            down = downs.pop(identifier, None)
            found.append(
                Migration(
                    id=identifier,
                    name=re.sub(r"^[\d.]+[-_. ]?", "", identifier).replace("_", " ") or identifier,
                    file=path.name,
                    checksum=sha256(path.read_bytes()).hexdigest(),
                    up=text,
                    down=read_text(down, any_bytes=True) if down else None,
                )
            )
        if downs:
            orphan = next(iter(downs.values()))
            raise StepConfigError(f"{orphan.name} undoes a migration that is not there")
        return sorted(found, key=lambda m: (_number(Path(m.file or "")), m.file or ""))

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        history = super().compare(files, rows)
        numbers = [_number(Path(file.file or "")) for file in files]
        same = [
            Problem(
                f"{one.file} and {other.file} have the same number: they run in the order of their names",
                blocks=False,
            )
            for one, other, first, second in zip(
                files, files[1:], numbers, numbers[1:], strict=False
            )
            if first == second
        ]
        return replace(history, problems=(*history.problems, *same))

    def make_book(self, database: Database) -> None:
        database.run(
            f"CREATE TABLE {database.at(self.book)} (id VARCHAR(500) NOT NULL PRIMARY KEY,"
            " checksum VARCHAR(64) NOT NULL, applied_at VARCHAR(40) NOT NULL,"
            " milliseconds INTEGER NOT NULL, position INTEGER NOT NULL)"
        )

    def rows(self, database: Database) -> list[Row]:
        rows = database.query(
            f"SELECT id, checksum FROM {database.at(self.book)} ORDER BY position"
        )
        return [Row(id=identifier, checksum=checksum) for identifier, checksum in rows]

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        ((last,),) = database.query(
            f"SELECT coalesce(max(position), 0) FROM {database.at(self.book)}"
        )
        database.run(
            f"INSERT INTO {database.at(self.book)} (id, checksum, applied_at, milliseconds, position)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                migration.id,
                migration.checksum,
                datetime.now(UTC).isoformat(timespec="seconds"),
                int(milliseconds),
                last + 1,
            ),
        )

    def erase(self, database: Database, migration: Migration) -> None:
        database.run(f"DELETE FROM {database.at(self.book)} WHERE id = ?", (migration.id,))


def _number(path: Path) -> tuple[int, ...]:
    match = _NAME.match(path.name)
    text = match["number"] if match else "0"
    return tuple(int(part) for part in text.split(".") if part)
