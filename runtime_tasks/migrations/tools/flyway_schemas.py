"""Which schemas Flyway works in: the book lies in the first, and the files begin with it in front.

``schemas`` and ``defaultSchema`` are PostgreSQL's: to MySQL a schema is a
database, and SQLite has none. What is missing is made when the book is made,
as ``DbSchemas`` does, and noted in the book's first line. A database that
holds something, but no book, is baselined (``baselineOnMigrate``) or refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.database.base import JOURNAL_TABLE
from runtime_tasks.migrations.tools.flyway_settings import Settings


@dataclass(frozen=True)
class Schemas:
    home: str
    """The connection's own."""
    default: str
    managed: tuple[str, ...] = ()
    """Those that the settings name, the default one first."""

    def book(self, table: str) -> str:
        return table if self.default == self.home else f"{self.default}.{table}"

    def missing(self, database: Database) -> list[str]:
        return [name for name in self.managed if not database.has_schema(name)]

    def empty(self, database: Database) -> bool:
        """Whether they hold nothing yet, as Flyway judges it; extensions' own objects do not count."""
        if database.dialect != "postgresql":
            return not database.fingerprint().objects
        names = self.managed or (self.home,)
        return not any(
            database.query(_HOLDS, (name, JOURNAL_TABLE, f"{JOURNAL_TABLE}_id_seq", name, name))
            for name in names
        )


_HOLDS = (
    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'"
    " WHERE n.nspname = ? AND d.objid IS NULL AND c.relkind IN ('r', 'v', 'S', 't')"
    " AND c.relname NOT IN (?, ?)"
    " UNION ALL SELECT 1 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_depend d ON d.objid = t.oid AND d.deptype = 'e'"
    " WHERE n.nspname = ? AND d.objid IS NULL AND t.typcategory NOT IN ('A', 'C')"
    " UNION ALL SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'"
    " WHERE n.nspname = ? AND d.objid IS NULL LIMIT 1"
)


def schemas_of(settings: Settings, database: Database) -> Schemas:
    """Raises StepConfigError where the settings lead to more than the connection's database."""
    home = _home(database)
    named = settings.texts("schemas")
    default = settings.text("defaultSchema", "") or (named[0] if named else home)
    managed = tuple(dict.fromkeys((default, *named))) if named or default != home else ()
    if database.dialect == "postgresql":
        return Schemas(home, default, managed)
    others = [name for name in managed if name.lower() != home.lower()]
    if others:
        raise StepConfigError(
            f"Flyway's settings name the schema {others[0]}, and to "
            + (
                "MySQL and MariaDB that is another database than the connection's "
                f"({home}): let the connection's URL name it, one connection for each"
                if database.dialect == "mysql"
                else "SQLite there is none: leave schemas and defaultSchema out"
            )
        )
    return Schemas(home, home)


def _home(database: Database) -> str:
    if database.dialect == "postgresql":
        return str(database.query("SELECT current_schema()")[0][0] or "public")
    return database.url.database if database.dialect == "mysql" else "main"
