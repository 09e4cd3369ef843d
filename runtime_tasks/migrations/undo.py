"""Take migrations back: those of this run, those since an execution, or the last few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from runtime_tasks.errors import Refused, StepConfigError, StepError
from runtime_tasks.migrations.backup import restore_command
from runtime_tasks.migrations.classify import bare, kind_of
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.database.base import JOURNAL_TABLE
from runtime_tasks.migrations.derive import derived_down, reverse_of
from runtime_tasks.migrations.journal import Entry
from runtime_tasks.migrations.model import History, Migration, Undone, find
from runtime_tasks.migrations.recovery import Partial, settle
from runtime_tasks.migrations.session import Session
from runtime_tasks.migrations.split import Statement, split
from runtime_tasks.migrations.work import shorten


def undo(
    session: Session,
    *,
    to: str = "before-this-run",
    steps: int | None = None,
    wait: float = 10,
    pretend: bool = False,
    allow_derived: bool = False,
) -> Undone:
    """Undo and say what was undone; undoing nothing is a success.

    ``to``: ``before-this-run``, ``steps``, or the id of an execution whose work, and all that
    came after it, is to be taken back. ``pretend``: only say what would be. ``allow_derived``:
    where no down exists, turn the migration round (:mod:`runtime_tasks.migrations.derive`), or
    put the run's backup back. Raises Refused, before anything is touched, where one of them
    cannot be undone.
    """
    started = perf_counter()
    session.work = session.work.on(session.database)
    with session.database.lock(wait=wait):
        partials = settle(session)
        history = session.history()
        first = None
        if steps is not None or to == "steps":
            chosen = _last(history, 1 if steps is None else steps, partials)
            half = {p.migration: p for p in partials if p.migration in {m.id for m in chosen}}
            session.work.skips = {name: partial.kept for name, partial in half.items()}
            session.work.there = {name: partial.sql for name, partial in half.items()}
        else:
            execution = session.work.execution if to == "before-this-run" else to
            first = _first_run(session, execution)
            chosen = _since(session, history, first, partials) if first else []
            session.work.skips = {p.migration: p.kept for p in partials}
            session.work.there = {p.migration: p.sql for p in partials}
        method = _method(session, chosen)
        ways = chosen
        if allow_derived and not session.tool.runs_itself:
            ways = [_with_a_way_back(session, migration) for migration in chosen]
        lost = losses(session, ways)
        if chosen and not pretend:
            method = _take_back(session, chosen, first, allow_derived)
        if first and not pretend:
            _tidy(session, first)
            _compare(session, first)
    return Undone(
        rolled_back=tuple(m.as_("pending") for m in chosen),
        method=method,
        data_loss=tuple(lost),
        milliseconds=round((perf_counter() - started) * 1000, 1),
    )


def _method(session: Session, chosen: Sequence[Migration]) -> str:
    if not chosen:
        return "nothing to undo"
    return "tool" if session.tool.runs_itself else "down files"


def _last(history: History, steps: int, partials: Sequence[Partial]) -> list[Migration]:
    """The last migrations, newest first; one that stopped half-way is newer than the applied ones."""
    if steps < 0:
        raise StepConfigError("the number of migrations to take back cannot be negative")
    everything = (*history.applied, *history.pending)
    found = [find(everything, p.migration) for p in reversed(partials)]
    half = [migration for migration in found if migration is not None][:steps]
    standing = [m for m in history.applied if m.status != "failed" and m not in half]
    return half + list(reversed(standing))[: steps - len(half)]


def losses(session: Session, chosen: Sequence[Migration]) -> list[str]:
    """What the way back takes with it, statement by statement, with the number of rows."""
    found: list[str] = []
    database = session.database
    tables = {name.rpartition(".")[2].lower(): name for name in database.tables()}
    for migration in chosen:
        for statement in split(migration.down or "", database.dialect):
            if not kind_of(statement.sql, database.dialect).destructive:
                continue
            words = re.findall(r"[\w$]+", bare(statement.sql).lower())
            table = next((tables[word] for word in words if word in tables), None)
            rows = ""
            if table is not None:
                ((count,),) = database.query(f"SELECT count(*) FROM {database.at(table)}")
                rows = f" ({count} row{'' if count == 1 else 's'} in {table})"
            found.append(f"{migration.id}: {shorten(statement.sql)}{rows}")
    return found


def _with_a_way_back(session: Session, migration: Migration) -> Migration:
    """The migration with a derived reverse, where it has none and one can be had."""
    try:
        return _derived(session, migration)
    except StepConfigError:
        return migration  # :func:`_take_back` says so


def _first_run(session: Session, execution: str) -> Entry | None:
    """Where the execution's work began that has not been taken back yet."""
    first = None
    for entry in session.work.journal.entries(execution):
        if entry.kind != "run":
            continue
        if entry.direction == "down" and entry.status == "applied":
            first = None if entry.detail.get("back_to") else first
        elif entry.direction == "up" and entry.status == "started" and first is None:
            first = entry
    return first


