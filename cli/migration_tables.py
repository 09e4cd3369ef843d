"""What ``dataroll migrations`` shows to people: tables and a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from runtime_tasks.steps.migrations import (
        DiscoverOutput,
        DryRunOutput,
        ExecuteOutput,
        Migration,
        RollbackOutput,
    )

STYLES = {"pending": "cyan", "applied": "green", "failed": "red", "edited": "yellow"}


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int | None, int | None], None]]:
    """A bar on standard error that moves with each statement."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None)

        def move(message: str, done: int | None, total: int | None) -> None:
            progress.update(
                task, description=escape(message[:70]), completed=done or 0, total=total
            )

        yield move


def show_history(found: DiscoverOutput) -> None:
    console = Console()
    console.print(f"[bold]{found.tool}[/] ({escape(found.reason)})", highlight=False)
    table = _migrations([*found.applied, *found.migrations])
    if table.row_count:
        console.print(table)
    for problem in found.problems:
        console.print(f"[yellow]![/] {escape(problem)}", highlight=False)
    console.print(f"{len(found.migrations)} pending, {len(found.applied)} applied", highlight=False)


def show_trial(trial: DryRunOutput) -> None:
    console = Console()
    if trial.statements:
        table = Table("migration", "statement", "ms", "rows", "locks and rewrites", box=None)
        for run in trial.statements:
            effects = [*run.locks, *(f"rewrites {name}" for name in run.rewrites), *run.warnings]
            sql = " ".join(run.sql.split())
            table.add_row(
                escape(run.migration),
                ("[red]" if run.destructive else "") + escape(sql[:100]),
                f"{run.milliseconds:.1f}",
                "" if run.rows is None else str(run.rows),
                escape("\n".join(effects)),
            )
        console.print(table)
    for warning in trial.warnings:
        console.print(f"[yellow]![/] {escape(warning)}", highlight=False)
    if not trial.migrations:
        console.print("nothing is pending: nothing to try", highlight=False)
        return
    console.print(
        f"{_count(len(trial.migrations), 'migration')} tried,"
        f" {_count(len(trial.statements), 'statement')},"
        f" {trial.milliseconds:.0f} ms, by {trial.method}; the database is as it was",
        highlight=False,
    )
    if trial.rollback_rehearsed:
        console.print("the way back was tried, too: it leads to the schema of before")
    if trial.not_shown and trial.statements:
        console.print(f"not shown: {escape('; '.join(trial.not_shown))}", highlight=False)
    console.print(f"to run exactly this: execute --plan {trial.plan_hash}", soft_wrap=True)


def show_executed(done: ExecuteOutput, rollback: str) -> None:
    """``rollback``: the command that takes it back."""
    console = Console()
    if not done.applied:
        console.print("nothing was pending: nothing was applied")
        return
    console.print(_migrations(done.applied))
    console.print(
        f"{_count(len(done.applied), 'migration')} applied,"
        f" {_count(done.statements, 'statement')}, {_count(done.rows, 'row')} changed,"
        f" {done.milliseconds:.0f} ms",
        highlight=False,
    )
    console.print(f"to take it back: {escape(rollback)}", highlight=False, soft_wrap=True)


def show_undone(done: RollbackOutput) -> None:
    console = Console()
    if not done.rolled_back:
        console.print("there was nothing to take back")
        return
    console.print(_migrations(done.rolled_back))
    for loss in done.data_loss:
        console.print(f"[yellow]lost[/] {escape(loss)}", highlight=False)
    count = _count(len(done.rolled_back), "migration")
    console.print(f"{count} taken back, by {done.method}", highlight=False)


def _count(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``"""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _migrations(migrations: list[Migration]) -> Table:
    table = Table("status", "migration", "name", "file", box=None)
    for migration in migrations:
        style = STYLES.get(migration.status, "yellow")
        cells = (migration.id, migration.name, migration.file or "")
        table.add_row(f"[{style}]{migration.status}[/]", *map(escape, cells))
    return table
