"""Flyway: ``V1.2__users.sql``, ``R__views.sql`` again whenever they change, ``U1.2__users.sql`` back.

Its book is ``flyway_schema_history``. Placeholders come from ``flyway.conf``
or ``flyway.toml`` at or above the folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import read_text
from runtime_tasks.migrations.model import History, Migration, Problem
from runtime_tasks.migrations.tools.script import Row, ScriptTool

_NAME = re.compile(
    r"^(?P<kind>[VURB])(?P<version>\d+(?:[._]\d+)*)?(?:__(?P<description>.*))?\.sql$"
)
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")

_TYPES = {
    "postgresql": ("BOOLEAN", "TIMESTAMP NOT NULL DEFAULT now()"),
    "mysql": ("BOOL", "TIMESTAMP DEFAULT CURRENT_TIMESTAMP"),
    "sqlite": (
        "BOOLEAN",
        "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))",
    ),
}


class Flyway(ScriptTool):
    name = "flyway"
    book = "flyway_schema_history"

    def detect(self, folder: Path) -> str | None:
        names = sorted(p.name for p in folder.rglob("*.sql") if _is_ours(p.name))
        versioned = [name for name in names if name[0] in "VR"]
        return f"{len(versioned)} files like {versioned[0]}" if versioned else None

    def files(self, folder: Path, dialect: str) -> list[Migration]:
        placeholders = _placeholders(folder)
        versioned: dict[tuple[int, ...], Migration] = {}
        undo: dict[tuple[int, ...], str] = {}
        repeatable: list[Migration] = []
        for path in sorted(folder.rglob("*.sql")):
            match = _NAME.match(path.name)
            if match is None or not _is_ours(path.name):
                continue
            text = _filled(read_text(path), placeholders, path.name)
            key = _key(match["version"] or "0")
            migration = Migration(
                id=(match["version"] or "").replace("_", ".") or path.name,
                name=(match["description"] or "").replace("_", " "),
                file=str(path.relative_to(folder)),
                checksum=str(checksum(path.read_bytes())),
                up=text,
                no_transaction=_outside(path),
                repeatable=match["kind"] == "R",
            )
            if match["kind"] == "U":
                undo[key] = text
            elif match["kind"] == "R":
                repeatable.append(replace(migration, id=f"R__{match['description']}"))
            elif match["kind"] == "V":
                if key in versioned:
                    raise StepConfigError(
                        f"{versioned[key].file} and {migration.file} clash: one version"
                    )
                versioned[key] = migration
        ordered = [replace(versioned[k], down=undo.get(k)) for k in sorted(versioned)]
        return ordered + sorted(repeatable, key=lambda m: m.name)

    def compare(self, files: Sequence[Migration], rows: Sequence[Row]) -> History:
        baseline = next((row for row in rows if row.name == "BASELINE"), None)
        hidden = {
            m.id for m in files if baseline and not m.repeatable and _key(m.id) <= _key(baseline.id)
        }
        left = [m for m in files if m.id not in hidden]
        history = super().compare(left, [row for row in rows if row is not baseline])
        changed = [m for m in history.applied if m.repeatable and m.status == "edited"]
        if not changed:
            return history
        # A repeatable migration that has changed is no mistake: it runs again.
        again = [m.as_("pending") for m in changed]
        return replace(
            history,
            pending=(*history.pending, *again),
            applied=tuple(m for m in history.applied if m not in changed),
            problems=tuple(
                p for p in history.problems if not any((m.file or "") in p.message for m in changed)
            ),
        )

    def edited(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} was edited after it was applied: Flyway refuses to go on",
            not file.repeatable,
        )

    def out_of_order(self, file: Migration) -> Problem:
        return Problem(
            f"{file.file} is older than what is applied already; Flyway refuses to go on "
            "(unless outOfOrder is set): give it a newer version"
        )

    def make_book(self, database: Database) -> None:
        boolean, when = _TYPES[database.dialect]
        database.run(
            f"CREATE TABLE {self.book} (installed_rank INT NOT NULL, version VARCHAR(50),"
            " description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL,"
            " script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL,"
            f" installed_on {when}, execution_time INT NOT NULL, success {boolean} NOT NULL,"
            f" CONSTRAINT {self.book}_pk PRIMARY KEY (installed_rank))"
        )
        database.run(f"CREATE INDEX {self.book}_s_idx ON {self.book} (success)")

    def rows(self, database: Database) -> list[Row]:
        found: dict[str, Row] = {}
        for version, description, kind, script, check, success in database.query(
            "SELECT version, description, type, script, checksum, success"
            f" FROM {self.book} ORDER BY installed_rank"
        ):
            if kind in ("SCHEMA", "DELETE"):
                continue
            identifier = version or f"R__{description.replace(' ', '_')}"
            if version is None and Path(script).name.startswith("R__"):
                identifier = Path(script).name.removesuffix(".sql")
            found.pop(identifier, None)
            if not kind.startswith("UNDO"):
                name = "BASELINE" if kind == "BASELINE" else description
                checked = str(check) if check is not None else None
                found[identifier] = Row(identifier, name, checked, failed=not success)
        return list(found.values())

    def record(self, database: Database, migration: Migration, milliseconds: float) -> None:
        self._write(database, migration, "SQL", migration.file or "", milliseconds, success=True)

    def failed(self, database: Database, migration: Migration, error: str) -> None:
        self._write(database, migration, "SQL", migration.file or "", 0, success=False)

    def resumed(self, database: Database, migration: Migration) -> None:
        database.run(
            f"DELETE FROM {self.book} WHERE version = ? AND success = ?", (migration.id, False)
        )

    def erase(self, database: Database, migration: Migration) -> None:
        """Rows of what was undone go, so that the book is as before; Flyway reads it as pending."""
        where = "version = ?" if not migration.repeatable else "version IS NULL AND script = ?"
        key = migration.file if migration.repeatable else migration.id
        database.run(f"DELETE FROM {self.book} WHERE {where}", (key,))

    def _write(
        self,
        database: Database,
        migration: Migration,
        kind: str,
        script: str,
        milliseconds: float,
        *,
        success: bool,
    ) -> None:
        ((last,),) = database.query(f"SELECT coalesce(max(installed_rank), 0) FROM {self.book}")
        database.run(
            f"INSERT INTO {self.book} (installed_rank, version, description, type, script, checksum,"
            " installed_by, execution_time, success) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                last + 1,
                None if migration.repeatable else migration.id,
                migration.name or "<< no description >>",
                kind,
                script,
                int(migration.checksum or 0),
                database.url.user or "",
                int(milliseconds),
                success,
            ),
        )


def checksum(content: bytes) -> int:
    """CRC-32 over the lines without their ends, the byte order mark left out, signed."""
    text = content.decode("utf-8-sig")
    total = 0
    for line in re.split(r"\r\n|\r|\n", text):
        total = crc32(line.encode(), total)
    return total - 2**32 if total >= 2**31 else total


def _is_ours(name: str) -> bool:
    match = _NAME.match(name)
    if match is None:
        return False
    return bool(match["version"]) != (match["kind"] == "R") and match["description"] is not None


def _key(version: str) -> tuple[int, ...]:
    """``1.2.0`` and ``1.2`` are one version."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _outside(path: Path) -> bool:
    beside = path.with_name(path.name + ".conf")
    text = beside.read_text() if beside.is_file() else ""
    return bool(re.search(r"^\s*executeInTransaction\s*=\s*false", text, re.I | re.M))


