"""Runs one SQL file, statement by statement, so that it is always known where it stands.

A transactional file runs in one transaction together with its row in the
tool's book and its outcome in the journal. Any other file is journalled per
statement: the intent is committed before, the outcome with or after it. On
MySQL and MariaDB, where every CREATE and ALTER commits, that is each file
with DDL.
"""

from __future__ import annotations

from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from runtime_tasks.errors import Cancelled, OutcomeUnknown
from runtime_tasks.migrations.classify import Kind, class_of, kind_of
from runtime_tasks.migrations.database import StatementFailed
from runtime_tasks.migrations.model import Migration
from runtime_tasks.migrations.split import Statement, split
from runtime_tasks.migrations.work import Work, failure

if TYPE_CHECKING:
    from runtime_tasks.migrations.tools.script import ScriptTool

RETRIES = 4
"""How often a file that met a lock timeout is tried again, with 1, 2, 4 and 8 seconds between."""


def run_script(
    work: Work,
    tool: ScriptTool,
    migration: Migration,
    selected: list[Migration],
    direction: Literal["up", "down"],
    *,
    skip: int = 0,
    tolerant: bool = False,
) -> None:
    """Run a migration's up or down SQL, and write the book and the journal.

    ``skip`` leaves out the first statements: a crash left them applied already. ``tolerant`` lets
    a down file undo what is not there: it undoes a migration that stopped half-way.
    """
    _Run(work, tool, migration, selected, direction, tolerant).go(skip)


