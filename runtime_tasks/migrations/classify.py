"""What kind of statement this is: may it run in a transaction, does it destroy, what is it called.

A naive BEGIN … ROLLBACK around real migration files commits, because files
hold COMMITs; so every statement is looked at before one is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from runtime_tasks.migrations.split import Statement

Transactions = Literal["transactional", "own-transactions", "no-transaction"]
"""A file's class: it may run in our transaction, it holds its own transaction control, or it
holds statements that no transaction may hold."""

HEAD = 4000
"""Statements are told by their beginning: the rest of a 50 MB INSERT is data."""

COMMENTS = re.compile(r"--[^\n]*|/\*(?![!M]).*?\*/", re.DOTALL)

_COMMENTS_AND_STRINGS = re.compile(
    r"--[^\n]*|/\*(?![!M]).*?\*/|'(?:[^'\\]|\\.|'')*'|(\$\w*\$).*?\1", re.DOTALL
)

_CONTROL = re.compile(
    r"(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK(?! TO)|ABORT|PREPARE TRANSACTION)\b"
)
SETS_TRANSACTION = re.compile(r"\s*set\s+transaction\b", re.I)
"""It has to be the first in its transaction: nothing of ours may come before it."""

REACHES_OUT = re.compile(
    r"\b(copy\b[^;]*\b(to|from)\s+program|lo_(ex|im)port|pg_file_write|pg_execute_server_program"
    r"|dblink\w*|pg_(terminate|cancel)_backend|pg_reload_conf)\b|\bcopy\b[^;]*\bto\s+'",
    re.IGNORECASE,
)
"""What no ROLLBACK takes back on PostgreSQL: programs, files, other sessions, other databases."""

_OUTSIDE = {
    "postgresql": re.compile(
        r"(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY"
        r"|REINDEX (\(.*\) )?(DATABASE|SYSTEM|SCHEMA)|VACUUM|CLUSTER$|(CREATE|DROP) DATABASE"
        r"|(CREATE|DROP) TABLESPACE|ALTER SYSTEM|ALTER DATABASE .* SET TABLESPACE"
        r"|ALTER TABLE .* DETACH PARTITION .* (CONCURRENTLY|FINALIZE)"
        r"|(CREATE|DROP) SUBSCRIPTION|ALTER TYPE .* ADD VALUE|DISCARD ALL)"
    ),
    "sqlite": re.compile(
        r"(VACUUM|ATTACH|DETACH|PRAGMA (\w+\.)?\"?(FOREIGN_KEYS|JOURNAL_MODE|SYNCHRONOUS|AUTO_VACUUM"
        r"|PAGE_SIZE|LOCKING_MODE|WRITABLE_SCHEMA|LEGACY_ALTER_TABLE)\"? ?[=(])"
    ),
    "mysql": re.compile(r"(?!)"),
}

_DESTRUCTIVE = re.compile(
    r"(DROP (TABLE|SCHEMA|DATABASE|MATERIALIZED VIEW|TYPE|SEQUENCE)\b|TRUNCATE\b"
    r"|ALTER TABLE .*\bDROP (?!CONSTRAINT|DEFAULT|NOT NULL|INDEX|KEY|FOREIGN|PRIMARY|CHECK"
    r"|IDENTITY|EXPRESSION|PARTITION)(COLUMN )?|(DELETE FROM|UPDATE) (?!.*\bWHERE\b))"
)


@dataclass(frozen=True)
class Kind:
    head: str
    """Upper case, comments and texts taken out, white space made single."""
    control: bool
    """Begins or ends a transaction."""
    outside: bool
    """Cannot run inside a transaction, or means nothing there."""
    destructive: bool
    """Takes data away that no down file brings back."""
    ddl: bool


def kind_of(sql: str, dialect: str) -> Kind:
    head = bare(sql)
    control = bool(_CONTROL.match(head))
    if dialect == "mysql":
        control = control and not head.startswith(("END", "ABORT", "BEGIN NOT ATOMIC"))
    if head.startswith("SET AUTOCOMMIT"):
        control = True
    return Kind(
        head=head,
        control=control,
        outside=bool(_OUTSIDE[dialect].match(head)) or _commits_inside(sql, head, dialect),
        destructive=bool(_DESTRUCTIVE.match(head)),
        ddl=bool(
            re.match(r"(CREATE|ALTER|DROP|RENAME|TRUNCATE|COMMENT|GRANT|REVOKE|LOCK)\b", head)
        ),
    )


def class_of(statements: Iterable[Statement], dialect: str) -> Transactions:
    """The class of a file, from its statements."""
    kinds = [kind_of(statement.sql, dialect) for statement in statements]
    if any(kind.control for kind in kinds):
        return "own-transactions"
    if any(kind.outside for kind in kinds) or (dialect == "mysql" and any(k.ddl for k in kinds)):
        return "no-transaction"
    return "transactional"


def bare(sql: str) -> str:
    """The beginning of a statement, for looking at its words."""
    text = _COMMENTS_AND_STRINGS.sub(lambda m: "''" if m[0][0] in "'$" else " ", sql[:HEAD])
    text = re.sub(r"/\*M?!\d*", " ", text).replace("*/", " ")
    return re.sub(r"\s+", " ", text).strip().upper()


def _commits_inside(sql: str, head: str, dialect: str) -> bool:
    """A DO block may commit by itself; a transaction around it makes that an error."""
    return (
        dialect == "postgresql"
        and head.startswith("DO ")
        and bool(re.search(r"\b(COMMIT|ROLLBACK)\s*;", sql, re.I))
    )