def _since(
    session: Session, history: History, first: Entry, partials: Sequence[Partial]
) -> list[Migration]:
    """What was applied since that run began and still stands, newest first; half of one, too."""
    order: list[str] = []
    half = [p.migration for p in partials if p.journal_id >= first.id]
    for entry in session.work.journal.entries():
        if entry.kind == "migration" and entry.status == "applied" and entry.id >= first.id:
            if entry.direction == "up":
                order.append(entry.migration)
            elif entry.migration in order:
                order.remove(entry.migration)
    standing = {m.id for m in history.applied}
    order = [identifier for identifier in order if identifier in standing]
    order += [identifier for identifier in half if identifier not in order]
    everything = (*history.applied, *history.pending)
    found = [find(everything, identifier) for identifier in order]
    return [migration for migration in reversed(found) if migration is not None]


def _take_back(
    session: Session, chosen: list[Migration], first: Entry | None, allow_derived: bool
) -> str:
    gone = [m.id for m in chosen if m.status == "missing"]
    if gone:
        raise Refused(f"{', '.join(gone)} cannot be taken back: the files are not there any more")
    method = _method(session, chosen)
    reasons = session.tool.irreversible(chosen)
    if reasons and allow_derived:
        try:
            chosen = [_derived(session, m) for m in chosen]
        except StepConfigError as error:
            if _restored(session, first):
                return "backup"
            reasons.append(str(error))
        else:
            reasons, method = [], "derived reverse"
            _rehearse(session, chosen, first)
    if reasons:
        kept = first.detail.get("backup") if first else None
        hint = ""
        if kept and session.database.dialect != "sqlite":
            hint = f". The backup can be put back by hand: {restore_command(session.database, Path(kept))}"
        raise Refused(
            f"this cannot be taken back: {'; '.join(reasons)}. Nothing was changed{hint}",
            details={"irreversible": reasons, "backup": kept},
        )
    work, journal = session.work, session.work.journal
    half = [m for m in chosen if session.tool.runs_itself and m.id in work.skips]
    reverses = {m.id: _reverse_of_half(session, m, allow_derived) for m in half}
    journal.open()
    journal.write("run", "started", direction="down", migrations=[m.id for m in chosen])
    session.database.set_timeouts(lock=work.lock_timeout, statement=work.statement_timeout)
    try:
        for migration in half:
            _undo_half(session, migration, reverses[migration.id])
            method = "derived reverse"
        whole = [migration for migration in chosen if migration not in half]
        if whole:
            session.tool.reverse(work, whole)
    except StepError as error:
        session.database.come_home()
        journal.write("run", "failed", direction="down", error=str(error))
        raise
    session.database.come_home()
    journal.write(
        "run", "applied", direction="down", schema=session.schema(), back_to=first and first.id
    )
    return method


