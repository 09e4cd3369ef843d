"""What the migration code asks of a database, whichever kind it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database.url import DatabaseUrl

JOURNAL_TABLE = "dataroll_journal"


class StatementFailed(StepError):
    """The database refused a statement. The message is scrubbed; ``code`` is the database's own."""

    def __init__(self, message: str, *, code: str = "", lost: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.lost = lost
        """The connection is gone, so it is not known whether the statement took effect."""

    @property
    def is_lock_timeout(self) -> bool:
        return self.code in ("55P03", "1205", "SQLITE_BUSY")

    @property
    def is_absence(self) -> bool:
        """What was to be dropped or changed is not there."""
        return self.code in _ABSENT or "no such " in str(self)


_ABSENT = {
    "42P01", "42703", "42704", "42883", "3F000",  # PostgreSQL: table, column, object, function, schema
    "1051", "1054", "1091", "1146", "1305", "1360", "4092",  # MySQL and MariaDB
}  # fmt: skip


@dataclass(frozen=True)
class Effects:
    """What one statement did, as far as the database tells."""

    rows: int | None = None
    locks: tuple[str, ...] = ()
    """``AccessExclusiveLock on users: blocks reads and writes``"""
    rewrites: tuple[str, ...] = ()
    """Tables and indexes that were written anew."""


@dataclass(frozen=True)
class Fingerprint:
    """A schema as texts: ``{"table users": "CREATE TABLE …"}``. Equal schemas have equal digests."""

    objects: Mapping[str, str]

    @property
    def digest(self) -> str:
        whole = sha256()
        for name in sorted(self.objects):
            whole.update(f"{name}\0{self.objects[name]}\0".encode())
        return whole.hexdigest()[:32]

    def differences(self, other: Fingerprint) -> list[str]:
        """What is different in ``other``: ``table users: added``."""
        names = sorted({*self.objects, *other.objects})
        return [
            f"{name}: {'added' if name not in self.objects else 'removed' if name not in other.objects else 'changed'}"
            for name in names
            if self.objects.get(name) != other.objects.get(name)
        ]


class Database(ABC):
    """One open connection. Statements commit by themselves outside :meth:`begin` … :meth:`commit`."""

    url: DatabaseUrl
    owner: str
    mark = "%s"
    """How the driver marks a parameter."""
    transactional_ddl: bool
    """Whether CREATE and ALTER take part in a transaction."""

    @property
    def dialect(self) -> str:
        return self.url.dialect

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int | None:
        """Run one statement; give the number of rows it changed, where there is one.

        With parameters, ``?`` marks them on every database. Raises StatementFailed.
        """

    def perform(self, sql: str, data: str | None = None) -> int | None:
        """Run one statement of a migration's own, which may lead the session elsewhere.

        Our own tables are addressed by :meth:`at`, so they are found all the same.
        ``data``: the rows of a ``COPY … FROM STDIN``.
        """
        return self.run(sql)

    def come_home(self) -> None:
        """Be again in the schema, and the role, in which a migration's file begins."""
        return

    def make_this_home(self) -> None:
        """Take the session's state of now (schema, role) for that in which everything begins."""
        return

    def files_begin_in(self, schema: str) -> AbstractContextManager[None]:
        """Let a migration's files find that schema's tables first, for the length of the block."""
        return nullcontext()

    @property
    def holds_table_locks(self) -> bool:
        """Whether a file has locked tables (MySQL): then the next statement begins no transaction."""
        return False

    @contextmanager
    def as_itself(self) -> Iterator[None]:
        """Write our own tables as the connection's user, whatever role a file has taken."""
        yield

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    @abstractmethod
    def select(
        self, sql: str, limit: int, values: Sequence[Any] | None = None
    ) -> tuple[int | None, list[dict[str, Any]]]:
        """Run one statement of the user's; rows changed, and the first rows as JSON values.

        With values, the SQL marks them with :attr:`mark`.
        """

    @abstractmethod
    def server(self) -> str:
        """``PostgreSQL 15.4``"""

    @property
    @abstractmethod
    def in_transaction(self) -> bool: ...

    def begin(self) -> None:
        self.run("BEGIN")

    def commit(self) -> None:
        self.run("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.run("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction for the length of the block; part of an open one if there is one."""
        if self.in_transaction:
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self._rollback_quietly()
            raise
        self.commit()

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """A transaction that cannot write, for the length of the block."""

    def _rollback_quietly(self) -> None:
        try:
            self.rollback()
        except StatementFailed:
            # The first error is the one that matters; a lost connection rolls back by itself.
            return

    @abstractmethod
    def tables(self) -> set[str]:
        """Names of the tables, qualified with their schema where that is not the default one."""

    def has_schema(self, name: str) -> bool:
        """Whether there is a schema of that name, where databases have schemas."""
        return True

    @abstractmethod
    def fingerprint(self, ignore: Sequence[str] = ()) -> Fingerprint:
        """The schema as it stands, without our own tables and those named."""

    @abstractmethod
    def row_counts(self, ignore: Sequence[str] = ()) -> dict[str, int]: ...

    @abstractmethod
    def set_timeouts(self, *, lock: float, statement: float) -> None:
        """Seconds to wait for a lock, and for a statement; 0 for as long as it takes."""

    def for_a_tool(self, *, lock: float, statement: float, holding: bool) -> list[str]:
        """What a project's tool has to run on each connection of its own.

        Its timeouts; and, ``holding``, its share in our lock: when the worker dies and the tool's
        last statement is still at work in the server, nobody else may begin.
        """
        return []

    @abstractmethod
    def lock(self, *, wait: float) -> AbstractContextManager[None]:
        """Own the database: one migration at a time. Raises Refused, naming the holder."""

    @abstractmethod
    def copy(self, tracking: Sequence[str]) -> AbstractContextManager[DatabaseUrl]:
        """A scratch copy, gone after the block; ``tracking`` tables come with their rows."""

    @abstractmethod
    def backup(self, path: Path) -> None:
        """The whole database, schema and rows, into that file."""

    copy_has_rows = False
    """Whether :meth:`copy` carries the data or the schema only."""

    def observe(self, sql: str) -> Any:
        """A mark to hand to :meth:`effects` after the statement has run."""
        return None

    def effects(self, mark: Any, rows: int | None) -> Effects:
        return Effects(rows=rows)

    def at(self, table: str) -> str:
        """A table of ours or of a tool's book, wherever the session has been led."""
        return self.quote(table)

    def keep_timeouts(self) -> None:
        """Shorten again what a migration has lengthened: a trial must not stand in the way."""
        return

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'
