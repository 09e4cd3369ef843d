"""``dataroll migrations``: find, try, apply and take back migrations, without a workflow."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.context import LocalContext, using
from runtime_tasks.errors import StepConfigError, StepError

if TYPE_CHECKING:
    from runtime_tasks.output import Output

Command = TypeVar("Command", bound=Callable[..., Any])

PROBLEMS, USED_WRONGLY = 1, 2


@click.group()
def migrations() -> None:
    """Find, try, apply and take back a database's migrations."""


def common(command: Command) -> Command:
    """The options that all four commands take."""
    options = (
        click.option(
            "--url",
            envvar="DATABASE_URL",
            required=True,
            help="The database. Better in DATABASE_URL than on the command line, where others see it.",
        ),
        click.option(
            "--path",
            type=click.Path(),
            default=".",
            show_default="this folder",
            help="The migrations' folder, or the project's.",
        ),
        click.option("--tool", default="auto", show_default=True, help="The migration tool."),
        click.option(
            "--format",
            "shape",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="For people or for machines.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@migrations.command()
@common
def discover(url: str, path: str, tool: str, shape: str) -> None:
    """List the pending and applied migrations, and what is wrong with the history."""
    from runtime_tasks.steps import discover_migrations

    with ready(url, path, tool, shape) as run:
        found = run(lambda: discover_migrations(connection_id="cli"))
        if shape == "text":
            from cli.migration_tables import show_history

            show_history(found)


@migrations.command("dry-run")
@common
def dry_run(url: str, path: str, tool: str, shape: str) -> None:
    """Really run the pending migrations where it does no harm, and report what they would do."""
    from runtime_tasks import steps

    with ready(url, path, tool, shape) as run:
        found = run(lambda: steps.dry_run(connection_id="cli"))
        if shape == "text":
            from cli.migration_tables import show_trial

            show_trial(found)


@migrations.command()
@common
@click.option("--plan", default=None, help="Refuse unless the plan has this hash (from dry-run).")
@click.option("--lock-timeout", default=10.0, show_default=True, help="Seconds to wait for a lock.")
@click.option("--statement-timeout", default=0.0, help="Seconds per statement; 0: no limit.")
@click.option("--backup", is_flag=True, help="Back the database up before.")
@click.option(
    "--on-partial",
    type=click.Choice(["refuse", "resume", "mark-applied"]),
    default="refuse",
    show_default=True,
    help="What to do with a migration that an earlier run left half-applied.",
)
def execute(
    url: str,
    path: str,
    tool: str,
    shape: str,
    plan: str | None,
    lock_timeout: float,
    statement_timeout: float,
    backup: bool,
    on_partial: Literal["refuse", "resume", "mark-applied"],
) -> None:
    """Apply the pending migrations."""
    from runtime_tasks.steps import execute_migrations

    with ready(url, path, tool, shape, approved=plan) as run:
        done = run(
            lambda: execute_migrations(
                connection_id="cli",
                lock_timeout=lock_timeout,
                statement_timeout=statement_timeout,
                backup=backup,
                on_partial=on_partial,
            )
        )
        if shape == "text":
            from cli.migration_tables import show_executed

            command = f"dataroll migrations rollback --path {shlex.quote(path)}"
            show_executed(done, f"{command} --to {run.context.execution_id}")


@migrations.command()
@common
@click.option("--steps", type=click.IntRange(0), default=None, help="Take back the last N.")
@click.option("--to", default=None, help="Take back everything since this execution.")
@click.option("--allow-derived", is_flag=True, help="Where no down exists, derive one.")
def rollback(
    url: str,
    path: str,
    tool: str,
    shape: str,
    steps: int | None,
    to: str | None,
    allow_derived: bool,
) -> None:
    """Take back the last migrations (one, unless --steps or --to say otherwise)."""
    from runtime_tasks import steps as all_steps

    if steps is not None and to is not None:
        raise click.UsageError("--steps and --to exclude each other")
    with ready(url, path, tool, shape) as run:
        done = run(
            lambda: all_steps.rollback(
                connection_id="cli",
                steps=None if to else (1 if steps is None else steps),
                to=to or "steps",
                allow_derived=allow_derived,
            )
        )
        if shape == "text":
            from cli.migration_tables import show_undone

            show_undone(done)


@dataclass
class CommandContext(LocalContext):
    """The command line's own context: one connection, a progress bar, an approved plan."""

    target: Connection | None = None
    approved: str | None = None
    bar: Callable[[str, int | None, int | None], None] = field(default=lambda *_: None)

    def connection(self, connection_id: str) -> Connection:
        assert self.target is not None  # noqa: S101 - ready() sets it
        return self.target

    def progress(self, message: str, *, done: int | None = None, total: int | None = None) -> None:
        self.bar(message, done, total)

    def approved_plan(self, connection_id: str) -> str | None:
        return self.approved


@dataclass
class Runner:
    context: CommandContext
    shape: str

    def __call__(self, work: Callable[[], Output]) -> Any:
        """Run a step; print its output as JSON where that was asked for."""
        if self.shape == "text" and sys.stderr.isatty():
            from cli.migration_tables import progress_bar

            with progress_bar() as bar:
                self.context.bar = bar
                output = work()
        else:
            output = work()
        if self.shape == "json":
            click.echo(json.dumps(output.as_json(), indent=2, ensure_ascii=False))
        return output


@contextmanager
def ready(
    url: str, path: str, tool: str, shape: str, *, approved: str | None = None
) -> Iterator[Runner]:
    """Run the block with the connection at hand; errors become messages and exit codes."""
    context = CommandContext(
        execution_id=f"cli-{uuid.uuid4().hex[:12]}",
        target=Connection(
            id="cli",
            name="cli",
            url=url,
            migrations=MigrationSource(path=str(Path(path))),
            tool=tool,
        ),
        approved=approved,
    )
    try:
        with using(context):
            yield Runner(context, shape)
    except StepError as error:
        if shape == "json":
            problem = {"error": type(error).__name__, "message": str(error), **error.details}
            click.echo(json.dumps(problem, indent=2, default=str))
        else:
            click.echo(f"{error}", err=True)
            for hint in hints(error):
                click.echo(f"  {hint}", err=True)
        sys.exit(USED_WRONGLY if isinstance(error, StepConfigError) else PROBLEMS)


def hints(error: StepError) -> list[str]:
    """What to type next, where the error leaves a choice."""
    found: list[str] = []
    details = error.details
    if "choices" in details:
        found = [
            "to go on behind what is applied:  execute --on-partial resume",
            "to take it as it is:              execute --on-partial mark-applied",
            f"to take it back:                  rollback --to {details.get('execution')}"
            " [--allow-derived]",
        ]
    elif "irreversible" in details:
        found = ["to turn it round without a down file, tried on a copy first: --allow-derived"]
    elif "approved" in details:
        found = ["to see the plan as it is now: dry-run"]
    return found
