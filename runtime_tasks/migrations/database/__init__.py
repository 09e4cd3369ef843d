"""The three kinds of databases that migrations run on, each behind one :class:`Database`.

::

    with connect("postgresql://user:pw@host/app", owner="execution 4711") as database:
        database.query("SELECT 1")

Drivers are imported when they are used: importing a step costs nothing.
"""

from __future__ import annotations

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database.base import Database, StatementFailed
from runtime_tasks.migrations.database.url import DatabaseUrl, parse_url

__all__ = ["Database", "DatabaseUrl", "StatementFailed", "connect", "parse_url"]


def connect(url: str | DatabaseUrl, *, owner: str = "dataroll") -> Database:
    """An open connection that commits each statement by itself until told otherwise.

    ``owner`` names who works here: PostgreSQL shows it as the application's name and
    :meth:`Database.lock` tells it to those who have to wait.
    Raises StepError, without the password, when the database does not answer.
    """
    parsed = parse_url(url) if isinstance(url, str) else url
    match parsed.dialect:
        case "sqlite":
            from runtime_tasks.migrations.database.sqlite import SQLite

            return SQLite(parsed, owner=owner)
        case "postgresql":
            from runtime_tasks.migrations.database.postgresql import PostgreSQL

            return PostgreSQL(parsed, owner=owner)
        case "mysql":
            from runtime_tasks.migrations.database.mysql import MySQL

            return MySQL(parsed, owner=owner)
    raise StepConfigError(f"no driver for {parsed.dialect}")
