"""The steps that work on databases, on top of :mod:`runtime_tasks.migrations`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from runtime_tasks.connections import Connection
from runtime_tasks.context import current
from runtime_tasks.errors import StepConfigError
from runtime_tasks.output import Output
from runtime_tasks.steps.catalogue import ConnectionId, Pending, Seconds, Text, Value, step
from runtime_tasks.steps.marks import widget

if TYPE_CHECKING:
    from runtime_tasks.migrations import model
    from runtime_tasks.migrations.report import Look
    from runtime_tasks.migrations.session import Session

Tool = Literal[
    "auto",
    "alembic",
    "django",
    "dbmate",
    "prisma",
    "drizzle",
    "flyway",
    "golang-migrate",
    "goose",
    "sql",
]


class Migration(Output):
    id: str
    """What the tool calls it: a revision, a version, a directory's name."""
    name: str
    file: str | None = None
    checksum: str | None = None
    status: str = "pending"
    """pending | applied | edited | missing | failed | out-of-order | skipped"""


class DiscoverOutput(Output):
    connection_id: str
    tool: str
    reason: str = ""
    """Why this tool was chosen."""
    migrations: list[Migration]
    """The pending ones, in the order they would run."""
    applied: list[Migration]
    problems: list[str] = []
    current: str | None = None
    commit: str | None = None
    """The git commit the files come from, where the source is git."""


class StatementReport(Output):
    migration: str
    sql: str
    milliseconds: float
    rows: int | None = None
    locks: list[str] = []
    rewrites: list[str] = []
    warnings: list[str] = []
    destructive: bool = False


class DryRunOutput(Output):
    connection_id: str
    tool: str
    plan_hash: str
    migrations: list[Migration]
    statements: list[StatementReport]
    warnings: list[str] = []
    method: str
    """rolled-back transaction | scratch copy | …"""
    not_shown: list[str] = []
    """What this way of trying cannot show."""
    rollback_rehearsed: bool = False
    destructive: bool = False
    milliseconds: float = 0


class ExecuteOutput(Output):
    connection_id: str
    tool: str
    plan_hash: str
    applied: list[Migration]
    statements: int = 0
    rows: int = 0
    milliseconds: float = 0
    dry_run: bool = False
    """True in a test run: nothing was applied, the migrations listed were only tried."""


class RollbackOutput(Output):
    connection_id: str
    tool: str
    rolled_back: list[Migration]
    method: str = ""
    """down files | tool | derived reverse | backup | nothing to undo"""
    data_loss: list[str] = []
    """What went with it: the statements that dropped or deleted, with numbers of rows."""
    milliseconds: float = 0
    dry_run: bool = False
    """True in a test run: the migrations listed would have been taken back."""


class RunSqlOutput(Output):
    connection_id: str
    rows: int
    """Rows changed."""
    results: list[dict[str, Any]] = []
    """The last query's rows, the first hundred."""
    milliseconds: float = 0
    dry_run: bool = False
    """True in a test run: it ran, and was rolled back."""


class TestCase(Output):
    name: str
    passed: bool
    expected: Any = None
    actual: Any = None
    message: str = ""


class RunTestsOutput(Output):
    passed: bool
    total: int
    failures: int
    tests: list[TestCase]


class ConnectionCheck(Output):
    connection_id: str
    ok: bool
    server: str = ""
    error: str = ""
    milliseconds: float = 0
    pending: int | None = None


class CheckConnectionsOutput(Output):
    ok: bool
    connections: list[ConnectionCheck]
    failed: list[str] = []


class ReportOutput(Output):
    markdown: str
    html: str
    pending: int
    connections: list[ConnectionCheck]


@step("action", "discover_migrations", label="Discover migrations", effect="reads")
def discover_migrations(*, connection_id: ConnectionId, orm_type: Tool = "auto") -> DiscoverOutput:
    """Find the migrations that are pending on a database, and anything wrong with its history.

    ``connectionId``: the database; its connection says where the migrations lie.
    ``ormType``: the migration tool; auto tells it by the files.
    """
    with _visit(connection_id, orm_type) as session:
        history = session.history()
        return DiscoverOutput(
            connection_id=connection_id,
            tool=session.tool.name,
            reason=history.reason,
            migrations=[_migration(m) for m in history.pending],
            applied=[_migration(m) for m in history.applied],
            problems=[problem.message for problem in history.problems],
            current=history.current,
            commit=session.commit,
        )


@step("action", "dry_run", label="Dry run", effect="reads")
def dry_run(*, connection_id: ConnectionId, migrations: Pending = None) -> DryRunOutput:
    """Really run the pending migrations where it does no harm, and report what they would do.

    ``connectionId``: the database; it is as before afterwards.
    ``migrations``: those of a discovery, or their ids; without it all that are pending.
    """
    from runtime_tasks.migrations.rehearse import rehearse

    with _visit(connection_id) as session:
        output = _trial(connection_id, session, rehearse(session, migrations))
    current().record_plan(connection_id, output.as_json())
    return output


