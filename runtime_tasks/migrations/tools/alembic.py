"""Alembic, run by the project's own interpreter with the project's own env.py.

SQLite has no way to take back half a revision, so there the whole upgrade
runs on a copy which then becomes the database: all of it or nothing. On
PostgreSQL Alembic's own transaction does that, unless env.py or a revision
asks otherwise.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runtime_tasks.errors import Cancelled, StepConfigError, StepError
from runtime_tasks.migrations.classify import kind_of
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.model import History, Migration, Problem, StatementRun
from runtime_tasks.migrations.on_a_copy import on_a_copy
from runtime_tasks.migrations.project import Event, converse
from runtime_tasks.migrations.settings import project_environment
from runtime_tasks.migrations.work import Work, failure


class Alembic:
    name = "alembic"
    runs_itself = True

    def __init__(self) -> None:
        self._books: tuple[str, ...] = ("alembic_version",)

    def detect(self, folder: Path) -> str | None:
        ini = _configuration(folder)
        if ini is None:
            return None
        return f"{ini[0]} and {ini[1]}" if ini[1] else str(ini[0])

    def books(self, database: Database) -> tuple[str, ...]:
        return self._books

    def discover(self, database: Database, folder: Path) -> History:
        found: dict[str, Any] = {}

        def heard(event: Event, stop: Callable[[], None]) -> None:
            if event["event"] == "history":
                found.update(event)

        last = self._converse(database, folder, {"action": "discover"}, heard)
        if last["event"] == "error" or not found:
            raise StepError(_explain(last, database), details=_details(last, database))
        self._books = (_qualified(found["version_table_schema"], found["version_table"]),)
        pending = [_migration(item, folder, "pending") for item in found["pending"]]
        applied = [_migration(item, folder, "applied") for item in found["applied"]]
        problems = [
            Problem(f"the database stands at revision {identifier}, which no file here has")
            for identifier in found["missing"]
        ]
        applied += [Migration(m, m, status="missing") for m in found["missing"]]
        if len(found["heads"]) > 1:
            problems.append(
                Problem(
                    f"there are {len(found['heads'])} heads: {', '.join(found['heads'])}", False
                )
            )
        return History(
            tool=self.name,
            reason="",
            pending=tuple(pending),
            applied=tuple(applied),
            problems=tuple(problems),
            current=", ".join(found["current"]) or None,
        )

    def apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        on_a_copy(work, lambda inner: self._run(inner, migrations, "upgrade"))

    def reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        on_a_copy(work, lambda inner: self._run(inner, migrations, "downgrade"))

    def emptied(self, database: Database) -> bool:
        book = ".".join(database.quote(part) for part in self._books[0].split("."))
        return database.query(f"SELECT count(*) FROM {book}") == [(0,)]

    def irreversible(self, migrations: Sequence[Migration]) -> list[str]:
        return []

    def _run(self, work: Work, migrations: Sequence[Migration], action: str) -> None:
        direction = "up" if action == "upgrade" else "down"
        state = _Stand(work, {m.id: m for m in migrations}, direction, self._books)
        task = {"action": action, "revisions": [m.id for m in migrations]}
        last = self._converse(work.database, work.folder, task, state.heard)
        if last["event"] == "done":
            for migration in migrations:
                state.keep(migration)
            return
        # What is in the books for good is asked from Alembic itself, not guessed.
        history = self.discover(work.database, work.folder)
        standing = {m.id for m in history.applied}
        for migration in migrations:
            if (migration.id in standing) == (direction == "up"):
                state.keep(migration)
        stopped = last["event"] == "stopped"
        if stopped and state.cancelled:
            error, kind = "cancelled", Cancelled
        else:
            error, kind = _explain(last, work.database), None
        raise failure(
            work,
            state.current or migrations[0],
            list(migrations),
            error=error,
            code=str(last.get("code") or ""),
            sql=state.failed_sql,
            kept=state.kept,
            **({"kind": kind} if kind else {}),  # type: ignore[arg-type]
        )

    def _converse(
        self,
        database: Database,
        folder: Path,
        task: dict[str, Any],
        heard: Callable[[Event, Callable[[], None]], None],
    ) -> Event:
        ini, scripts = _configuration(folder) or (None, None)
        cwd = (ini.parent if ini else folder).absolute()
        url = database.url
        if url.dialect == "sqlite":
            url = url.with_database(str(Path(url.database).absolute()))
        task |= {
            "url": url.text(),
            "cwd": str(cwd),
            "ini": str(ini.absolute()) if ini and ini.suffix == ".ini" else None,
            "toml": str(ini.absolute()) if ini and ini.suffix == ".toml" else None,
            "script_location": str(scripts.absolute()) if scripts else None,
            "environment": project_environment(folder, url),
        }
        return converse("alembic_driver.py", task, folder=cwd, url=url, heard=heard)


class _Stand:
    """Where the child stands, from what it says; and what of it is committed."""

    def __init__(
        self,
        work: Work,
        migrations: dict[str, Migration],
        direction: str,
        books: tuple[str, ...],
    ) -> None:
        self.books = books
        self.work = work
        self.migrations = migrations
        self.direction = direction
        self.current: Migration | None = None
        self.failed_sql = ""
        self.kept = 0
        self.open = 0
        """Statements of the current revision that are not committed yet."""
        self.cancelled = False

    def heard(self, event: Event, stop: Callable[[], None]) -> None:
        match event["event"]:
            case "revision-started":
                self.current = self.migrations[event["id"]]
                self.kept = self.open = 0
                self._journal("started", self.current)
            case "statement" if self.current is not None:
                self._statement(event)
            case "failed-statement":
                self.failed_sql = event["sql"]
            case "commit":
                self.kept, self.open = self.kept + self.open, 0
            case "rollback":
                self.open = 0
        if not self.cancelled:
            try:
                self.work.check_cancelled()
            except Cancelled:
                self.cancelled = True
                stop()

    def _statement(self, event: Event) -> None:
        assert self.current is not None  # noqa: S101 - the caller looked
        kind = kind_of(event["sql"], self.work.database.dialect)
        self.work.note(
            StatementRun(
                migration=self.current.id,
                sql=event["sql"],
                milliseconds=round(event["ms"], 3),
                rows=event["rows"],
                locks=tuple(event.get("locks", ())),
                rewrites=tuple(event.get("rewrites", ())),
                destructive=kind.destructive,
            )
        )
        if kind.head.startswith(("SELECT", "SHOW", "PRAGMA", "EXPLAIN", "SAVEPOINT", "RELEASE")):
            return
        self.open += 1
        commits = event["autocommit"] or (self.work.database.dialect == "mysql" and kind.ddl)
        if commits:
            self.kept, self.open = self.kept + self.open, 0

    def keep(self, migration: Migration) -> None:
        self.work.applied.append(migration)
        self._journal("applied", migration)
        if migration is self.current:
            self.kept = 0

    def _journal(self, status: str, migration: Migration) -> None:
        if not self.work.trial:
            self.work.journal.write(
                "migration",
                status,
                direction=self.direction,
                migration=migration.id,
                transactions="tool",
                schema=self._schema() if status == "started" else None,
                checksum=migration.checksum,
            )

    def _schema(self) -> str | None:
        """What to compare with after a crash, where a crash can leave half a revision."""
        database = self.work.database
        if database.transactional_ddl:
            return None
        return database.fingerprint(self.books).digest


def _configuration(folder: Path) -> tuple[Path | None, Path | None] | None:
    """The configuration file, and the scripts' folder where no configuration names it."""
    if (folder / "alembic.ini").is_file():
        return folder / "alembic.ini", None
    pyproject = folder / "pyproject.toml"
    if pyproject.is_file() and "alembic" in tomllib.loads(pyproject.read_text()).get("tool", {}):
        return pyproject, None
    if (folder / "env.py").is_file() and (folder / "versions").is_dir():
        for place in (folder.parent, folder.parent.parent):
            if (place / "alembic.ini").is_file():
                return place / "alembic.ini", folder
        return None, folder
    return None


def _migration(item: dict[str, str], folder: Path, status: Any) -> Migration:
    file = Path(item["file"])
    root = folder.absolute().resolve()
    resolved = file.resolve()
    relative = resolved.relative_to(root) if resolved.is_relative_to(root) else Path(file.name)
    return Migration(
        item["id"], item["name"], file=str(relative), checksum=item["checksum"], status=status
    )


def _qualified(schema: str | None, table: str) -> str:
    return f"{schema}.{table}" if schema else table


def _explain(last: Event, database: Database) -> str:
    if last["event"] != "error":
        return "Alembic stopped without saying why"
    message = database.url.scrub(str(last["message"]))
    # SQLAlchemy appends the statement, its parameters and a link; the first line says what is wrong.
    message = re.split(r"\n\[SQL:|\n\(Background", message)[0].strip()
    if last.get("import_error"):
        raise StepConfigError(
            f"Alembic or something that env.py imports is missing in the project's environment: "
            f"{message}. Give the project a .venv with its requirements installed"
        )
    return message


def _details(last: Event, database: Database) -> dict[str, Any]:
    return {"error": last.get("type"), "frames": last.get("frames", [])}
