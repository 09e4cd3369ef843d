"""Where a project's own tool stands, from what its driver says; and what of it is committed."""

from __future__ import annotations

from typing import Any

from runtime_tasks.errors import Cancelled
from runtime_tasks.migrations.classify import kind_of
from runtime_tasks.migrations.model import Migration, StatementRun
from runtime_tasks.migrations.project import Event, Tell
from runtime_tasks.migrations.work import Work


class Stand:
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
        self.position = 0
        """Of the current revision's statements, as the journal counts them."""
        self.waiting: list[tuple[int, str]] = []
        """Done, but not committed yet, so the journal has not heard of them."""

    def heard(self, event: Event, tell: Tell) -> None:
        match event["event"]:
            case "revision-started":
                self.current = self.migrations[event["id"]]
                self.kept = self.position = self.work.skips.get(event["id"], 0)
                self.open, self.waiting = 0, []
                self._journal("started", self.current, skipped=self.kept)
                if not self.work.database.transactional_ddl:
                    tell("go")
            case "statement-starting" if self.current is not None:
                self._note_intent(event["sql"])
                tell("go")
            case "statement" if self.current is not None:
                self._statement(event)
            case "failed-statement":
                self.failed_sql = event["sql"]
            case "printed":
                self.work.progress(event["text"], None, None)
            case "commit":
                self._committed()
            case "rollback":
                self.position -= self.open
                self.open, self.waiting = 0, []
        if not self.cancelled:
            try:
                self.work.check_cancelled()
            except Cancelled:
                self.cancelled = True
                tell("stop")

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
        self.position += 1
        self.waiting.append((self.position, event["sql"]))
        if event["autocommit"] or (self.work.database.dialect == "mysql" and kind.ddl):
            self._committed()

    def _committed(self) -> None:
        self.kept, self.open = self.kept + self.open, 0
        for position, sql in self.waiting:
            self._write_statement("applied", position, sql)
        self.waiting = []

    def _note_intent(self, sql: str) -> None:
        # Every CREATE and ALTER commits what came before it, and itself.
        self._committed()
        self._write_statement("started", self.position + 1, sql, schema=self._schema(), ddl=True)

    def _write_statement(self, status: str, position: int, sql: str, **detail: Any) -> None:
        if self.work.trial or self.work.database.transactional_ddl or self.current is None:
            return
        self.work.journal.write(
            "statement",
            status,
            direction=self.direction,
            migration=self.current.id,
            position=position,
            sql=sql,
            **detail,
        )

    def keep(self, migration: Migration) -> None:
        self.work.applied.append(migration)
        self._journal("applied", migration)
        if migration is self.current:
            self.kept = 0

    def _journal(self, status: str, migration: Migration, **detail: Any) -> None:
        # On SQLite the tool works on a copy, which it holds while it does: what it began there is
        # nothing that a crash could leave behind.
        on_a_copy = self.work.database.dialect == "sqlite" and status == "started"
        if not self.work.trial and not on_a_copy:
            self.work.journal.write(
                "migration",
                status,
                direction=self.direction,
                migration=migration.id,
                transactions="tool",
                schema=self._schema() if status == "started" else None,
                checksum=migration.checksum,
                **detail,
            )

    def _schema(self) -> str | None:
        """What to compare with after a crash, where a crash can leave half a revision."""
        database = self.work.database
        if database.transactional_ddl:
            return None
        return database.fingerprint(self.books).digest