@step("action", "execute_migrations", label="Execute migrations", effect="writes", idempotent=False)
def execute_migrations(
    *,
    connection_id: ConnectionId,
    migrations: Pending = None,
    lock_timeout: Seconds = 10,
    statement_timeout: Seconds = 0,
    backup: bool = False,
    on_partial: Literal["refuse", "resume", "mark-applied"] = "refuse",
) -> ExecuteOutput:
    """Apply the pending migrations, under a lock, with a journal, in the tool's own books.

    ``connectionId``: the database. Where an approval saw a plan for it, nothing else is run.
    ``migrations``: those of a discovery, or their ids; without it all that are pending.
    ``lockTimeout``: how long a statement waits for a lock before it gives way to others and is
    tried again.
    ``statementTimeout``: how long one statement may take; 0 is no limit.
    ``backup``: write a backup first, which a rollback can restore.
    ``onPartial``: what to do with a migration that an earlier run left half-applied.
    """
    from runtime_tasks.migrations.execute import execute
    from runtime_tasks.migrations.rehearse import rehearse

    with _visit(
        connection_id, lock_timeout=lock_timeout, statement_timeout=statement_timeout
    ) as session:
        if current().dry_run:
            trial = rehearse(session, migrations)
            return ExecuteOutput(
                connection_id=connection_id,
                tool=session.tool.name,
                plan_hash=trial.plan.hash,
                applied=[_migration(m) for m in trial.plan.migrations],
                statements=len(trial.statements),
                milliseconds=trial.milliseconds,
                dry_run=True,
            )
        done = execute(
            session,
            migrations,
            approved=current().approved_plan(connection_id),
            on_partial=on_partial,
            backup=backup,
        )
        return ExecuteOutput(
            connection_id=connection_id,
            tool=session.tool.name,
            plan_hash=done.plan_hash,
            applied=[_migration(m) for m in done.applied],
            statements=done.statements,
            rows=done.rows,
            milliseconds=done.milliseconds,
        )


@step("action", "rollback", label="Rollback", effect="writes", idempotent=False)
def rollback(
    *,
    connection_id: ConnectionId,
    steps: int | None = None,
    to: Literal["before-this-run", "steps"] | str = "before-this-run",
    allow_derived: bool = False,
) -> RollbackOutput:
    """Take back what this run applied to a database, or its last migrations.

    ``connectionId``: the database.
    ``steps``: how many of the last migrations, with ``to: steps``.
    ``to``: before-this-run, steps, or the id of the execution before which to go back.
    ``allowDerived``: where a migration has no way down, take one that was derived and tried on a copy.
    """
    from runtime_tasks.migrations.undo import undo

    with _visit(connection_id) as session:
        undone = undo(
            session,
            to=to,
            steps=None if steps is None else _whole(steps),
            pretend=current().dry_run,
            allow_derived=allow_derived,
        )
        return RollbackOutput(
            connection_id=connection_id,
            tool=session.tool.name,
            rolled_back=[_migration(m) for m in undone.rolled_back],
            method=undone.method,
            data_loss=list(undone.data_loss),
            milliseconds=undone.milliseconds,
            dry_run=current().dry_run,
        )


@step("action", "run_sql", label="Run SQL", effect="writes", idempotent=False)
def run_sql(
    *,
    connection_id: ConnectionId,
    sql: Annotated[str, widget("sql")],
    parameters: Value = None,
) -> RunSqlOutput:
    """Run SQL in one transaction, for example to transform data, and report the rows.

    ``connectionId``: the database.
    ``sql``: one statement or several; values come in as ``:name``, never as text.
    ``parameters``: the values by name.
    """
    from runtime_tasks.migrations.database import connect
    from runtime_tasks.migrations.session import owner_name
    from runtime_tasks.migrations.transform import transform

    context = current()
    if parameters is not None and not isinstance(parameters, dict):
        raise StepConfigError("the parameters must be names with values, for :name in the SQL")
    connection = context.connection(connection_id)
    with connect(connection.url, owner=owner_name(context.execution_id)) as database:
        done = transform(database, sql, parameters, pretend=context.dry_run)
    return RunSqlOutput(
        connection_id=connection_id,
        rows=done.rows,
        results=done.results,
        milliseconds=done.milliseconds,
        dry_run=context.dry_run,
    )


