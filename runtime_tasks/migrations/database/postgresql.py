"""PostgreSQL: transactional DDL, advisory locks, and catalogues that tell what a statement did."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from runtime_tasks.errors import Refused, StepError
from runtime_tasks.migrations.database import postgresql_schema
from runtime_tasks.migrations.database.base import Database, Effects, Fingerprint, StatementFailed
from runtime_tasks.migrations.database.programs import find_program, run_program
from runtime_tasks.migrations.database.url import DatabaseUrl
from runtime_tasks.migrations.database.values import as_json

BLOCKS = {
    "AccessShareLock": "",
    "RowShareLock": "",
    "RowExclusiveLock": "",
    "ShareUpdateExclusiveLock": "blocks other schema changes and VACUUM",
    "ShareLock": "blocks writes",
    "ShareRowExclusiveLock": "blocks writes",
    "ExclusiveLock": "blocks writes",
    "AccessExclusiveLock": "blocks reads and writes",
}

_LEADS_ELSEWHERE = re.compile(r"search_path|\b(discard|reset)\s+all\b", re.IGNORECASE)

_TAKES_A_ROLE = re.compile(
    r"\brole\b|\bsession[\s_]+authorization\b|\b(discard|reset)\s+all\b", re.IGNORECASE
)

_DISCARDS = re.compile(r"\s*discard\s+all\b|.*\bpg_advisory_unlock_all\b", re.IGNORECASE)

_REWRITES = re.compile(
    r"\s*(alter|truncate|cluster|reindex|refresh|vacuum|drop|do|call|select|with)\b", re.IGNORECASE
)
"""Statements that may write a table anew or drop it, by themselves or by a function that they call."""

_ALONE = re.compile(
    r"\s*(?:create\s+(?:unique\s+)?index\s+concurrently\b.*?\bon\s+(?:only\s+)?"
    r"|(?:drop\s+index|reindex\s+(?:index|table))\s+concurrently\s+(?:if\s+exists\s+)?"
    r"|vacuum\s+(?!\(?\s*full)(?:\([^)]*\)\s*|freeze\s+|verbose\s+|analyze\s+)*)(?P<name>[\w$.\"]+)",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that run outside of every transaction, so that nobody sees what they lock."""

PASSED_ON = {
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "options", "connect_timeout",
    "target_session_attrs", "gssencmode", "channel_binding", "service", "passfile", "host", "port",
}  # fmt: skip


