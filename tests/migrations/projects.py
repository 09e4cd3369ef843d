"""Small projects with migrations, written into a folder, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.session import Session, visit

SHOP = {
    "001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50));\n"
    "INSERT INTO users VALUES (1, 'a;b');",
    "001_users.down.sql": "DROP TABLE users;",
    "002_email.sql": "ALTER TABLE users ADD COLUMN email VARCHAR(100);",
    "002_email.down.sql": "ALTER TABLE users DROP COLUMN email;",
    "003_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY);\n"
    "UPDATE users SET email = 'x' WHERE id = 1;",
    "003_orders.down.sql": "DROP TABLE orders;",
}

BROKEN = "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def connection(url: str, folder: Path, tool: str = "auto") -> Connection:
    return Connection("db", "db", url, migrations=MigrationSource(path=str(folder)), tool=tool)


def visiting(
    url: str, folder: Path, *, execution: str = "run-1", tool: str = "auto", **work: Any
) -> AbstractContextManager[Session]:
    return visit(connection(url, folder, tool), execution=execution, **work)


def whole(url: str) -> tuple[dict[str, str], dict[str, int]]:
    """Everything a test compares: the schema, our own tables included, and the rows' numbers."""
    with connect(url) as database:
        counts = database.row_counts()
        objects = dict(database.fingerprint().objects)
        objects |= {f"table {name}": "" for name in database.tables() if name not in counts}
        return objects, counts


ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(
    config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''"""{name}

Revision ID: {revision}
Revises: {down}
"""
from alembic import op
import sqlalchemy as sa

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
    {up}


def downgrade():
    {reverse}
'''


def alembic(folder: Path, *revisions: tuple[str, str, str]) -> Path:
    """A project whose revisions ``aaa1, aaa2, …`` have these names, upgrades and downgrades."""
    ini = "[alembic]\nscript_location = alembic\nsqlalchemy.url = driver://user:pass@localhost/x\n"
    write(folder, {"alembic.ini": ini, "alembic/env.py": ENV})
    (folder / "alembic/versions").mkdir()
    for number, (name, up, reverse) in enumerate(revisions, 1):
        down = f"aaa{number - 1}" if number > 1 else None
        text = REVISION.format(
            name=name, revision=f"aaa{number}", down=down, up=up, reverse=reverse
        )
        write(folder, {f"alembic/versions/aaa{number}.py": text})
    return folder


USERS = (
    "users",
    'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))',
    'op.drop_table("users")',
)
EMAIL = (
    "email",
    'op.add_column("users", sa.Column("email", sa.String(50)))',
    'op.drop_column("users", "email")',
)
BREAKS = (
    "breaks",
    'op.create_table("half", sa.Column("id", sa.Integer)); op.execute("INSERT INTO nowhere VALUES (1)")',
    "pass",
)
