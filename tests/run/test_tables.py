"""The dry run's table in Prefect: what it lists, and that no text leaves its cell."""

from __future__ import annotations

from runtime_tasks.run.tables import MOST, table_of
from runtime_tasks.steps.migrations import (
    DryRunOutput,
    ExecuteOutput,
    Migration,
    StatementReport,
)


def dry_run(*statements: StatementReport, **fields: object) -> DryRunOutput:
    return DryRunOutput(
        connection_id="shop",
        tool="sql",
        plan_hash="sha256:abc",
        migrations=[Migration(id="001", name="users")],
        statements=list(statements),
        method="rolled-back transaction",
        milliseconds=12,
        **fields,  # type: ignore[arg-type]
    )


def test_a_statement_has_its_row_with_what_to_look_at() -> None:
    found = table_of(
        dry_run(
            StatementReport(
                migration="001",
                sql="ALTER TABLE users\n  DROP COLUMN email",
                milliseconds=1.26,
                rows=3,
                locks=["users: AccessExclusiveLock"],
                warnings=["rewrites the table"],
                destructive=True,
            ),
            destructive=True,
            not_shown=["how long locks are waited for"],
        )
    )
    assert found is not None
    key, markdown = found
    assert key == "dry-run"
    assert (
        "| 001 | 1.3 | 3 | users: AccessExclusiveLock |  | destroys data; rewrites the table |"
        " `ALTER TABLE users DROP COLUMN email` |"
    ) in markdown
    assert "## Dry run: 1 migration, 1 statement\n\n12 ms, by sql" in markdown
    assert "**Some of it destroys data.**" in markdown
    assert "* how long locks are waited for" in markdown


def test_no_text_leaves_its_cell_and_a_flood_is_cut() -> None:
    hostile = StatementReport(
        migration="a|b\nc", sql="SELECT '|</td>`[x](javascript:1)` www.example.org'", milliseconds=0
    )
    found = table_of(dry_run(*[hostile] * (MOST + 5)))
    assert found is not None
    rows = [line for line in found[1].splitlines() if "SELECT" in line]
    assert len(rows) == MOST
    assert "… and 5 more" in found[1]
    assert rows[0].startswith("| a\\|b c | 0.0 |")
    assert rows[0].endswith(" | `SELECT '\\|</td>'[x](javascript:1)' www.example.org'` |")


def test_other_outputs_have_no_table() -> None:
    assert table_of(None) is None
    assert table_of(ExecuteOutput(connection_id="s", tool="sql", plan_hash="", applied=[])) is None
