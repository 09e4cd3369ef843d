"""Alembic's entry: the same migrations on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, Engine, create_engine, event, text

from server.models import Base
from server.models.base import JSONText, UTCDateTime

LOCK = 8420_000_001
"""Two servers that start together migrate one after the other."""


def render_item(kind: str, item: Any, _autogen: object) -> str | Literal[False]:
    """Migrations stand on their own: columns are written as plain SQLAlchemy types."""
    if kind == "type" and isinstance(item, JSONText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def hold_the_write_lock(engine: Engine) -> None:
    """SQLite's driver would otherwise commit before each CREATE TABLE."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA busy_timeout=30000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    if engine.dialect.name == "sqlite":
        hold_the_write_lock(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            render_item=render_item,
            compare_type=False,
        )
        context.run_migrations()
    engine.dispose()


run()
