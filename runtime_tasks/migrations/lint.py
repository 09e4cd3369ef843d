"""What squawk says of PostgreSQL migrations: locks and rewrites that hurt a busy database.

Only pending files are looked at, and of the findings on tables that the same
plan creates most are left out: nobody waits for a table that is not there yet.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from runtime_tasks.migrations.files import printable
from runtime_tasks.migrations.model import Migration

RULES = frozenset(
    (
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-required-field",
        "adding-serial-primary-key-field",
        "ban-alter-domain-with-add-constraint",
        "ban-concurrent-index-creation-in-transaction",
        "ban-drop-column",
        "ban-drop-database",
        "ban-drop-not-null",
        "ban-drop-table",
        "ban-truncate-cascade",
        "changing-column-type",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "renaming-column",
        "renaming-table",
        "require-concurrent-index-creation",
    )
)
"""The rules that mean waiting or breaking clients; the others are taste, or answered by our
own timeouts and journal."""


def squawk() -> str | None:
    """The program that the wheel installs beside our interpreter."""
    beside = Path(sys.executable).with_name("squawk")
    return str(beside) if beside.exists() else shutil.which("squawk")


def lint(migrations: Sequence[Migration], existing: set[str]) -> list[str]:
    """Warnings, each with file and line. Empty where squawk is not installed."""
    program = squawk()
    if program is None:
        return []
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="dataroll-lint-") as folder:
        names: dict[str, Migration] = {}
        for number, migration in enumerate(migrations):
            if migration.up:
                path = Path(folder) / f"{number}.sql"
                path.write_text(printable(migration.up), encoding="utf-8")
                names[str(path)] = migration
        if not names:
            return []
        done = subprocess.run(
            [program, "--reporter", "json", "--assume-in-transaction", *names],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=folder,
            check=False,
        )
        try:
            reports = json.loads(done.stdout or "[]")
        except ValueError:
            return []
        for report in reports:
            migration = names.get(str(report.get("file")), migrations[0])
            if report.get("rule_name") in RULES and _matters(migration, report, existing):
                line = int(report.get("line", 0)) + 1
                text = report.get("message") or report.get("rule_name")
                found.append(f"{migration.file}:{line}: {report.get('rule_name')}: {text}")
    return found


def _matters(migration: Migration, report: dict[str, object], existing: set[str]) -> bool:
    """Whether the statement that the finding is about touches a table that exists already."""
    lines = (migration.up or "").splitlines()
    start, end = (
        int(str(report.get("line", 0))),
        int(str(report.get("line_end", report.get("line", 0)))),
    )
    words = set(re.findall(r"[\w$]+", " ".join(lines[max(0, start - 1) : end + 1]).lower()))
    return any(name.rpartition(".")[2].lower() in words for name in existing)
