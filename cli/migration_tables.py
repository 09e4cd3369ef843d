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
    console.print(
        f"{len(trial.migrations)} migrations tried, {len(trial.statements)} statements,"
        f" {trial.milliseconds:.0f} ms, by {trial.method}",
        highlight=False,
    )
    if trial.not_shown and trial.statements:
        console.print(f"not shown: {escape('; '.join(trial.not_shown))}", highlight=False)
    console.print(f"plan {trial.plan_hash}", highlight=False, soft_wrap=True)


def show_executed(done: ExecuteOutput, execution: str) -> None:
    console = Console()
    if done.applied:
        console.print(_migrations(done.applied))
    console.print(
        f"{len(done.applied)} migrations applied, {done.statements} statements, {done.rows} rows,"
        f" {done.milliseconds:.0f} ms",
        highlight=False,
    )
    if done.applied:
        console.print(f"to take it back: rollback --to {execution}", highlight=False)


def show_undone(done: RollbackOutput) -> None:
    console = Console()
    if done.rolled_back:
        console.print(_migrations(done.rolled_back))
    console.print(f"{len(done.rolled_back)} migrations taken back: {done.method}", highlight=False)


def _migrations(migrations: list[Migration]) -> Table:
    table = Table("status", "migration", "name", "file", box=None)
    for migration in migrations:
        style = STYLES.get(migration.status, "yellow")
        cells = (migration.id, migration.name, migration.file or "")
        table.add_row(f"[{style}]{migration.status}[/]", *map(escape, cells))
    return table
