"""A reverse for a migration that has none: what was created is dropped, what was renamed renamed back.

Only statements whose reverse loses nothing that was there before are turned
round; where one is not among them there is no derived reverse, and it is
named. What was written into the new tables and columns since is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.classify import COMMENTS
from runtime_tasks.migrations.split import split

_NAME = r"(?P<{0}>(?:[\w$.]+|\"[^\"]+\"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$]+|\"[^\"]+\"|`[^`]+`))*)"
_TABLE = r"ALTER TABLE (?:ONLY |IF EXISTS )*" + _NAME.format("table")

_RULES = (
    (r"CREATE (?:UNLOGGED |TEMPORARY |TEMP )?TABLE (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP TABLE {name}"),
    (r"CREATE (?:OR REPLACE )?MATERIALIZED VIEW (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP MATERIALIZED VIEW {name}"),
    (r"CREATE VIEW (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP VIEW {name}"),
    (r"CREATE SEQUENCE (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP SEQUENCE {name}"),
    (r"CREATE TYPE " + _NAME.format("name"), "DROP TYPE {name}"),
    (r"CREATE SCHEMA (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP SCHEMA {name}"),
    (r"CREATE EXTENSION (?:IF NOT EXISTS )?" + _NAME.format("name"), "DROP EXTENSION {name}"),
    (r"CREATE TRIGGER (?:IF NOT EXISTS )?" + _NAME.format("name") + r".*? ON " + _NAME.format("table"), "DROP TRIGGER {name}{on}"),
    (r"CREATE (?:UNIQUE |FULLTEXT |SPATIAL )*INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?" + _NAME.format("name") + r" ON " + _NAME.format("table"), "DROP INDEX {name}{on}"),
    (_TABLE + r" ADD CONSTRAINT " + _NAME.format("name") + r"(?!.*, *ADD )", "ALTER TABLE {table} DROP CONSTRAINT {name}"),
    (_TABLE + r" ADD (?:UNIQUE |FULLTEXT )*(?:INDEX|KEY) " + _NAME.format("name") + r"(?!.*, *ADD )", "ALTER TABLE {table} DROP INDEX {name}"),
    (_TABLE + r" ADD (?:COLUMN )?(?:IF NOT EXISTS )?(?!PRIMARY|UNIQUE|FOREIGN|CHECK|CONSTRAINT|INDEX|KEY|PARTITION|\()" + _NAME.format("name") + r"(?!.*, *(?:ADD|DROP|ALTER|MODIFY) )", "ALTER TABLE {table} DROP COLUMN {name}"),
    (_TABLE + r" RENAME TO " + _NAME.format("name"), "ALTER TABLE {name} RENAME TO {bare}"),
    (_TABLE + r" RENAME (?:COLUMN )?" + _NAME.format("old") + r" TO " + _NAME.format("name"), "ALTER TABLE {table} RENAME COLUMN {name} TO {old}"),
    (_TABLE + r" ALTER (?:COLUMN )?" + _NAME.format("name") + r" SET NOT NULL$", "ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"),
    (r"RENAME TABLE " + _NAME.format("old") + r" TO " + _NAME.format("name") + "$", "RENAME TABLE {name} TO {old}"),
)  # fmt: skip

_NOTHING_TO_UNDO = re.compile(
    r"(SET|SELECT|PRAGMA|ANALYZE|VACUUM|COMMENT|BEGIN|COMMIT|USE)\b", re.I
)


def derived_down(up: str, dialect: str, *, first: int | None = None) -> str:
    """The SQL that undoes a script, or its first statements.

    Raises StepConfigError, naming the statement that has no reverse.
    """
    lines = reverse_of([s.sql for s in split(up, dialect)[:first]], dialect)
    return ";\n".join(lines) + (";" if lines else "")


def reverse_of(statements: Sequence[str], dialect: str) -> list[str]:
    """The statements that undo these, in their order. Raises as :func:`derived_down`."""
    created = {m["name"] for sql in statements if (m := _created(sql)) is not None}
    return [line for sql in reversed(statements) for line in _reverse(sql, dialect, created)]


def _created(sql: str) -> re.Match[str] | None:
    return re.match(_RULES[0][0], _plain(sql), re.I)


def _reverse(sql: str, dialect: str, created: set[str]) -> Iterator[str]:
    text = _plain(sql)
    if _NOTHING_TO_UNDO.match(text):
        return
    written = re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM) " + _NAME.format("name"), text, re.I)
    if written is not None and written["name"] in created:
        return  # its table goes as a whole
    for pattern, reverse in _RULES:
        match = re.match(pattern, text, re.I | re.S)
        if match is not None:
            parts = match.groupdict()
            table = parts.get("table") or ""
            on_table = dialect == "mysql" if "INDEX" in reverse else dialect == "postgresql"
            yield reverse.format(
                **parts, on=f" ON {table}" if on_table else "", bare=table.rpartition(".")[2]
            )
            return
    raise StepConfigError(f"nothing can be derived that undoes: {text[:120]}")


def _plain(sql: str) -> str:
    return " ".join(COMMENTS.sub(" ", sql).split())