@step("action", "run_tests", label="Run tests", effect="reads")
def run_tests(
    *,
    connection_id: ConnectionId = "",
    tests: Value = None,
    command: str = "",
    timeout: Seconds = 600,
) -> RunTestsOutput:
    """Check SQL assertions against their expected results, or run a command that is allowed.

    ``connectionId``: the database that the assertions ask.
    ``tests``: a list of ``{name, sql, expected}``.
    ``command``: the name of a command that the worker's administrator has allowed.
    ``timeout``: how long one test may take.
    """
    from runtime_tasks.migrations import assertions
    from runtime_tasks.migrations.database import connect
    from runtime_tasks.migrations.session import owner_name

    context = current()
    if not tests and not command:
        raise StepConfigError("there is nothing to test: give tests or a command")
    checked: list[assertions.Checked] = []
    if tests:
        if not isinstance(tests, list):
            raise StepConfigError("tests must be a list")
        connection = context.connection(connection_id)
        with connect(connection.url, owner=owner_name(context.execution_id)) as database:
            database.set_timeouts(lock=10, statement=timeout)
            checked += assertions.check_all(database, tests)
    if command:
        checked.append(assertions.run_command(command, timeout))
    failures = sum(not test.passed for test in checked)
    return RunTestsOutput(
        passed=not failures,
        total=len(checked),
        failures=failures,
        tests=[
            TestCase(
                name=test.name,
                passed=test.passed,
                expected=test.expected,
                actual=test.actual,
                message=test.message,
            )
            for test in checked
        ],
    )


@step("action", "check_connections", label="Check connections", effect="reads")
def check_connections(*, connections: list[str] | None = None) -> CheckConnectionsOutput:
    """Try to reach databases, and say which answer and which do not.

    ``connections``: their ids; without it all of the team's.
    """
    from runtime_tasks.migrations.report import reach

    looks = [reach(item, current().execution_id) for item in _connections(connections)]
    return CheckConnectionsOutput(
        ok=all(item.ok for item in looks),
        connections=[_check(item) for item in looks],
        failed=[item.connection.name for item in looks if not item.ok],
    )


@step("action", "migration_report", label="Migration report", effect="reads")
def migration_report(
    *, connections: list[str] | None = None, title: Text = "Migration report"
) -> ReportOutput:
    """Write a report of what is applied and what is pending, as Markdown and HTML.

    ``connections``: the databases; without it all of the team's.
    ``title``: stands above the report.
    """
    from runtime_tasks.migrations import report

    looks = [report.look(item, current().execution_id) for item in _connections(connections)]
    text = report.markdown(title, looks)
    current().artifact("migration-report", markdown=text)
    return ReportOutput(
        markdown=text,
        html=report.html_page(title, looks),
        pending=sum(len(item.history.pending) for item in looks if item.history),
        connections=[_check(item) for item in looks],
    )


def _whole(steps: float) -> int:
    """A workflow's number may come as 2 or as 2.0. Raises StepConfigError for what is no count."""
    if (
        isinstance(steps, bool)
        or not isinstance(steps, int | float)
        or not float(steps).is_integer()
    ):
        raise StepConfigError(f"{steps!r} is no number of migrations: give a whole one")
    return int(steps)


def _connections(wanted: list[str] | None) -> list[Connection]:
    """Those named, or all that this run may use."""
    context = current()
    return [context.connection(c) for c in wanted] if wanted else context.connections()


def _check(item: Look) -> ConnectionCheck:
    return ConnectionCheck(
        connection_id=item.connection.id,
        ok=item.ok,
        server=item.server,
        error=item.error,
        milliseconds=item.milliseconds,
        pending=len(item.history.pending) if item.history else None,
    )


@contextmanager
def _visit(connection_id: str, tool: str = "auto", **work: Any) -> Iterator[Session]:
    """A session on the connection that tells its progress to the run and obeys its cancellation."""
    from runtime_tasks.migrations.session import visit

    context = current()

    def progress(message: str, done: int | None, total: int | None) -> None:
        context.progress(message, done=done, total=total)

    with visit(
        context.connection(connection_id),
        execution=context.execution_id,
        tool=tool,
        progress=progress,
        check_cancelled=context.check_cancelled,
        sleep=context.sleep,
        log=context.log,
        **work,
    ) as session:
        yield session


def _migration(migration: model.Migration) -> Migration:
    return Migration(
        id=migration.id,
        name=migration.name,
        file=migration.file,
        checksum=migration.checksum,
        status=migration.status,
    )


def _trial(connection_id: str, session: Session, trial: model.Trial) -> DryRunOutput:
    return DryRunOutput(
        connection_id=connection_id,
        tool=session.tool.name,
        plan_hash=trial.plan.hash,
        migrations=[_migration(m) for m in trial.plan.migrations],
        statements=[
            StatementReport(
                migration=run.migration,
                sql=run.sql,
                milliseconds=run.milliseconds,
                rows=run.rows,
                locks=list(run.locks),
                rewrites=list(run.rewrites),
                warnings=list(run.warnings),
                destructive=run.destructive,
            )
            for run in trial.statements
        ],
        warnings=list(trial.warnings),
        method=trial.method,
        not_shown=list(trial.not_shown),
        rollback_rehearsed=trial.rollback_rehearsed,
        destructive=any(run.destructive for run in trial.statements),
        milliseconds=trial.milliseconds,
    )
