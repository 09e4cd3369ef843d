"""SQL that somebody wrote into a workflow: all of it in one transaction, its rows reported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from runtime_tasks.errors import StepConfigError, StepError
from runtime_tasks.migrations.classify import kind_of
from runtime_tasks.migrations.database import Database, StatementFailed
from runtime_tasks.migrations.split import Statement, split

SHOWN = 100
"""Rows of the last query that are handed on."""

_PARAMETERS = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|(\$\w*\$).*?\1|::|%|\?"
    r"|(?<![\w:]):(?P<name>[A-Za-z_]\w*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Transformed:
    rows: int
    results: list[dict[str, Any]]
    milliseconds: float


def transform(
    database: Database, sql: str, parameters: Mapping[str, Any] | None, *, pretend: bool
) -> Transformed:
    """Run it and commit; ``pretend`` rolls it back. ``:name`` in the SQL takes parameters' values.

    Raises StepConfigError for SQL that cannot run in one transaction.
    """
    statements = split(sql, database.dialect)
    if not statements:
        raise StepConfigError("there is no SQL to run")
    for statement in statements:
        _refuse(statement, database, alone=len(statements) == 1 and not pretend)
    started = perf_counter()
    rows, results = 0, list[dict[str, Any]]()
    with database.lock(wait=10):
        database.begin()
        try:
            for statement in statements:
                text, values = bind(statement.sql, parameters or {}, database)
                try:
                    changed, found = database.select(text, SHOWN, values)
                except StatementFailed as error:
                    raise StepError(
                        f"line {statement.line}: {error}; nothing of it was kept",
                        details={"sql": statement.sql[:2000], "line": statement.line},
                    ) from None
                rows += changed or 0
                results = found or results
            if pretend:
                database.rollback()
            else:
                database.commit()
        finally:
            database.rollback()
    return Transformed(rows, results, round((perf_counter() - started) * 1000, 1))


def _refuse(statement: Statement, database: Database, *, alone: bool) -> None:
    kind = kind_of(statement.sql, database.dialect)
    if kind.control:
        raise StepConfigError(
            f"line {statement.line}: this step runs in one transaction of its own; "
            f"take out {kind.head.split()[0]}"
        )
    if kind.outside or (kind.ddl and not database.transactional_ddl and not alone):
        raise StepConfigError(
            f"line {statement.line}: {' '.join(kind.head.split()[:3])} cannot run in a transaction "
            "here; write it as a migration"
        )


def bind(
    sql: str, parameters: Mapping[str, Any], database: Database
) -> tuple[str, Sequence[Any] | None]:
    """The SQL with ``:name`` as the driver marks parameters, and their values in order."""
    if not parameters:
        return sql, None
    values: list[Any] = []
    mark = database.mark

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            # psycopg and PyMySQL read a single % as the beginning of a mark of theirs.
            return match[0].replace("%", "%%") if mark == "%s" else match[0]
        if name not in parameters:
            raise StepConfigError(f"the SQL asks for :{name}, which is not among the parameters")
        values.append(parameters[name])
        return mark

    return _PARAMETERS.sub(replaced, sql), tuple(values)