class _Run:
    def __init__(
        self,
        work: Work,
        tool: ScriptTool,
        migration: Migration,
        selected: list[Migration],
        direction: Literal["up", "down"],
        tolerant: bool = False,
    ) -> None:
        self.tolerant = tolerant
        self.work = work
        self.tool = tool
        self.migration = migration
        self.selected = selected
        self.direction = direction
        self.database = work.database
        text = (migration.up if direction == "up" else migration.down) or ""
        self.statements = split(text, self.database.dialect)
        self.kinds = [kind_of(s.sql, self.database.dialect) for s in self.statements]
        self.kept = 0
        """Statements that stay applied whatever happens now."""
        self.marked = False
        """The tool's book says that the migration has begun."""
        self.position = 0
        self.unwritten: list[tuple[int, Statement]] = []
        """Done in the file's own transaction; the journal hears of it when that ends."""
        self.started = perf_counter()

    def go(self, skip: int) -> None:
        try:
            self._go(skip)
        finally:
            # A file's settings are its own: a PRAGMA left ON would let the next DROP TABLE cascade.
            self._constrain(False)
        if self.tool.restores_session and (self.work.trial or not self.database.in_transaction):
            self.database.come_home()

    def _constrain(self, on: bool) -> None:
        pragma = any(kind.head.startswith("PRAGMA FOREIGN_KEYS") for kind in self.kinds)
        if self.database.dialect == "sqlite" and (pragma or self.tool.foreign_keys):
            self.database.run(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")

    def _go(self, skip: int) -> None:
        kind = class_of(self.statements, self.database.dialect)
        if (self.migration.no_transaction or skip or self.tolerant) and kind == "transactional":
            kind = "no-transaction"
        self.kept = skip
        self._journal("started", statements=len(self.statements), transactions=kind, skipped=skip)
        self._constrain(self.tool.foreign_keys)
        for attempt in range(RETRIES + 1):
            try:
                if kind == "transactional":
                    self._in_one_transaction()
                else:
                    self._one_by_one(self.kept)
                return
            except StatementFailed as error:
                self._roll_back()
                if error.is_lock_timeout and attempt < RETRIES and not self.work.trial:
                    self.work.log.warning("%s: %s; trying again", self.migration.id, error)
                    self.work.sleep(2**attempt)
                    continue
                raise self._failed(error) from None
            except Cancelled:
                self._roll_back()
                self._journal("failed", error="cancelled", kept=self.kept)
                raise self._error("cancelled", kind=Cancelled) from None

    def _in_one_transaction(self) -> None:
        inside = self.database.in_transaction
        with nullcontext() if inside else self.database.transaction():
            for position, statement in enumerate(self.statements, 1):
                self.position = position
                self.work.check_cancelled()
                self.work.run(self.migration, statement)
            self._settle()

    def _one_by_one(self, skip: int) -> None:
        if self.direction == "up" and not self.work.trial:
            self.marked = True
            with self.database.transaction(), self.database.as_itself():
                self.tool.started(self.database, self.migration)
        self._set_again(skip)
        within = self._begins_within() and not skip
        if within:
            self.database.begin()
        for group in self._groups(skip):
            self.work.check_cancelled()
            if len(group) > 1 or self._commits_with_its_outcome(*group[0]):
                with self.database.transaction():
                    for self.position, statement in group:
                        self.work.check_cancelled()
                        self._run(statement)
                        self._statement("applied", statement)
            else:
                ((self.position, statement),) = group
                self._alone(statement)
            if not self.database.in_transaction:
                self.kept = self.position
        if self.database.in_transaction and not self.tool.wraps(self.database.dialect):
            # The file began a transaction and never ended it; its own tool would lose the work.
            raise StatementFailed("the file begins a transaction and never ends it")
        self._write_all()
        self.position = len(self.statements)
        with self.database.transaction():
            self._settle()
        if self.database.in_transaction:
            self.database.commit()

    def _begins_within(self) -> bool:
        """Whether the file ends a transaction that it has not begun: its tool's own around it."""
        first = next((kind.head for kind in self.kinds if kind.control), "")
        ends = first.startswith(("COMMIT", "END", "ROLLBACK", "ABORT"))
        return (
            ends
            and self.database.transactional_ddl
            and not self.database.in_transaction
            and self.tool.wraps(self.database.dialect)
        )

    def _alone(self, statement: Statement) -> None:
        """A statement that commits by itself, or controls the file's own transaction."""
        kind = self.kinds[self.position - 1]
        if self.database.in_transaction:
            self.unwritten.append((self.position, statement))
            if kind.head.startswith(("COMMIT", "END")):
                self._write_all()
            self._run(statement)
            if not self.database.in_transaction and self.unwritten:  # it was rolled back
                self.unwritten = []
                self._statement("applied", statement)
            return
        if not kind.control and not self.work.trial:
            if self.database.holds_table_locks:
                # Nobody may look at a locked table's definition, so a crash here is named unknown.
                self._statement("started", statement)
            else:
                schema = self.database.fingerprint(self.tool.books(self.database)).digest
                self._statement("started", statement, schema=schema, ddl=kind.ddl)
        self._run(statement)
        if self.database.in_transaction:
            # SET TRANSACTION has to come before any query, so nothing is written here yet.
            self.unwritten.append((self.position, statement))
        else:
            self._statement("applied", statement)

    def _write_all(self) -> None:
        """Write what the file's transaction has done into the journal, as a part of it."""
        for position, statement in self.unwritten:
            self._statement("applied", statement, position=position)
        self.unwritten = []

    def _run(self, statement: Statement) -> None:
        try:
            self.work.run(self.migration, statement)
        except StatementFailed as error:
            if not (self.tolerant and error.is_absence):
                raise
            self.work.log.info("%s: nothing to undo: %s", self.migration.id, error)

    def _set_again(self, skip: int) -> None:
        """Settings of the session that the statements left out had made."""
        for statement, kind in list(zip(self.statements, self.kinds, strict=True))[:skip]:
            if kind.head.startswith(("SET ", "USE ", "PRAGMA FOREIGN_KEYS")) and not kind.control:
                self.database.perform(statement.sql)

    def _groups(self, skip: int) -> list[list[tuple[int, Statement]]]:
        """What runs together. SQLite's files have PRAGMAs around work that belongs together;
        elsewhere a file that cannot have one transaction runs statement by statement."""
        numbered = list(enumerate(self.statements, 1))[skip:]
        own = any(kind.control for kind in self.kinds)
        alone_each = own or self.migration.no_transaction or self.tolerant
        if self.database.dialect != "sqlite" or alone_each:
            return [[item] for item in numbered]
        groups: list[list[tuple[int, Statement]]] = []
        alone = True
        for position, statement in numbered:
            outside = self.kinds[position - 1].outside
            if alone or outside:
                groups.append([])
            groups[-1].append((position, statement))
            alone = outside
        return groups

    def _commits_with_its_outcome(self, position: int, statement: Statement) -> bool:
        """Whether the statement may share a transaction with its line in the journal."""
        kind: Kind = self.kinds[position - 1]
        if self.database.in_transaction or kind.control or kind.outside or self.tolerant:
            return False
        if self.database.holds_table_locks:
            return False
        return self.database.transactional_ddl or kind.head.startswith(
            ("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")
        )

    def _settle(self) -> None:
        """The file is done: its row in the book and its outcome in the journal."""
        took = (perf_counter() - self.started) * 1000
        with self.database.as_itself():
            if self.direction == "up":
                self.tool.record(self.database, self.migration, took)
            else:
                self.tool.erase(self.database, self.migration)
        self._journal("applied", checksum=self.migration.checksum)

    def _journal(self, status: str, **detail: Any) -> None:
        if self.work.trial:
            return
        with self.database.as_itself():
            self.work.journal.write(
                "migration", status, direction=self.direction, migration=self.migration.id, **detail
            )

    def _statement(
        self, status: str, statement: Statement, *, position: int = 0, **detail: Any
    ) -> None:
        if self.work.trial:
            return
        with self.database.as_itself():
            self.work.journal.write(
                "statement",
                status,
                direction=self.direction,
                migration=self.migration.id,
                position=position or self.position,
                sql=statement.sql,
                **detail,
            )

    def _roll_back(self) -> None:
        self.unwritten = []
        # In a trial the transaction belongs to whoever will roll it back.
        if not self.work.trial:
            try:
                self.database.rollback()
            except StatementFailed:
                return

    def _failed(self, error: StatementFailed) -> Exception:
        if error.lost:
            return self._error(
                f"the connection was lost: {error}; what it left is looked up in the journal "
                "when the next run begins",
                kind=OutcomeUnknown,
            )
        self._journal("failed", error=str(error), position=self.position, kept=self.kept)
        if self.marked and not self.work.trial:
            with self.database.transaction(), self.database.as_itself():
                if self.kept:
                    self.tool.failed(self.database, self.migration, str(error))
                else:
                    self.tool.erase(self.database, self.migration)
        return self._error(str(error), code=error.code)

    def _error(
        self, text: str, *, code: str = "", kind: type[Exception] | None = None
    ) -> Exception:
        statement = self.statements[self.position - 1] if self.position else None
        return failure(
            self.work,
            self.migration,
            self.selected,
            error=text,
            code=code,
            statement=self.position or None,
            of=len(self.statements),
            sql=statement.sql if statement else "",
            line=statement.line if statement else None,
            kept=self.kept,
            **({"kind": kind} if kind else {}),  # type: ignore[arg-type]
        )