def _reverse_of_half(session: Session, migration: Migration, allowed: bool) -> list[str]:
    """What undoes the statements that a project's tool left applied, tried on a copy.

    The tool itself has no way back: for it the migration is not applied.
    """
    name = session.tool.name
    if not allowed:
        raise Refused(
            f"{migration.id} stopped half-way, and {name} takes back whole migrations only. Allow a "
            "derived reverse, resume it, or mark it as applied. Nothing was changed"
        )
    statements = session.work.there.get(migration.id, ())
    if len(statements) != session.work.skips[migration.id] or not statements:
        raise Refused(
            f"{migration.id} stopped half-way, and the journal does not know what of it is applied: "
            "take it back by hand. Nothing was changed"
        )
    try:
        lines = reverse_of(statements, session.database.dialect)
    except StepConfigError as error:
        raise Refused(
            f"{migration.id} cannot be taken back: {error}. Nothing was changed"
        ) from None
    with session.database.copy(()) as place, connect(place) as copy:
        for line in lines:
            copy.run(line)
    return lines


def _undo_half(session: Session, migration: Migration, lines: Sequence[str]) -> None:
    journal = session.work.journal
    journal.write("migration", "started", direction="down", migration=migration.id)
    for line in lines:
        session.work.run(migration, Statement(line, 1))
    journal.write("migration", "applied", direction="down", migration=migration.id)


def _derived(session: Session, migration: Migration) -> Migration:
    """The migration with a reverse of its own or a derived one; of half a one, of that half."""
    if migration.down:
        return migration
    half = session.work.skips.get(migration.id)
    down = derived_down(migration.up or "", session.database.dialect, first=half)
    return replace(migration, down=down or "SELECT 1;")


def _rehearse(session: Session, chosen: list[Migration], first: Entry | None) -> None:
    """A derived reverse runs on a copy first; it has to lead to the schema before the run."""
    books = session.tool.books(session.database)
    with session.database.copy(books) as place, connect(place) as copy:
        work = session.work.on(copy, trial=True)
        work.skips = dict(session.work.skips)
        session.tool.reverse(work, chosen)
        after = copy.fingerprint(books)
    before = first.detail.get("schema") if first else None
    if before is not None and after.digest != before:
        objects = set(first.detail.get("objects", [])) if first else set()
        odd = sorted(objects ^ set(after.objects))
        raise Refused(
            "a derived reverse does not lead back to the schema before the run"
            + (f" ({', '.join(odd[:5])})" if odd else "")
            + ". Nothing was changed"
        )


def _restored(session: Session, first: Entry | None) -> bool:
    """Put the backup of the run back, where that can be done in one piece."""
    from runtime_tasks.migrations.database.sqlite import SQLite

    kept = Path(str(first.detail.get("backup"))) if first and first.detail.get("backup") else None
    if kept is None or not kept.is_file() or not isinstance(session.database, SQLite):
        return False
    session.database.restore(kept)
    return True


def _tidy(session: Session, first: Entry) -> None:
    """Take away the tables that the run itself had to make: the database is as it was before."""
    database = session.database
    there = database.tables()
    for table in [t for t in first.detail.get("made", []) if t in there or t[:7] == "schema "]:
        if table == JOURNAL_TABLE:
            if {e.execution for e in session.work.journal.entries()} <= {first.execution}:
                session.work.journal.remove()
        elif table.startswith("schema "):
            database.run(f"DROP SCHEMA {database.quote(table.removeprefix('schema '))}")
        elif session.tool.emptied(database):
            database.run(f"DROP TABLE {database.at(table)}")


def _compare(session: Session, first: Entry) -> None:
    """The schema must be what it was before that run; where it is not, say so and fail."""
    before = first.detail.get("schema")
    now = session.database.fingerprint(session.tool.books(session.database))
    if now.digest == before:
        return
    objects = set(first.detail.get("objects", []))
    added = sorted(set(now.objects) - objects)
    removed = sorted(objects - set(now.objects))
    what = [f"{name} is left over" for name in added] + [f"{name} is missing" for name in removed]
    raise StepError(
        "the migrations were taken back, but the schema is not what it was before the run: "
        + ("; ".join(what[:10]) or "a definition differs"),
        details={"leftOver": added, "missing": removed},
    )
