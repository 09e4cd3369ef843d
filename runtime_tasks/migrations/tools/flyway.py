"""Flyway: ``V1.2__users.sql``, ``R__views.sql`` again whenever they change, ``U1.2__users.sql`` back.

Its book is ``flyway_schema_history``. The rules are those of its own source:
names of ``ResourceNameParser``, versions of ``MigrationVersion``, checksums
of ``ChecksumCalculator`` (of a repeatable file with its placeholders filled
in), callbacks of ``DbMigrate``, the table of each ``…Database``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database, StatementFailed
from runtime_tasks.migrations.files import files_below
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.split import split
from runtime_tasks.migrations.tools.flyway_schemas import Schemas, schemas_of
from runtime_tasks.migrations.tools.flyway_settings import Settings, flyway_settings
from runtime_tasks.migrations.tools.flyway_validation import as_flyway_sees_it, version_key
from runtime_tasks.migrations.tools.script import Row, ScriptTool
from runtime_tasks.migrations.work import Work, failure

_CALLBACK = re.compile(
    r"^(?P<event>(?:before|after)(?:Each)?(?:Migrate|Versioned|Repeatables|MigrateApplied))"
    r"(?:__.*)?\.sql$"
)

_TYPES = {
    "postgresql": ("BOOLEAN", "TIMESTAMP NOT NULL DEFAULT now()"),
    "mysql": ("BOOL", "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"),
    "sqlite": (
        "BOOLEAN",
        "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))",
    ),
}


class Flyway(ScriptTool):
    name = "flyway"
    book = "flyway_schema_history"
    restores_session = True

    def __init__(self) -> None:
        self.settings = Settings(())
        self.schemas = Schemas("", "")
        self.baselines = False
        """The database holds something but no book: the book begins with a baseline."""
        self.greeted: set[int] = set()
        """The connections that ``initSql`` has run on."""
        self.given: Mapping[str, str] = {}
        """The placeholders that the database gives."""

    def detect(self, folder: Path) -> str | None:
        self.settings = flyway_settings(folder)
        self.book = self.settings.text("table", "flyway_schema_history")
        names = sorted(path.name for path, _ in self.settings.scripts() if self._parsed(path.name))
        ours = [name for name in names if self._parsed(name)[:1] in (("V",), ("R",), ("B",))]
        return f"{len(ours)} files like {ours[0]}" if ours else None

    def books(self, database: Database) -> tuple[str, ...]:
        return (self.schemas.book(self.book),)

    def discover(self, database: Database, folder: Path) -> History:
        self._greet(database)
        self.schemas = schemas_of(self.settings, database)
        self.given = {
            "flyway:user": database.url.user or "",
            "flyway:database": database.url.database,
            "flyway:defaultschema": self.schemas.default,
            "flyway:table": self.book,
            "flyway:timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "flyway:workingdirectory": str(folder.absolute()),
            "flyway:environment": "default",
        }
        self.baselines, foreign = False, False
        if not self.has_book(database) and not self.schemas.empty(database):
            self.baselines = self.settings.switched_on("baselineOnMigrate")
            foreign = not self.baselines
        history = super().discover(database, folder)
        if foreign and history.pending:
            refusal = Problem(
                f"the database is not empty and has no {self.book}: Flyway refuses to go on. If its "
                "schema is that of one of these versions, set baselineOnMigrate and baselineVersion"
            )
            history = replace(history, problems=(*history.problems, refusal))
        return history

    def _greet(self, database: Database) -> None:
        """Run ``initSql``, once on each connection."""
        text = self.settings.text("initSql", "")
        if text and id(database) not in self.greeted:
            for statement in split(text, database.dialect):
                database.perform(statement.sql)
            database.make_this_home()
            self.greeted.add(id(database))

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        self.settings = flyway_settings(folder)
        versioned: dict[tuple[int, ...], Migration] = {}
        baselines: dict[tuple[int, ...], Migration] = {}
        undo: dict[tuple[int, ...], str] = {}
        repeatable: list[Migration] = []
        for path, script in self.settings.scripts():
            parsed = self._parsed(path.name)
            if not parsed:
                continue
            kind, version, description = parsed
            raw = self.settings.read(path)
            text = self._text(path, raw)
            plain = str(checksum(raw))
            migration = Migration(
                id=version.replace("_", ".") or f"R__{description}",
                name=description.replace("_", " "),
                file=script,
                checksum=plain,
                book_checksum=str(checksum(text)) if kind == "R" else plain,
                up=text,
                no_transaction=_outside(path),
                repeatable=kind == "R",
            )
            if kind == "R":
                repeatable.append(migration)
                continue
            key = version_key(version)
            if kind == "U":
                undo[key] = text
                continue
            known = baselines if kind == "B" else versioned
            if key in known:
                raise StepConfigError(f"{known[key].file} and {script} clash: one version")
            known[key] = migration
        self._refuse_code()
        newest = max(baselines, default=None)
        self.baseline = baselines[newest] if newest is not None else None
        ordered = [replace(versioned[k], down=undo.get(k)) for k in sorted(versioned)]
        if self.baseline is not None and newest is not None:
            ordered.insert(sum(key < newest for key in versioned), self.baseline)
        return ordered + sorted(repeatable, key=lambda m: m.name)

    baseline: Migration | None = None
    """The newest ``B…`` script: on an empty database it stands for all versions up to its own."""

    def _parsed(self, name: str) -> tuple[str, str, str] | tuple[()]:
        """Kind, version and description of a file's name; nothing where it is not Flyway's."""
        separator = self.settings.text("sqlMigrationSeparator", "__")
        stem = name.rpartition(".")[0]
        prefixes = {
            self.settings.text("sqlMigrationPrefix", "V"): "V",
            self.settings.text("repeatableSqlMigrationPrefix", "R"): "R",
            self.settings.text("undoSqlMigrationPrefix", "U"): "U",
            self.settings.text("baselineMigrationPrefix", "B"): "B",
        }
        for prefix in sorted(prefixes, key=len, reverse=True):
            if stem.startswith(prefix):
                version, _, description = stem.removeprefix(prefix).partition(separator)
                kind = prefixes[prefix]
                if kind == "R":
                    return () if version or not description else (kind, "", description)
                fits = re.fullmatch(r"\d+(?:[._]\d+)*", version)
                return (kind, version, description) if fits else ()
        return ()

    def _text(self, path: Path, raw: str) -> str:
        beside = path.with_name(path.name + ".conf")
        switched_off = re.search(
            r"^\s*placeholderReplacement\s*=\s*false",
            beside.read_text() if beside.is_file() else "",
            re.I | re.M,
        )
        return raw if switched_off else self.settings.fill(raw, path.name, self.given)

    def _refuse_code(self) -> None:
        for folder in self.settings.folders:
            for path in files_below(folder, (".java", ".kt")):
                if re.match(r"[VRB](\d[\d_]*)?__", path.name):
                    raise StepConfigError(
                        f"{path.name} is written in {'Java' if path.suffix == '.java' else 'Kotlin'}: "
                        "only Flyway itself, built into its project, runs it"
                    )

    def around(self, folder: Path) -> str:
        """The callbacks run beside the migrations, so what is approved holds them, too."""
        whole = sha256()
        for event, scripts in sorted(self._callbacks().items()):
            for path in scripts:
                whole.update(f"{event}\0{self._text(path, self.settings.read(path))}\0".encode())
        return whole.hexdigest() if self._callbacks() else ""

    def _callbacks(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path, _ in self.settings.scripts():
            match = _CALLBACK.match(path.name)
            if match:
                found.setdefault(match["event"], []).append(path)
        return found

    def apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        self._greet(work.database)
        super().apply(work, migrations)

    def reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        self._greet(work.database)
        with self._in_its_schema(work.database):
            super().reverse(work, migrations)

    def _in_its_schema(self, database: Database) -> AbstractContextManager[None]:
        if self.schemas.default == self.schemas.home:
            return nullcontext()
        return database.files_begin_in(self.schemas.default)

    def _apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        with self._in_its_schema(work.database):
            self._apply_there(work, migrations)

    def _apply_there(self, work: Work, migrations: Sequence[Migration]) -> None:
        callbacks = self._callbacks()
        if not callbacks:
            super()._apply(work, migrations)
            return

        def call(event: str) -> None:
            for path in callbacks.get(event, ()):
                self._call(work, path, list(migrations))

        call("beforeMigrate")
        versioned = True
        for migration in migrations:
            if versioned and migration.repeatable:
                call("afterVersioned")
                call("beforeRepeatables")
                versioned = False
            call("beforeEachMigrate")
            super()._apply(work, [migration])
            call("afterEachMigrate")
        if versioned:
            call("afterVersioned")
        call("afterMigrateApplied")
        call("afterMigrate")

    def _call(self, work: Work, path: Path, migrations: list[Migration]) -> None:
        """Run a callback. It has no line in any book: it runs again with the next migration."""
        database = work.database
        script = Migration(path.stem, path.stem, file=path.name)
        statements = split(self._text(path, self.settings.read(path)), database.dialect)
        inside = database.in_transaction
        try:
            with nullcontext() if inside else database.transaction():
                for statement in statements:
                    work.check_cancelled()
                    work.run(script, statement)
        except StatementFailed as error:
            raise failure(
                work,
                script,
                migrations,
                error=str(error),
                code=error.code,
                sql=statement.sql,
                line=statement.line,
            ) from None

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        based = [row for row in rows if row.name.endswith("BASELINE")]
        limit = max((version_key(row.id) for row in based), default=None)
        script = self.baseline.file if self.baseline else None
        if self.baselines:
            limit = version_key(self._baseline_version)
            script = None
        elif self.baseline is not None and not based:
            if any(row.id[:1].isdigit() for row in rows):
                script = None  # it is for empty databases, and this one has a history
            else:
                limit = version_key(self.baseline.id)
        scripts = {self.baseline.file} if self.baseline else set()
        left = [
            file
            for file in files
            if file.repeatable
            or file.file == script
            or (file.file not in scripts and (limit is None or version_key(file.id) > limit))
        ]
        history = super().compare(left, [row for row in rows if row.name != "BASELINE"])
        changed = [m for m in history.applied if m.repeatable and m.status == "edited"]
        # A repeatable migration that has changed is no mistake: it runs again. Flyway takes the
        # checksum without placeholders filled in for the same, too.
        same = {
            row.id for row in rows for m in changed if (row.id, row.checksum) == (m.id, m.checksum)
        }
        again = [m.as_("pending") for m in changed if m.id not in same]
        repeated = {m.id for m in changed}
        pending = (*history.pending, *again)
        versioned = [m for m in pending if not m.repeatable]
        repeatable = sorted((m for m in pending if m.repeatable), key=lambda m: m.name)
        history = replace(
            history,
            pending=(*versioned, *repeatable),
            applied=tuple(
                m.as_("applied") if m.id in same else m
                for m in history.applied
                if m not in changed or m.id in same
            ),
            problems=tuple(p for p in history.problems if p.of not in repeated),
        )
        return as_flyway_sees_it(self.settings, history, files)

    @property
    def _baseline_version(self) -> str:
        return self.settings.text("baselineVersion", "1")

    def edited(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} was edited after it was applied: Flyway refuses to go on",
            not file.repeatable,
        )

    def out_of_order(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} is older than what is applied already; Flyway refuses to go on "
            "(unless outOfOrder is set): give it a newer version",
            blocks=not self.settings.switched_on("outOfOrder"),
        )

    def wraps(self, dialect: str) -> bool:
        return True

    def make_book(self, database: Database) -> None:
        missing = self.schemas.missing(database)
        if missing and self.settings.text("createSchemas", "true").lower() == "false":
            raise StepConfigError(
                f"the schema {missing[0]} is not there, and createSchemas is off: make it first"
            )
        for name in missing:
            database.run(f"CREATE SCHEMA {database.quote(name)}")
        boolean, when = _TYPES[database.dialect]
        table = database.at(self.books(database)[0])
        database.run(
            f"CREATE TABLE {table} (installed_rank INT NOT NULL, version VARCHAR(50),"
            " description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL,"
            " script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL,"
            f" installed_on {when}, execution_time INT NOT NULL, success {boolean} NOT NULL,"
            f" CONSTRAINT {database.quote(f'{self.book}_pk')} PRIMARY KEY (installed_rank))"
        )
        index = database.quote(f"{self.book}_s_idx")
        database.run(f"CREATE INDEX {index} ON {table} (success)")
        if missing:
            names = ",".join(map(database.quote, missing))
            made = Migration("", "<< Flyway Schema Creation >>")
            self._write(database, made, "SCHEMA", names, 0, rank=0)
        if self.baselines:
            said = self.settings.text("baselineDescription", "<< Flyway Baseline >>")
            based = Migration(self._baseline_version, said)
            self._write(database, based, "BASELINE", said, 0)

    def rows(self, database: Database) -> list[Row]:
        found: dict[str, Row] = {}
        for version, description, kind, script, check, success in database.query(
            "SELECT version, description, type, script, checksum, success"
            f" FROM {database.at(self.books(database)[0])} ORDER BY installed_rank"
        ):
            if kind in ("SCHEMA", "DELETE"):
                continue
            identifier = version or f"R__{description.replace(' ', '_')}"
            if version is None and Path(script).name.startswith("R__"):
                identifier = Path(script).name.removesuffix(".sql")
            found.pop(identifier, None)
            if not kind.startswith("UNDO"):
                name = kind if kind.endswith("BASELINE") else description
                checked = str(check) if check is not None else None
                found[identifier] = Row(identifier, name, checked, failed=not success)
        return list(found.values())

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        based = self.baseline is not None and migration.file == self.baseline.file
        kind = "SQL_BASELINE" if based else "SQL"
        self._write(database, migration, kind, migration.file or "", milliseconds)

    def failed(self, database: Database, migration: Migration, error: str) -> None:
        self._write(database, migration, "SQL", migration.file or "", 0, success=False)

    def resumed(self, database: Database, migration: Migration) -> None:
        database.run(
            f"DELETE FROM {database.at(self.books(database)[0])} WHERE version = ? AND success = ?",
            (migration.id, False),
        )

    def erase(self, database: Database, migration: Migration) -> None:
        """Rows of what was undone go, so that the book is as before; Flyway reads it as pending."""
        where = "version = ?" if not migration.repeatable else "version IS NULL AND script = ?"
        key = migration.file if migration.repeatable else migration.id
        database.run(f"DELETE FROM {database.at(self.books(database)[0])} WHERE {where}", (key,))

    def _write(
        self,
        database: Database,
        migration: Migration,
        kind: str,
        script: str,
        milliseconds: float,
        *,
        success: bool = True,
        rank: int | None = None,
    ) -> None:
        table = database.at(self.books(database)[0])
        ((last,),) = database.query(f"SELECT coalesce(max(installed_rank), 0) FROM {table}")
        checked = migration.book_checksum
        database.run(
            f"INSERT INTO {table} (installed_rank, version, description, type, script, checksum,"
            " installed_by, execution_time, success) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                last + 1 if rank is None else rank,
                None if migration.repeatable or not migration.id else migration.id,
                migration.name[:200],
                kind,
                script,
                int(checked) if checked is not None else None,
                self.settings.text("installedBy", database.url.user or ""),
                int(milliseconds),
                success,
            ),
        )


def checksum(text: str) -> int:
    """CRC-32 over the lines without their ends, the byte order mark left out, signed."""
    total = 0
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        total = crc32(line.encode(), total)
    return total - 2**32 if total >= 2**31 else total


def _outside(path: Path) -> bool:
    beside = path.with_name(path.name + ".conf")
    text = beside.read_text() if beside.is_file() else ""
    return bool(re.search(r"^\s*executeInTransaction\s*=\s*false", text, re.I | re.M))
