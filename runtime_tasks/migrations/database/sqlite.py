"""SQLite: one file, one writer, copies by its own backup, a lock file beside the database."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.database.base import (
    JOURNAL_TABLE,
    Database,
    Fingerprint,
    StatementFailed,
)
from runtime_tasks.migrations.database.url import DatabaseUrl
from runtime_tasks.migrations.database.values import as_json
from runtime_tasks.migrations.files import printable

NOT_SHOWN = "how long other connections would wait for the one writer that SQLite allows"

_NO_UTF8 = re.compile("[\udc80-\udcff]")
_COMMENTS_OR_TEXTS = re.compile(
    r"--[^\n]*|/\*.*?\*/|'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]", re.DOTALL
)


class SQLite(Database):
    transactional_ddl = True
    copy_has_rows = True
    mark = "?"

    def __init__(self, url: DatabaseUrl, *, owner: str) -> None:
        self.url = url
        self.owner = owner
        self.path = Path(url.database)
        if not self.path.absolute().parent.is_dir():
            raise StatementFailed(f"the folder of {self.path} does not exist")
        self._is_new = not self.path.exists()
        try:
            self._connection = sqlite3.connect(
                self.path, isolation_level=None, timeout=10, check_same_thread=False
            )
            self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise StatementFailed(f"cannot open {self.path}: {error}") from None

    def close(self) -> None:
        self._connection.close()
        if self._is_new and self.path.exists() and not self.path.stat().st_size:
            self.path.unlink()  # looking at a database does not make one

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int | None:
        with closing(self._execute(sql, parameters)) as cursor:
            cursor.fetchall()  # a PRAGMA or SELECT left unread keeps its lock
            return cursor.rowcount if cursor.rowcount >= 0 else None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(self._execute(sql, parameters)) as cursor:
            try:
                return cursor.fetchall()
            except sqlite3.Error as error:
                raise _failed(error) from None

    def select(
        self, sql: str, limit: int, values: Sequence[Any] | None = None
    ) -> tuple[int | None, list[dict[str, Any]]]:
        with closing(self._execute(sql, values or ())) as cursor:
            if cursor.description is None:
                return max(cursor.rowcount, 0), []
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchmany(limit)
            return None, [dict(zip(names, map(as_json, row), strict=True)) for row in rows]

    def _execute(self, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise _failed(error) from None

    def perform(self, sql: str, data: str | None = None) -> int | None:
        if _NO_UTF8.search(sql):
            # The driver takes text only; in a comment nobody misses the byte.
            sql = _COMMENTS_OR_TEXTS.sub(
                lambda m: printable(m[0]) if m[0][:1] in "-/" else m[0], sql
            )
            if _NO_UTF8.search(sql):
                raise StatementFailed(
                    "the statement holds bytes that are not UTF-8: save the file as UTF-8"
                )
        return self.run(sql)

    def server(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def begin(self) -> None:
        # IMMEDIATE: a transaction that will write takes the writer's place at once, instead of
        # failing half-way when somebody else was faster.
        self.run("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.run("PRAGMA query_only = ON")
        try:
            yield
        finally:
            self.run("PRAGMA query_only = OFF")

    def tables(self) -> set[str]:
        rows = self.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows if not name.startswith("sqlite_")}

    def fingerprint(self, ignore: Sequence[str] = ()) -> Fingerprint:
        left_out = {JOURNAL_TABLE, *ignore}
        rows = self.query("SELECT type, name, tbl_name, sql FROM sqlite_master")
        objects = {
            f"{kind} {name}": sql or ""
            for kind, name, table, sql in rows
            if table not in left_out and not name.startswith("sqlite_")
        }
        ((version,),) = self.query("PRAGMA user_version")
        if version:
            objects["pragma user_version"] = str(version)
        return Fingerprint(objects)

    def row_counts(self, ignore: Sequence[str] = ()) -> dict[str, int]:
        names = sorted(self.tables() - {JOURNAL_TABLE, *ignore})
        return {n: self.query(f"SELECT count(*) FROM {self.quote(n)}")[0][0] for n in names}

    def set_timeouts(self, *, lock: float, statement: float) -> None:
        self.run(f"PRAGMA busy_timeout = {int(max(lock, 0.001) * 1000) if lock else 3_600_000}")
        deadline: list[float] = []
        if not statement:
            self._connection.set_progress_handler(None, 0)
            return

        def too_late() -> int:
            return int(bool(deadline) and time.monotonic() > deadline[0])

        def starts(_: str) -> None:
            deadline[:] = [time.monotonic() + statement]

        self._connection.set_trace_callback(starts)
        self._connection.set_progress_handler(too_late, 10_000)

    @contextmanager
    def lock(self, *, wait: float) -> Iterator[None]:
        """A lock file beside the database, because a lock inside it would block its readers.

        The kernel lets go of it when the process dies, whatever way it dies.
        """
        path = self.path.absolute().with_name(f".{self.path.name}.dataroll-lock")
        deadline = time.monotonic() + wait
        while True:
            handle = path.open("a+")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, handle.fileno()):
                    break
                handle.close()
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "somebody else"
                handle.close()
                if time.monotonic() > deadline:
                    raise Refused(
                        f"{self.path} is being migrated by {holder}; wait until that has ended"
                    ) from None
                time.sleep(0.1)
        try:
            handle.truncate(0)
            handle.write(f"{self.owner} (process {os.getpid()})")
            handle.flush()
            yield
        finally:
            path.unlink(missing_ok=True)
            handle.close()

    @contextmanager
    def copy(self, tracking: Sequence[str]) -> Iterator[DatabaseUrl]:
        with tempfile.TemporaryDirectory(prefix="dataroll-copy-") as folder:
            path = Path(folder) / self.path.name
            self.backup(path)
            yield self.url.with_database(str(path))

    def backup(self, path: Path) -> None:
        """The whole database, consistent, into a new file."""
        try:
            with closing(sqlite3.connect(path)) as target:
                self._connection.backup(target)
        except sqlite3.Error as error:
            path.unlink(missing_ok=True)
            raise _failed(error) from None

    def backup_inside(self, path: str) -> None:
        """The same while this connection holds the writer's place: another one reads."""
        with (
            closing(sqlite3.connect(self.path)) as reader,
            closing(sqlite3.connect(path)) as target,
        ):
            reader.backup(target)

    def restore(self, path: Path) -> None:
        """Become what the file is: in one transaction of SQLite's, so a crash leaves old or new."""
        try:
            with closing(sqlite3.connect(path)) as source:
                source.backup(self._connection)
        except sqlite3.Error as error:
            raise _failed(error) from None


def _is_still(path: Path, descriptor: int) -> bool:
    """The file that was locked has its name still: its last holder may just have removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _failed(error: sqlite3.Error) -> StatementFailed:
    code = getattr(error, "sqlite_errorname", "") or ""
    message = str(error)
    if code == "SQLITE_INTERRUPT":
        message = "the statement took longer than its time limit"
    return StatementFailed(message, code=code)
