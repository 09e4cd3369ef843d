"""MySQL and MariaDB: every CREATE and ALTER commits, so the journal is what knows where it stopped."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT, SERVER_STATUS

from runtime_tasks.errors import Refused
from runtime_tasks.migrations.database.base import (
    JOURNAL_TABLE,
    Database,
    Fingerprint,
    StatementFailed,
)
from runtime_tasks.migrations.database.programs import find_program, run_program
from runtime_tasks.migrations.database.url import DatabaseUrl
from runtime_tasks.migrations.database.values import as_json

_LOCKS_TABLES = re.compile(r"\s*(?:/\*M?!\d*\s*)?(lock|unlock)\s+tables?\b", re.IGNORECASE)


class MySQL(Database):
    transactional_ddl = False

    def __init__(self, url: DatabaseUrl, *, owner: str) -> None:
        self.url = url
        self.owner = owner
        self._away = False
        self._table_locks = False
        """A file has said LOCK TABLES: this connection may use none but those tables now."""
        self._connection = self._opened()

    def _opened(self) -> Any:
        url = self.url
        options = dict(url.query)
        try:
            return pymysql.connect(
                host=url.host or "localhost",
                port=url.port or 3306,
                user=url.user,
                password=url.password or "",
                database=url.database,
                unix_socket=options.get("unix_socket"),
                charset=options.get("charset", "utf8mb4"),
                autocommit=True,
                connect_timeout=10,
                program_name=self.owner,
                client_flag=CLIENT.FOUND_ROWS,
                ssl_ca=options.get("ssl_ca"),
                ssl_cert=options.get("ssl_cert"),
                ssl_key=options.get("ssl_key"),
            )
        except (pymysql.Error, OSError) as error:
            raise StatementFailed(
                url.scrub(f"cannot connect to {url.place}: {_text(error)}")
            ) from None

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int | None:
        with self._execute(sql, parameters) as cursor:
            return int(cursor.rowcount) if cursor.description is None else None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._execute(sql, parameters) as cursor:
            return list(cursor.fetchall())

    def perform(self, sql: str, data: str | None = None) -> int | None:
        self._away = self._away or bool(re.match(r"\s*use\b", sql, re.IGNORECASE))
        with self._execute(sql.encode(errors="surrogateescape"), ()) as cursor:
            rows = int(cursor.rowcount) if cursor.description is None else None
        if found := _LOCKS_TABLES.match(sql):
            self._table_locks = found[1].lower() == "lock"
        return rows

    @property
    def holds_table_locks(self) -> bool:
        return self._table_locks

    def begin(self) -> None:
        super().begin()
        self._table_locks = False  # the server gives them up when a transaction begins

    @contextmanager
    def as_itself(self) -> Iterator[None]:
        """Under a file's LOCK TABLES by a second connection: the first may not use our tables."""
        if not self._table_locks:
            yield
            return
        first, self._connection = self._connection, self._opened()
        try:
            yield
        finally:
            self._connection.close()
            self._connection = first

    def at(self, table: str) -> str:
        return f"{self.quote(self.url.database)}.{self.quote(table)}"

    def come_home(self) -> None:
        if self._table_locks:
            self.perform("UNLOCK TABLES")
        if self._away:
            self.run(f"USE {self.quote(self.url.database)}")
            self._away = False

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        """For looking round, where a migration has said USE."""
        if not self._away:
            yield
            return
        ((name,),) = self.query("SELECT database()")
        self.run(f"USE {self.quote(self.url.database)}")
        yield
        self.run(f"USE {self.quote(name)}")

    def select(
        self, sql: str, limit: int, values: Sequence[Any] | None = None
    ) -> tuple[int | None, list[dict[str, Any]]]:
        with self._execute(sql, values, marked=True) as cursor:
            if cursor.description is None:
                return int(cursor.rowcount), []
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchmany(limit)
            return None, [dict(zip(names, map(as_json, row), strict=True)) for row in rows]

    def _execute(
        self, sql: str | bytes, parameters: Sequence[Any] | None, *, marked: bool = False
    ) -> Any:
        cursor = self._connection.cursor()
        try:
            if parameters and isinstance(sql, str):
                cursor.execute(sql if marked else sql.replace("?", "%s"), tuple(parameters))
            else:
                cursor.execute(sql)
        except (pymysql.Error, OSError) as error:
            lost = not self._connection.open or error.args[:1] in ((2006,), (2013,), (0,))
            raise StatementFailed(
                self.url.scrub(_text(error)),
                code=str(error.args[0]) if error.args else "",
                lost=lost,
            ) from None
        return cursor

    def server(self) -> str:
        version: str = self.query("SELECT version()")[0][0]
        kind = "MariaDB" if "maria" in version.lower() else "MySQL"
        return f"{kind} {version.partition('-')[0]}"

    @property
    def in_transaction(self) -> bool:
        status: int = getattr(self._connection, "server_status", 0)
        return bool(status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.run("START TRANSACTION READ ONLY")
        try:
            yield
        finally:
            self.run("ROLLBACK")

    def tables(self) -> set[str]:
        with self._at_home():
            return self._tables()

    def _tables(self) -> set[str]:
        return {
            name
            for (name,) in self.query(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = database() AND table_type LIKE '%TABLE'"
            )
        }

    def fingerprint(self, ignore: Sequence[str] = ()) -> Fingerprint:
        with self._at_home():
            return self._fingerprint(ignore)

    def _fingerprint(self, ignore: Sequence[str]) -> Fingerprint:
        left_out = {JOURNAL_TABLE, *ignore}
        objects: dict[str, str] = {}
        for name in sorted(self._tables() - left_out):
            text = str(self.query(f"SHOW CREATE TABLE {self.quote(name)}")[0][1])
            objects[f"table {name}"] = re.sub(r" AUTO_INCREMENT=\d+", "", text)
        sources = (
            ("view", "SELECT table_name, view_definition FROM information_schema.views"
             " WHERE table_schema = database()"),
            ("trigger", "SELECT trigger_name, concat_ws(' ', action_timing, event_manipulation,"
             " event_object_table, action_statement) FROM information_schema.triggers"
             " WHERE trigger_schema = database()"),
            ("routine", "SELECT concat(routine_type, ' ', routine_name), concat_ws(' ', dtd_identifier,"
             " routine_definition, is_deterministic, security_type) FROM information_schema.routines"
             " WHERE routine_schema = database()"),
            ("event", "SELECT event_name, concat_ws(' ', interval_value, interval_field,"
             " event_definition, status) FROM information_schema.events"
             " WHERE event_schema = database()"),
        )  # fmt: skip
        for kind, sql in sources:
            for name, definition in self.query(sql):
                objects[f"{kind} {name}"] = definition or ""
        return Fingerprint(objects)

    def row_counts(self, ignore: Sequence[str] = ()) -> dict[str, int]:
        names = sorted(self.tables() - {JOURNAL_TABLE, *ignore})
        return {n: self.query(f"SELECT count(*) FROM {self.at(n)}")[0][0] for n in names}

    def set_timeouts(self, *, lock: float, statement: float) -> None:
        seconds = max(1, int(lock)) if lock else 31_536_000
        self.run(f"SET SESSION lock_wait_timeout = {seconds}")
        self.run(f"SET SESSION innodb_lock_wait_timeout = {min(seconds, 100_000_000)}")
        if "MariaDB" in self.server():
            self.run(f"SET SESSION max_statement_time = {statement or 0}")

    def for_a_tool(self, *, lock: float, statement: float, holding: bool) -> list[str]:
        seconds = max(1, int(lock)) if lock else 31_536_000
        settings = [
            f"SET SESSION lock_wait_timeout = {seconds}",
            f"SET SESSION innodb_lock_wait_timeout = {seconds}",
        ]
        if "MariaDB" in self.server():
            settings.append(f"SET SESSION max_statement_time = {statement or 0}")
        return settings

    @contextmanager
    def lock(self, *, wait: float) -> Iterator[None]:
        """``GET_LOCK`` of the session: it ends when the server has ended our last statement."""
        name = lock_name(self.url.database)
        deadline = time.monotonic() + wait
        while self.query("SELECT GET_LOCK(?, 0)", (name,))[0][0] != 1:
            if time.monotonic() > deadline:
                raise Refused(
                    f"{self.url.place} is being migrated by {self._holder(name)}; "
                    "wait until that has ended"
                )
            time.sleep(0.1)
        try:
            yield
        finally:
            if self._connection.open:
                self._rollback_quietly()
                try:
                    self.query("SELECT RELEASE_LOCK(?)", (name,))
                except StatementFailed:
                    self.close()

    def _holder(self, name: str) -> str:
        ((holder,),) = self.query("SELECT IS_USED_LOCK(?)", (name,))
        who = ""
        if JOURNAL_TABLE in self.tables():
            rows = self.query(
                f"SELECT owner FROM {self.at(JOURNAL_TABLE)} WHERE kind = 'run' ORDER BY id DESC LIMIT 1"
            )
            who = f"{rows[0][0]}, " if rows else ""
        return f"{who}server connection {holder}"

    @contextmanager
    def copy(self, tracking: Sequence[str]) -> Iterator[DatabaseUrl]:
        """A database of the same schema beside this one, from ``mysqldump --no-data``."""
        name = f"dataroll_copy_{os.getpid()}_{secrets.token_hex(4)}"
        scratch = self.url.with_database(name)
        ((charset, collation),) = self.query(
            "SELECT @@character_set_database, @@collation_database"
        )
        existing = self.tables()
        try:
            self.run(
                f"CREATE DATABASE {self.quote(name)} CHARACTER SET {charset} COLLATE {collation}"
            )
        except StatementFailed as error:
            raise Refused(
                f"this dry run needs a scratch database, and {self.url.place} refuses to make one: "
                f"{error}. Grant CREATE on `dataroll\\_copy\\_%`.* to the user of this connection"
            ) from None
        try:
            with self._defaults_file() as defaults:
                dump = [find_program("mysqldump"), defaults, "--skip-comments", "--no-tablespaces"]
                dump += ["--single-transaction", "--skip-lock-tables"]
                load = [find_program("mysql"), defaults, name]
                schema = ["--no-data", "--routines", "--triggers", "--events", self.url.database]
                text = run_program([*dump, *schema], url=self.url)
                run_program(load, stdin=_without_definers(text), url=self.url)
                tables = [table for table in tracking if table in existing]
                if tables:
                    what = ["--no-create-info", "--skip-triggers", self.url.database, *tables]
                    run_program(load, stdin=run_program([*dump, *what], url=self.url), url=self.url)
            yield scratch
        finally:
            self.run(f"DROP DATABASE IF EXISTS {self.quote(name)}")

    @contextmanager
    def _defaults_file(self) -> Iterator[str]:
        """The password travels in a file of our own: command lines can be read by everybody."""
        settings = {
            "host": self.url.host or "localhost",
            "port": str(self.url.port or 3306),
            "user": self.url.user,
            "password": self.url.password,
            "socket": dict(self.url.query).get("unix_socket"),
        }
        with tempfile.NamedTemporaryFile("w", prefix="dataroll-", suffix=".cnf") as file:
            file.write("[client]\n")
            for key, value in settings.items():
                if value is not None:
                    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                    file.write(f'{key}="{escaped}"\n')
            file.flush()
            yield f"--defaults-extra-file={file.name}"

    def backup(self, path: Path) -> None:
        """``mysqldump``'s text, schema and data."""
        with self._defaults_file() as defaults:
            command = [find_program("mysqldump"), defaults, "--single-transaction", "--routines"]
            command += ["--triggers", "--events", f"--result-file={path}", self.url.database]
            run_program(command, url=self.url)


def lock_name(database: str) -> str:
    """At most 64 characters, the limit of ``GET_LOCK``."""
    return f"dataroll:{sha256(database.encode()).hexdigest()[:40]}"


def _without_definers(dump: bytes) -> bytes:
    """The copy belongs to whoever makes it: setting another definer needs SUPER."""
    return re.sub(rb"DEFINER=`[^`]*`@`[^`]*`", b"", dump)


def _text(error: BaseException) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)
