"""dataroll's own database: SQLite for one, PostgreSQL for teams.

::

    database = Database(settings.database_url)
    await database.migrate()
    async with database.writing() as session:    # commits at the end, or rolls back
        session.add(...)
    async with database.reading() as session: ...

On SQLite a writing session takes the write lock at once (``BEGIN IMMEDIATE``):
a transaction that first reads and then writes is otherwise refused as soon as
somebody else has written in between. There is one such lock, and whoever asks
SQLite for it in vain asks again after a pause of up to 0.1 s; the writing
sessions of one server queue for it here instead. Keep them short, never wait
for another program inside one, and never open one inside another.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from server.approvals.signing import Signer
from server.secret_box import SecretBox

_one_thread = threading.Lock()
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY = 30
"""Seconds that a writer waits for the others, of this process and of other ones."""


class Database:
    def __init__(
        self, url: str, secret_box: SecretBox | None = None, signer: Signer | None = None
    ) -> None:
        self.url = async_url(url)
        self._info = {"secret_box": secret_box, "signer": signer}
        self.on_commit: Callable[[set[str]], object] = lambda topics: None
        """Told the live topics that a transaction has added to, once it is committed."""
        if self.url.get_backend_name() == "sqlite":
            self.engine = _sqlite(self.url)
        else:
            self.engine = create_async_engine(
                self.url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True
            )
        self._writer = self.engine.execution_options(dataroll_write=True)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._writing = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(
            self.engine, expire_on_commit=False, info=dict(self._info)
        ) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with (
            self._turn(),
            AsyncSession(self._writer, expire_on_commit=False, info=dict(self._info)) as session,
        ):
            try:
                yield session
            except BaseException:
                await session.rollback()
                raise
            await session.commit()
            topics = session.info.pop("topics", set())
            callbacks = session.info.pop("after_commit", ())
        if topics:
            self.on_commit(topics)
        for callback in callbacks:
            callback()

    @asynccontextmanager
    async def rehearsing(self) -> AsyncIterator[AsyncSession]:
        """A writing session of which nothing is kept: to see what a change would come to."""
        async with (
            self._turn(),
            AsyncSession(self._writer, expire_on_commit=False, info=dict(self._info)) as session,
        ):
            try:
                yield session
            finally:
                session.expunge_all()
                await session.rollback()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Raises sqlalchemy's TimeoutError, as for a connection that nobody gives back."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(BUSY):
                await self._writing.acquire()
        except TimeoutError:
            raise NoConnectionFree(f"others have been writing for {BUSY} s") from None
        try:
            yield
        finally:
            self._writing.release()

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[None]:
        """One at a time among all who say the same, in every server of a PostgreSQL database.

        No transaction is open meanwhile, so other programs may be waited for.
        """
        lock = self._locks.setdefault(what, asyncio.Lock())
        async with lock:
            if self.is_sqlite:
                yield
                return
            key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
            autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            async with autocommit.connect() as connection:
                try:
                    await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
                    yield
                    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
                except BaseException:
                    # With its connection the lock is gone, whatever state it was in.
                    await connection.invalidate()
                    raise

    async def migrate(self) -> None:
        """Bring the schema up to date. Running it again changes nothing."""
        if self.is_sqlite and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(migrate, self.url)

    async def close(self) -> None:
        await self.engine.dispose()


def async_url(url: str | URL) -> URL:
    """``sqlite:///x`` and ``postgresql://x`` with the drivers we use."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise ValueError(
            f"DATAROLL_DATABASE_URL names '{backend}'; dataroll keeps its data in sqlite or postgresql"
        )
    return parsed.set(drivername=drivers[backend])


def migrate(url: URL, revision: str = "head") -> None:
    """Alembic's upgrade, without its configuration file."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = sync_url(url)
    # Alembic keeps its context in a module, so threads of one process take turns; processes
    # are kept apart by the database's own lock (migrations/env.py).
    with _one_thread:
        command.upgrade(config, revision)


def sync_url(url: str | URL) -> URL:
    parsed = async_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite")
    return parsed


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, connect_args={"timeout": BUSY}, pool_size=10, max_overflow=20, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY * 1000}",
            "temp_store=MEMORY",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("dataroll_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
