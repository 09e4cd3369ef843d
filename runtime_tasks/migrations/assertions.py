"""Tests of data: a query and what it must give. Commands, where the administrator allowed them.

::

    tests:
      - name: every user has an address
        sql: SELECT id FROM users WHERE email IS NULL
        empty: true
      - {name: nobody was lost, sql: "SELECT count(*) FROM users", equals: 1200}
      - {name: one admin, sql: "SELECT id FROM users WHERE admin", rows: 1}
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime_tasks.errors import Refused, StepConfigError
from runtime_tasks.migrations.database import Database, StatementFailed
from runtime_tasks.migrations.split import split

EXPECTATIONS = ("equals", "expected", "rows", "empty")
SEEN = 1000


@dataclass(frozen=True)
class Checked:
    name: str
    passed: bool
    expected: Any = None
    actual: Any = None
    message: str = ""


def check_all(database: Database, tests: Sequence[Any]) -> list[Checked]:
    """Run every test, in transactions that cannot write; a query that fails is a failed test."""
    return [_check(database, test, number) for number, test in enumerate(tests, 1)]


def _check(database: Database, test: Any, number: int) -> Checked:
    if not isinstance(test, Mapping) or not str(test.get("sql", "")).strip():
        raise StepConfigError(f"test {number} has no sql")
    name = str(test.get("name") or f"test {number}")
    unknown = sorted(set(test) - {"name", "sql", *EXPECTATIONS})
    given = [key for key in EXPECTATIONS if key in test]
    if unknown or len(given) != 1:
        raise StepConfigError(
            f"test '{name}': "
            + (f"nobody knows '{unknown[0]}'; " if unknown else "")
            + "say exactly one of equals, rows, empty"
        )
    if len(split(str(test["sql"]), database.dialect)) != 1:
        raise StepConfigError(f"test '{name}' must be one statement")
    try:
        with database.reading():
            _, rows = database.select(str(test["sql"]).rstrip().rstrip(";"), SEEN)
    except StatementFailed as error:
        return Checked(name, False, test[given[0]], None, str(error))
    return _compare(name, given[0], test[given[0]], rows)


def _compare(name: str, how: str, expected: Any, rows: list[dict[str, Any]]) -> Checked:
    if how == "empty":
        passed = (not rows) is bool(expected)
        message = "" if passed else f"{len(rows)} rows" if rows else "no rows"
        return Checked(name, passed, expected, rows[:5], message)
    if how == "rows":
        count = len(rows)
        return Checked(
            name, count == expected, expected, count, "" if count == expected else f"{count} rows"
        )
    if isinstance(expected, list):
        actual: Any = [list(row.values()) for row in rows]
        if any(isinstance(item, Mapping) for item in expected):
            actual = rows
        elif not any(isinstance(item, list) for item in expected):
            actual = [row[0] if row else None for row in actual]
    elif isinstance(expected, Mapping):
        actual = rows[0] if rows else None
    else:
        actual = next(iter(rows[0].values())) if rows else None
    passed = bool(actual == expected) and isinstance(actual, bool) == isinstance(expected, bool)
    if not passed and isinstance(expected, bool) and actual in (0, 1):
        passed = bool(actual) is expected  # SQLite and MySQL have no boolean of their own
    return Checked(name, passed, expected, actual, "" if passed else f"it is {actual!r}")


def run_command(command: str, timeout: float) -> Checked:
    """Run a command that the worker's administrator put into ``DATAROLL_ALLOWED_COMMANDS``.

    That variable holds command lines, one a line; ``make test`` allows exactly ``make test``.
    """
    allowed = [
        line.strip() for line in os.environ.get("DATAROLL_ALLOWED_COMMANDS", "").splitlines()
    ]
    if command.strip() not in [line for line in allowed if line]:
        raise Refused(
            f"the command '{command}' is not allowed on this worker: its administrator can add it "
            "as a line to DATAROLL_ALLOWED_COMMANDS"
        )
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("DATAROLL_", "PREFECT_"))
    }
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            timeout=timeout or None,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise Refused(f"the command '{command}' does not exist on this worker") from None
    except subprocess.TimeoutExpired:
        return Checked(command, False, 0, None, f"it took longer than {timeout:g} seconds")
    tail = "" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-2000:]
    return Checked(command, done.returncode == 0, 0, done.returncode, tail)