def _placeholders(folder: Path) -> dict[str, str] | None:
    """None where replacement is switched off."""
    found: dict[str, str] = {}
    for place in (folder, *folder.absolute().parents[:4]):
        conf, toml = place / "flyway.conf", place / "flyway.toml"
        if conf.is_file():
            for line in conf.read_text().splitlines():
                key, _, value = line.partition("=")
                key, value = key.strip(), value.strip()
                if key == "flyway.placeholderReplacement" and value.lower() == "false":
                    return None
                if key.startswith("flyway.placeholders."):
                    found.setdefault(key.removeprefix("flyway.placeholders."), value)
        if toml.is_file():
            settings = tomllib.loads(toml.read_text()).get("flyway", {})
            if settings.get("placeholderReplacement") is False:
                return None
            found = {**{k: str(v) for k, v in settings.get("placeholders", {}).items()}, **found}
    return found


def _filled(text: str, placeholders: dict[str, str] | None, file: str) -> str:
    if placeholders is None:
        return text

    def value(match: re.Match[str]) -> str:
        if match[1] not in placeholders:
            raise StepConfigError(
                f"{file} has the placeholder {match[0]}, and neither flyway.conf nor flyway.toml "
                "says what it stands for"
            )
        return placeholders[match[1]]

    return _PLACEHOLDER.sub(value, text)
