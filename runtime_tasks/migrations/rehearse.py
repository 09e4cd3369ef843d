"""The dry run: really run the pending migrations where it does no harm, and say what they did.

PostgreSQL: in a transaction that is rolled back, where every file allows it;
else on a scratch copy of the schema. MySQL and MariaDB: on a scratch copy of
the schema. SQLite: on a full copy. The target's schema is compared before and
after, whichever way it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from runtime_tasks.errors import Refused, StepError
from runtime_tasks.migrations.classify import REACHES_OUT, SETS_TRANSACTION, class_of
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.lint import lint
from runtime_tasks.migrations.model import History, Migration, Plan, Trial
from runtime_tasks.migrations.session import Session, refuse_if_blocked, selection
from runtime_tasks.migrations.split import split
from runtime_tasks.migrations.work import Work

if TYPE_CHECKING:
    from runtime_tasks.migrations.database.postgresql import PostgreSQL

LOCK_TIMEOUT = 3.0
"""Seconds that a dry run waits for a lock on a real table: it must not stand in anybody's way."""
STATEMENT_TIMEOUT = 300.0

SCHEMA_ONLY = (
    "how long statements take on the real rows",
    "constraints and conversions that the real rows would violate",
    "numbers of rows changed",
)
WAITING = ("how long other connections would have to wait",)

PROGRAM = re.compile(r"copy\b.*\b(to|from)\s+program\b", re.I | re.S)

REHEARSED = 25
"""Taking back is tried for so many migrations at most: a whole history need not go both ways."""


def rehearse(session: Session, wanted: Sequence[Any] | None = None) -> Trial:
    """Try the pending migrations, or those wanted. Changes nothing. Raises what they would raise."""
    started = perf_counter()
    with session.database.lock(wait=0):
        history = session.history()
        refuse_if_blocked(history)
        chosen = selection(history, wanted)
        _refuse_programs(session, chosen)
        plan = session.plan(chosen)
        trial = _try(session, history, plan) if chosen else Trial(plan, (), "nothing to try")
        after = session.schema()
    if after != plan.schema:
        raise StepError(
            "the schema of the database changed while the dry run ran: somebody else works on it"
        )
    took = (perf_counter() - started) * 1000
    return replace(trial, milliseconds=round(took, 1))


def _try(session: Session, history: History, plan: Plan) -> Trial:
    one_transaction = session.database.dialect == "postgresql" and not session.tool.runs_itself
    if one_transaction and all(_may_roll_back(m, session) for m in plan.migrations):
        return _rolled_back(session, plan)
    return _on_a_copy(session, plan)


def _may_roll_back(migration: Migration, session: Session) -> bool:
    statements = split(migration.up or "", session.database.dialect)
    if any(SETS_TRANSACTION.match(statement.sql) for statement in statements):
        return False
    if any(REACHES_OUT.search(statement.sql) for statement in statements):
        return False
    return class_of(statements, session.database.dialect) == "transactional"


def _refuse_programs(session: Session, migrations: Sequence[Migration]) -> None:
    """A dry run that starts a program on the server's machine would be no dry run, on a copy either."""
    for migration in migrations:
        for statement in split(migration.up or "", session.database.dialect):
            if session.database.dialect == "postgresql" and PROGRAM.match(statement.sql):
                raise Refused(
                    f"{migration.file}:{statement.line} has the database's server run a program; "
                    "that cannot be tried without doing it"
                )


def _rolled_back(session: Session, plan: Plan) -> Trial:
    """All of it in one transaction of the real database, which is rolled back."""
    database = session.database
    work = session.work.on(database, trial=True, observe=True, total=_count(session, plan))
    database.set_timeouts(lock=LOCK_TIMEOUT, statement=STATEMENT_TIMEOUT)
    database.begin()
    try:
        _shield_sequences(session, plan)
        session.tool.apply(work, plan.migrations)
        downs = [class_of(split(m.down or "", "postgresql"), "postgresql") for m in plan.migrations]
        rehearsed, doubts = False, list[str]()
        if all(kind == "transactional" for kind in downs):
            rehearsed, doubts = _rehearse_rollback(session, work, plan, plan.schema)
    finally:
        database.rollback()
        database.set_timeouts(lock=0, statement=0)
    trial = _trial(session, plan, work, "rolled-back transaction", doubts)
    return replace(trial, not_shown=WAITING, rollback_rehearsed=rehearsed)


def _shield_sequences(session: Session, plan: Plan) -> None:
    text = " ".join(m.up or "" for m in plan.migrations).lower()
    if re.search(r"\b(insert|merge|copy|nextval|setval)\b", text):
        database = cast("PostgreSQL", session.database)
        database.shield_sequences(set(re.findall(r"[\w$]+", text)))


def _on_a_copy(session: Session, plan: Plan) -> Trial:
    books = session.tool.books(session.database)
    with (
        session.database.copy(books) as place,
        connect(place, owner=session.database.owner) as copy,
    ):
        if copy.dialect == "sqlite":
            copy.run("PRAGMA synchronous = OFF")  # nobody needs the copy after a power cut
        before = copy.fingerprint(books).digest
        work = session.work.on(copy, trial=True, observe=True, total=_count(session, plan))
        session.tool.apply(work, plan.migrations)
        rehearsed, doubts = _rehearse_rollback(session, work, plan, before)
        method = "copy of the database" if copy.copy_has_rows else "scratch copy of the schema"
        trial = _trial(session, plan, work, method, doubts)
        not_shown = WAITING if copy.copy_has_rows else SCHEMA_ONLY
        return replace(trial, not_shown=not_shown, rollback_rehearsed=rehearsed)


def _rehearse_rollback(
    session: Session, work: Work, plan: Plan, before: str
) -> tuple[bool, list[str]]:
    """Take everything back where it was tried; whether that leaves the schema as it was."""
    if len(plan.migrations) > REHEARSED:
        return False, []
    reasons = session.tool.irreversible(plan.migrations)
    if reasons:
        return False, [f"{reason}: rollback could not take it back" for reason in reasons]
    back = work.on(work.database, trial=True)
    work.database.come_home()
    try:
        session.tool.reverse(back, list(reversed(plan.migrations)))
    except StepError as error:
        return False, [f"taking it back was tried and fails: {error}"]
    after = work.database.fingerprint(session.tool.books(work.database))
    if after.digest != before:
        return False, ["taking it back was tried and does not lead back to the schema of before"]
    return True, []


def _trial(session: Session, plan: Plan, work: Work, method: str, doubts: list[str]) -> Trial:
    warnings = [
        f"{run.migration} destroys data: {' '.join(run.sql.split())[:80]}"
        for run in work.runs
        if run.destructive
    ]
    if session.database.dialect == "postgresql" and not session.tool.runs_itself:
        warnings += lint(plan.migrations, session.database.tables())
    return Trial(plan, tuple(work.runs), method, warnings=(*warnings, *doubts))


def _count(session: Session, plan: Plan) -> int | None:
    """How many statements there are, where we can know it beforehand."""
    if session.tool.runs_itself:
        return None
    return sum(len(split(m.up or "", session.database.dialect)) for m in plan.migrations)
