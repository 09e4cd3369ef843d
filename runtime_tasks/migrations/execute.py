"""Apply the pending migrations: under the lock, as approved, with a journal."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from runtime_tasks.errors import Refused, StepError
from runtime_tasks.migrations.backup import back_up
from runtime_tasks.migrations.model import Executed, History, Migration, Plan, what_changed
from runtime_tasks.migrations.recovery import OnPartial, decide, settle
from runtime_tasks.migrations.session import Session, refuse_if_blocked, selection
from runtime_tasks.migrations.split import split


def execute(
    session: Session,
    wanted: Sequence[Any] | None = None,
    *,
    approved: str | None = None,
    wait: float = 10,
    on_partial: OnPartial = "refuse",
    backup: bool = False,
) -> Executed:
    """Apply them all, or those wanted. Raises MigrationFailed, Refused, Cancelled, OutcomeUnknown.

    ``approved`` is the hash of the plan that somebody approved: where the plan is another one
    now, nothing runs. ``wait``: seconds to wait for somebody else's migration to end.
    ``backup``: keep the whole database in a file before. ``on_partial``: what to do with a migration that an earlier run left half-applied.
    """
    started = perf_counter()
    work = session.work = session.work.on(session.database)
    journal, database = work.journal, session.database
    with database.lock(wait=wait):
        work.skips = decide(session, settle(session), on_partial)
        history = session.history()
        refuse_if_blocked(history, known=work.skips)
        chosen = selection(history, wanted)
        plan = session.plan(chosen)
        if approved is not None:
            _refuse_another_plan(session, history, plan, approved)
        if not chosen:
            return Executed(plan.hash, (), 0, 0, 0)
        kept = back_up(database, work.execution) if backup else None
        tables = database.tables()
        schema = database.fingerprint(session.tool.books(database))
        made = [t for t in session.tool.books(database) if t not in tables]
        outer = [t.rpartition(".")[0] for t in made]
        made += [f"schema {name}" for name in outer if name and not database.has_schema(name)]
        if journal.open():
            made.append("dataroll_journal")
        journal.write(
            "run",
            "started",
            plan=plan.hash,
            engine=plan.engine,
            schema=schema.digest,
            objects=sorted(schema.objects),
            made=made,
            migrations=[m.id for m in chosen],
            backup=str(kept) if kept else None,
        )
        database.set_timeouts(lock=work.lock_timeout, statement=work.statement_timeout)
        if not session.tool.runs_itself:
            work.total = sum(len(split(m.up or "", database.dialect)) for m in chosen)
        try:
            session.tool.apply(work, chosen)
        except StepError as error:
            _end(session, "failed", error=str(error))
            raise
        _end(session, "applied")
    return Executed(
        plan_hash=plan.hash,
        applied=tuple(m.as_("applied") for m in work.applied),
        statements=len(work.runs),
        rows=sum(run.rows or 0 for run in work.runs),
        milliseconds=round((perf_counter() - started) * 1000, 1),
    )


def _end(session: Session, status: str, **detail: Any) -> None:
    """The run's last line. After a lost connection there is nobody to write it; that is known
    by its absence."""
    try:
        session.database.come_home()
        session.work.journal.write("run", status, schema=session.schema(), **detail)
    except StepError as error:
        session.work.log.warning("the journal could not be closed: %s", error)


def _refuse_another_plan(session: Session, history: History, plan: Plan, approved: str) -> None:
    """What runs is what was approved. A second attempt of the same run counts as the same plan,
    if the schema is as its first attempt left it."""
    if plan.hash == approved:
        return
    entries = session.work.journal.entries(session.work.execution)
    runs = [entry for entry in entries if entry.kind == "run" and entry.direction == "up"]
    if len(runs) > 1 and runs[-1].detail.get("schema") == plan.schema:
        first = next(entry for entry in runs if entry.status == "started")
        done = session.work.journal.applied_by(session.work.execution)
        before: list[Migration] = [m for m in history.applied if m.id in done]
        whole = Plan(
            plan.engine, str(first.detail.get("schema")), (*before, *plan.migrations), plan.around
        )
        if whole.hash == approved:
            return
    changed = what_changed(approved, plan.hash)
    raise Refused(
        f"this is not the plan that was approved: {changed} changed since. "
        "Run the dry run again and ask for a new approval",
        details={"approved": approved, "now": plan.hash, "changed": changed},
    )
