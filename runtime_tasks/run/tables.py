"""What a node found out, as a table that Prefect's UI shows beside its task."""

from __future__ import annotations

from typing import Any

from runtime_tasks.run.report import cell, code
from runtime_tasks.steps.migrations import DryRunOutput, StatementReport

MOST = 200
"""Statements that are listed; a table of thousands is read by nobody."""


def table_of(output: Any) -> tuple[str, str] | None:
    """An artifact's key and Markdown, for outputs that have more to show than a node's line."""
    if isinstance(output, DryRunOutput):
        return "dry-run", dry_run(output)
    return None


def dry_run(output: DryRunOutput) -> str:
    count, statements = len(output.migrations), len(output.statements)
    parts = [
        f"## Dry run: {count} migration{'s' * (count != 1)},"
        f" {statements} statement{'s' * (statements != 1)}",
        f"{output.milliseconds:.0f} ms, by {cell(output.tool)}; tried with: {cell(output.method)}."
        f" {'Taking it back was tried, too.' if output.rollback_rehearsed else ''}",
    ]
    if output.destructive:
        parts.append("⚠ **Some of it destroys data.**")
    parts += ["\n".join(f"* ⚠ {cell(text)}" for text in output.warnings)] * bool(output.warnings)
    if statements:
        parts.append("\n".join([*HEADINGS, *(row(each) for each in output.statements[:MOST])]))
    if statements > MOST:
        parts.append(f"… and {statements - MOST} more")
    if output.not_shown:
        shown = "\n".join(f"* {cell(text)}" for text in output.not_shown)
        parts.append(f"What this cannot show:\n\n{shown}")
    parts.append(f"Connection {code(output.connection_id)}, plan {code(output.plan_hash)}")
    return "\n\n".join(parts)


HEADINGS = (
    "| migration | ms | rows | locks | rewrites | look at | statement |",
    "|---|---:|---:|---|---|---|---|",
)


def row(statement: StatementReport) -> str:
    sql = " ".join(statement.sql.split())
    cells = (
        statement.migration,
        f"{statement.milliseconds:.1f}",
        "" if statement.rows is None else str(statement.rows),
        ", ".join(statement.locks),
        ", ".join(statement.rewrites),
        "; ".join([*(["destroys data"] * statement.destructive), *statement.warnings]),
    )
    shown = code(sql if len(sql) <= 160 else f"{sql[:159]}…")
    return f"| {' | '.join(cell(text) for text in cells)} | {shown} |"
