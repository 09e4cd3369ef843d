"""golang-migrate: ``000001_users.up.sql`` and ``000001_users.down.sql``, and one row as its book.

``schema_migrations(version, dirty)`` says only where the database stands, so
a file older than that which never ran cannot be told from one that did.

The rules are those of its own source: file names of ``source/parse.go``, the
row and its mark of ``database/{postgres,mysql,sqlite3}``, the lock of
``database/util.go``; what it leaves behind has been compared with the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import files_in, read_text
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool, held

_NAME = re.compile(r"^(?P<version>\d+)_(?P<title>.*)\.(?P<way>up|down)\.(?P<kind>.+)$")

_BOOK = {
    "postgresql": "version bigint not null primary key, dirty boolean not null",
    "mysql": "version bigint not null primary key, dirty boolean not null",
    "sqlite": "version uint64, dirty bool",
}

_SALT = 1486364155  # of its database.GenerateAdvisoryLockId


class GolangMigrate(ScriptTool):
    name = "golang-migrate"
    book = "schema_migrations"

    def detect(self, folder: Path) -> str | None:
        names = [path.name for path in files_in(folder) if path.name[:1].isdigit()]
        ups = [name for name in names if name.endswith(".up.sql")]
        if not ups or not all(_NAME.match(name) for name in names):
            return None  # files without .up and .down among them: somebody numbered plain SQL
        return f"{len(ups)} files like {min(ups)}"

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        found: dict[int, dict[str, Path]] = {}
        for path in files_in(folder, "*"):
            match = _NAME.match(path.name)
            if match is None or not path.is_file():
                continue
            pair = found.setdefault(int(match["version"]), {})
            if match["way"] in pair:
                raise StepConfigError(
                    f"{pair[match['way']].name} and {path.name} clash: one version"
                )
            pair[match["way"]] = path
        return [self._migration(version, found[version]) for version in sorted(found)]

    def _migration(self, version: int, pair: dict[str, Path]) -> Migration:
        path = pair.get("up") or pair["down"]
        match = _NAME.match(path.name)
        down = pair.get("down")
        return Migration(
            id=str(version),
            name=(match["title"] if match else path.name).replace("_", " "),
            file=path.name,
            checksum=sha256(path.read_bytes()).hexdigest(),
            up=read_text(path, any_bytes=True) if "up" in pair else "",
            down=read_text(down, any_bytes=True) if down else None,
            order=version,
        )

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        version = int(rows[0].id) if rows else -1
        applied = [f.as_("applied") for f in files if f.order <= version]
        pending = [f for f in files if f.order > version]
        problems: list[Problem] = []
        if rows and rows[0].failed:
            problems.append(
                Problem(
                    f"{self.book} is dirty at version {version}: that migration failed half-way. "
                    "Put it right by hand and clear the mark, or roll it back"
                )
            )
            applied = [m.as_("failed") if m.order == version else m for m in applied]
        if version >= 0 and all(f.order != version for f in files):
            problems.append(Problem(f"the database stands at version {version}, which has no file"))
            applied.append(Migration(str(version), str(version), status="missing"))
        return History(
            self.name,
            "",
            tuple(pending),
            tuple(applied),
            tuple(problems),
            current=str(version) if version >= 0 else None,
        )

    def make_book(self, database: Database) -> None:
        database.run(f"CREATE TABLE {database.at(self.book)} ({_BOOK[database.dialect]})")
        if database.dialect == "sqlite":
            database.run(
                f"CREATE UNIQUE INDEX version_unique ON {database.at(self.book)} (version)"
            )

    def rows(self, database: Database) -> list[Row]:
        rows = database.query(f"SELECT version, dirty FROM {database.at(self.book)}")
        return [Row(str(version), failed=bool(dirty)) for version, dirty in rows[:1]]

    def started(self, database: Database, migration: Migration) -> None:
        self._stand(database, migration.order, dirty=True)

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        self._stand(database, migration.order)

    def erase(self, database: Database, migration: Migration) -> None:
        """The next lower file's version, or no row at all."""
        lower = [m.order for m in self._files if m.order < migration.order]
        self._stand(database, max(lower, default=None))

    _files: Sequence[Migration] = ()

    def discover(self, database: Database, folder: Path) -> History:
        self._files = self.files(folder, database.dialect)
        return super().discover(database, folder)

    def _stand(self, database: Database, version: int | None, *, dirty: bool = False) -> None:
        with database.transaction():
            database.run(f"DELETE FROM {database.at(self.book)}")
            if version is not None:
                database.run(
                    f"INSERT INTO {database.at(self.book)} (version, dirty) VALUES (?, ?)",
                    (version, dirty),
                )

    @contextmanager
    def tool_lock(self, database: Database) -> Iterator[None]:
        """The tool's own lock, so that it waits for us and we for it.

        On PostgreSQL there are two: the program takes the database's name from the URL's path,
        with its slash; whoever builds the library in has it from the server, without.
        """
        name = database.url.database
        keys: list[int] = []
        take, give = "SELECT GET_LOCK('{}', 10)", "SELECT RELEASE_LOCK('{}')"
        if database.dialect == "mysql":
            keys = [lock_id(f"{name}:{self.book}")]
        elif database.dialect == "postgresql":
            ((schema,),) = database.query("SELECT current_schema()")
            keys = [lock_id(f"{schema}\0{self.book}\0{at}{name}") for at in ("/", "")]
            take, give = "SELECT pg_advisory_lock({})", "SELECT pg_advisory_unlock({})"
        busy = f"golang-migrate itself is at work on {database.url.place}"
        with held(database, take, give, keys, busy):
            yield

    def wraps(self, dialect: str) -> bool:
        return dialect == "sqlite"


def lock_id(name: str) -> int:
    return crc32(name.encode()) * _SALT % 2**32