class PostgreSQL(Database):
    transactional_ddl = True

    def __init__(self, url: DatabaseUrl, *, owner: str) -> None:
        self.url = url
        self.owner = owner
        settings: dict[str, Any] = {"connect_timeout": 10}
        settings |= {key: value for key, value in url.query if key in PASSED_ON}
        try:
            self._connection = psycopg.connect(
                host=settings.pop("host", url.host or "localhost"),
                port=settings.pop("port", url.port or 5432),
                user=url.user,
                password=url.password,
                dbname=url.database,
                application_name=owner[:63],
                autocommit=True,
                prepare_threshold=None,
                **settings,
            )
        except psycopg.Error as error:
            raise StatementFailed(url.scrub(f"cannot connect to {url.place}: {error}")) from None
        self._seen: tuple[set[tuple[str, str]], dict[int, tuple[str, int]] | None] | None = None
        self._connection.add_notice_handler(lambda _: None)
        # A worker that is killed must not leave its statement running: without this PostgreSQL
        # still committed one ten seconds later, with it the server notices after a second.
        self._try("SET client_connection_check_interval = 1000")
        self._try("SET client_min_messages = warning")
        schema = dict(url.query).get("schema") or dict(url.query).get("search_path")
        if schema:
            self.run(f"SET search_path TO {', '.join(map(self.quote, schema.split(',')))}")
        self.make_this_home()
        self._owned: int | None = None
        """The key of our lock, while we have it."""
        self._timeouts = {"lock_timeout": 0, "statement_timeout": 0}

    def make_this_home(self) -> None:
        ((self._home, self._path),) = self.query(
            "SELECT current_schema(), current_setting('search_path')"
        )
        self._files_path = self._path
        """The search path in which a file begins."""
        self._away = False
        self._self = self._roles()
        self._maybe_another = False

    def _try(self, sql: str) -> None:
        try:
            self.run(sql)
        except StatementFailed:
            return

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int | None:
        self._seen = None
        with self._execute(sql, parameters) as cursor:
            return cursor.rowcount if cursor.rowcount >= 0 and _counts(cursor) else None

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._execute(sql, parameters) as cursor:
            return list(cursor.fetchall())

    def perform(self, sql: str, data: str | None = None) -> int | None:
        if sql.startswith("\\"):
            raise StatementFailed(
                f"{sql.split()[0]} is a command of psql's own, which no migration tool runs: "
                "put what it stands for into the file"
            )
        self._away = self._away or bool(_LEADS_ELSEWHERE.search(sql))
        self._maybe_another = self._maybe_another or bool(_TAKES_A_ROLE.search(sql))
        try:
            with self._connection.cursor() as cursor:
                if data is None:
                    # Asking for binary results takes the extended protocol, which runs one statement
                    # only: a COMMIT that our splitter overlooked is an error, and never a COMMIT.
                    cursor.execute(sql.encode(errors="surrogateescape"), binary=True)
                    if _DISCARDS.match(sql):
                        self._take_again()
                    return cursor.rowcount if cursor.rowcount >= 0 and _counts(cursor) else None
                with cursor.copy(sql.encode()) as copy:
                    copy.write(data.encode(errors="surrogateescape"))
                return cursor.rowcount
        except psycopg.Error as error:
            raise self._failed(error) from None

    def at(self, table: str) -> str:
        if self._home and "." not in table:
            return self.table(f"{self._home}.{table}")
        return self.table(table)

    def come_home(self) -> None:
        if self._maybe_another:
            self._become(*self._self, local=False)
            self._maybe_another = False
        if self._away:
            self.query("SELECT set_config('search_path', ?, false)", (self._files_path,))
            self._away = self._files_path != self._path

    @contextmanager
    def files_begin_in(self, schema: str) -> Iterator[None]:
        """Put a schema in front of the search path, for the files; we still look round from home."""
        self._files_path = f"{self.quote(schema)}, {self._path}"
        self._away = True
        try:
            self.come_home()
            yield
        finally:
            self._files_path = self._path
            if not self._connection.closed and not self._in_error:
                self._away = True
                self.come_home()

    @contextmanager
    def as_itself(self) -> Iterator[None]:
        """The roles of before are taken again afterwards; a transaction's own end with it."""
        roles = self._roles() if self._maybe_another else self._self
        if roles == self._self:
            yield
            return
        local = self.in_transaction
        self._become(*self._self, local=local)
        yield
        if self.in_transaction == local:
            self._become(*roles, local=local)

    def _roles(self) -> tuple[str, str]:
        ((user, role),) = self.query("SELECT session_user::text, current_setting('role')")
        return user, role

    def _become(self, user: str, role: str, *, local: bool) -> None:
        # In a transaction for its length only: what a file's SET LOCAL or SET ROLE means to the
        # session after COMMIT stays what it was.
        self.query("SELECT set_config('session_authorization', ?, ?)", (user, local))
        self.query("SELECT set_config('role', ?, ?)", (role, local))

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        """For looking round: names are told relative to the search path."""
        if not self._away:
            yield
            return
        ((path,),) = self.query("SELECT current_setting('search_path')")
        self.query("SELECT set_config('search_path', ?, false)", (self._path,))
        yield
        self.query("SELECT set_config('search_path', ?, false)", (path,))

    def select(
        self, sql: str, limit: int, values: Sequence[Any] | None = None
    ) -> tuple[int | None, list[dict[str, Any]]]:
        with self._execute(sql, values, marked=True) as cursor:
            changed = cursor.rowcount if _counts(cursor) else None
            if cursor.description is None:
                return changed, []
            names = [column.name for column in cursor.description]
            rows = cursor.fetchmany(limit)
            return changed, [dict(zip(names, map(as_json, row), strict=True)) for row in rows]

    def _execute(
        self, sql: str, parameters: Sequence[Any] | None, *, marked: bool = False
    ) -> psycopg.Cursor[Any]:
        try:
            cursor = self._connection.cursor()
            if parameters:
                text = sql if marked else sql.replace("?", "%s")
                return cursor.execute(text.encode(), tuple(parameters))
            return cursor.execute(sql.encode())
        except psycopg.Error as error:
            raise self._failed(error) from None

    def _failed(self, error: psycopg.Error) -> StatementFailed:
        return StatementFailed(
            self.url.scrub(_message(error)),
            code=error.sqlstate or "",
            lost=self._connection.closed,
        )

    def server(self) -> str:
        return f"PostgreSQL {self.query('SHOW server_version')[0][0].split()[0]}"

    @property
    def _in_error(self) -> bool:
        return self._connection.info.transaction_status == TransactionStatus.INERROR

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.run("BEGIN READ ONLY")
        try:
            yield
        finally:
            self.rollback()

    def tables(self) -> set[str]:
        with self._at_home():
            return {name for (name,) in self.query(postgresql_schema.TABLES)}

    def has_schema(self, name: str) -> bool:
        return bool(self.query("SELECT 1 FROM pg_namespace WHERE nspname = ?", (name,)))

    def fingerprint(self, ignore: Sequence[str] = ()) -> Fingerprint:
        with self._at_home():
            return postgresql_schema.fingerprint(self, ignore)

    def row_counts(self, ignore: Sequence[str] = ()) -> dict[str, int]:
        names = sorted(self.tables() - {"dataroll_journal", *ignore})
        return {name: self.query(f"SELECT count(*) FROM {self.at(name)}")[0][0] for name in names}

    def table(self, name: str) -> str:
        return ".".join(self.quote(part) for part in name.split("."))

    def set_timeouts(self, *, lock: float, statement: float) -> None:
        self._timeouts = {
            "lock_timeout": int(lock * 1000),
            "statement_timeout": int(statement * 1000),
        }
        for name, limit in self._timeouts.items():
            self.run(f"SET {name} = {limit}")

    def keep_timeouts(self) -> None:
        for name, limit in self._timeouts.items():
            ((now,),) = self.query(
                "SELECT setting::bigint FROM pg_settings WHERE name = ?", (name,)
            )
            if limit and not 0 < now <= limit:
                self.run(f"SET {name} = {limit}")

    def for_a_tool(self, *, lock: float, statement: float, holding: bool) -> list[str]:
        settings = [
            "SET client_connection_check_interval = 1000",
            f"SET lock_timeout = {int(lock * 1000)}",
            f"SET statement_timeout = {int(statement * 1000)}",
        ]
        share = [f"SELECT pg_advisory_lock_shared({lock_key('dataroll tool')})"]
        return settings + (share if holding else [])

    @contextmanager
    def lock(self, *, wait: float) -> Iterator[None]:
        """An advisory lock of the session: it ends when the server has ended our last statement."""
        key, tool = lock_key("dataroll"), lock_key("dataroll tool")
        deadline = time.monotonic() + wait
        self._wait_for(key, deadline)
        try:
            # A tool that outlived its worker has this one; its server process frees it at its end.
            self._wait_for(tool, max(deadline, time.monotonic() + 5))
            self.run(f"SELECT pg_advisory_unlock({tool})")
            self._owned = key
            yield
        finally:
            self._owned = None
            if not self._connection.closed:
                self._rollback_quietly()
                self._try(f"SELECT pg_advisory_unlock({key})")

    def _take_again(self) -> None:
        """A file has given up all the session's locks, ours among them."""
        if self._owned is not None:
            self._wait_for(self._owned, time.monotonic() + 10)

    def _wait_for(self, key: int, deadline: float) -> None:
        while not self.query(f"SELECT pg_try_advisory_lock({key})")[0][0]:
            if time.monotonic() > deadline:
                raise Refused(
                    f"{self.url.place} is being migrated by {self._holder(key)}; "
                    "wait until that has ended"
                )
            time.sleep(0.1)

    def _holder(self, key: int) -> str:
        rows = self.query(
            "SELECT coalesce(nullif(a.application_name, ''), a.usename, '?'), l.pid"
            " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
            f" AND l.classid = {(key >> 32) & 0xFFFFFFFF}::oid AND l.objid = {key & 0xFFFFFFFF}::oid"
        )
        return f"{rows[0][0]} (server process {rows[0][1]})" if rows else "somebody else"

    def shield_sequences(self, words: Collection[str]) -> None:
        """Let the open transaction count on sequences of its own, if it uses any of these tables.

        Numbers that a rolled-back INSERT took are not given back; but a sequence that was
        restarted in a transaction takes them from a copy, which goes with the transaction.
        """
        rows = self.query(
            "SELECT s.seqrelid::regclass::text, c.relname, coalesce(t.relname, ''), s.seqincrement"
            " FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid"
            " LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass"
            " AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
            " LEFT JOIN pg_class t ON t.oid = d.refobjid"
        )
        for sequence, name, table, step in rows:
            if name.lower() in words or table.lower() in words:
                self.run("SAVEPOINT shield")
                try:
                    ((last, called),) = self.query(f"SELECT last_value, is_called FROM {sequence}")
                    following = last + step if called else last
                    self.run(f"ALTER SEQUENCE {sequence} RESTART WITH {following}")
                except StatementFailed:
                    # Not ours to alter, or at its end: then its numbers are used up as ever.
                    self.run("ROLLBACK TO SAVEPOINT shield")
                self.run("RELEASE SAVEPOINT shield")

    @contextmanager
    def copy(self, tracking: Sequence[str]) -> Iterator[DatabaseUrl]:
        """A database of the same schema beside this one, from ``pg_dump --schema-only``."""
        name = f"dataroll_copy_{os.getpid()}_{secrets.token_hex(4)}"
        scratch = self.url.with_database(name)
        existing = self.tables()
        try:
            self.run(f"CREATE DATABASE {self.quote(name)} TEMPLATE template0")
        except StatementFailed as error:
            raise Refused(
                f"this dry run needs a scratch database, and {self.url.place} refuses to make one: "
                f"{error}. Grant CREATEDB to the user of this connection"
            ) from None
        try:
            self._fill(scratch, [table for table in tracking if table in existing])
            yield scratch
        finally:
            self.run(f"DROP DATABASE IF EXISTS {self.quote(name)} WITH (FORCE)")

    def _fill(self, scratch: DatabaseUrl, tracking: Sequence[str]) -> None:
        dump, load = find_program("pg_dump"), find_program("psql")
        loaded = [load, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", *self._where(scratch)]

        def fill(*what: str) -> None:
            schema = run_program([dump, "--schema-only", *what, *self._where()], env=self._env())
            run_program(loaded, env=self._env(), stdin=schema, url=self.url)

        try:
            fill()
        except StepError:
            # Owners and rights belong to the truth, but not every user may give things away.
            fill("--no-owner", "--no-privileges")
        if tracking:
            tables = [f"--table={self.table(table)}" for table in tracking]
            rows = run_program([dump, "--data-only", *tables, *self._where()], env=self._env())
            run_program(
                [load, "-X", "-q", "-v", "ON_ERROR_STOP=1", *self._where(scratch)],
                env=self._env(),
                stdin=rows,
                url=self.url,
            )

    def _where(self, url: DatabaseUrl | None = None) -> list[str]:
        url = url or self.url
        user = ["-U", url.user] if url.user else []
        return [
            "-h",
            url.host or "localhost",
            "-p",
            str(url.port or 5432),
            *user,
            "-d",
            url.database,
        ]

    def _env(self) -> dict[str, str]:
        """The password travels in the environment: command lines can be read by everybody."""
        tls = {f"PG{k.upper()}": v for k, v in self.url.query if k.startswith("ssl")}
        return {**tls, **({"PGPASSWORD": self.url.password} if self.url.password else {})}

    def backup(self, path: Path) -> None:
        """``pg_dump``'s custom format, schema and data."""
        run_program(
            [find_program("pg_dump"), "-Fc", "-f", str(path), *self._where()],
            env=self._env(),
            url=self.url,
        )

    def observe(self, sql: str) -> Any:
        if not self.in_transaction:
            alone = _ALONE.match(sql)
            mode = "ShareUpdateExclusiveLock"
            return f"{mode} on {alone['name']}: {BLOCKS[mode]}" if alone else None
        rewrites = bool(_REWRITES.match(sql))
        if self._seen is None or (rewrites and self._seen[1] is None):
            with self._at_home():
                self._seen = self._locks({}), self._filenodes() if rewrites else None
        return self._seen

    def effects(self, mark: Any, rows: int | None) -> Effects:
        if mark is None or isinstance(mark, str):
            return Effects(rows=rows, locks=(mark,) if mark else ())
        locks_before, files_before = mark
        with self._at_home():
            locks_after = self._locks(files_before or {})
            files = self._filenodes() if files_before is not None else None
        # What is there after this statement is there before the next, if nothing of ours comes between.
        self._seen = locks_after, files
        locks = sorted(
            f"{mode} on {name}: {BLOCKS[mode]}"
            for name, mode in locks_after - locks_before
            if BLOCKS.get(mode)
        )
        rewrites = sorted(
            name
            for oid, (name, node) in (files or {}).items()
            if oid in files_before and files_before[oid][1] != node
        )
        return Effects(rows=rows, locks=tuple(locks), rewrites=tuple(rewrites))

    def _locks(self, known: Mapping[int, tuple[str, int]]) -> set[tuple[str, str]]:
        """``known``: the names of before, for what is dropped now and still locked."""
        rows = self.query(
            "SELECT l.relation, c.oid::regclass::text, l.mode FROM pg_locks l"
            " LEFT JOIN pg_class c ON c.oid = l.relation"
            " WHERE l.pid = pg_backend_pid() AND l.granted AND l.relation IS NOT NULL"
            " AND (c.relnamespace IS NULL OR c.relnamespace NOT IN"
            " ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace))"
        )
        named = ((name or known.get(oid, ("", 0))[0], mode) for oid, name, mode in rows)
        return {(name, mode) for name, mode in named if name}

    def _filenodes(self) -> dict[int, tuple[str, int]]:
        return {
            oid: (name, node)
            for oid, name, node in self.query(
                "SELECT oid, oid::regclass::text, pg_relation_filenode(oid) FROM pg_class"
                " WHERE relkind IN ('r', 'm', 'i', 'p', 'v') AND relnamespace NOT IN"
                " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace,"
                " 'pg_toast'::regnamespace)"
            )
        }


def lock_key(name: str) -> int:
    """A signed 64-bit key for PostgreSQL's advisory locks; they are per database already."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def _message(error: psycopg.Error) -> str:
    diagnostic = error.diag
    if not diagnostic.message_primary:
        return str(error).strip()
    parts = [diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint]
    return " — ".join(part for part in parts if part)


def _counts(cursor: psycopg.Cursor[Any]) -> bool:
    """SELECT has a row count too, but it changed nothing."""
    words = (cursor.statusmessage or "").split()
    return bool(words) and words[0] in {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"}
