"""After a crash: what the journal's unfinished lines mean, said exactly or called unknown.

Whoever owns the database's lock knows that no statement of an earlier run is
still at work, because the lock belonged to the same session. So an intent
without an outcome is settled here, before anything else begins:

* a transactional file was rolled back by the database;
* a statement that shares its transaction with its outcome did not happen;
* a CREATE or ALTER that commits by itself happened if the schema is another
  one than its intent noted;
* of anything else (a CALL, a VACUUM) it is unknown, and it is named.

What stays half-applied is a question for a person: resume, mark as applied,
or roll back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from runtime_tasks.errors import OutcomeUnknown, Refused
from runtime_tasks.migrations.files import printable
from runtime_tasks.migrations.journal import KEPT_SQL, Entry
from runtime_tasks.migrations.model import find
from runtime_tasks.migrations.split import split
from runtime_tasks.migrations.work import shorten

if TYPE_CHECKING:
    from runtime_tasks.migrations.session import Session

OnPartial = Literal["refuse", "resume", "mark-applied"]


@dataclass(frozen=True)
class Partial:
    """A migration that stopped in the middle, and of which something stays or may stay."""

    migration: str
    direction: str
    execution: str
    journal_id: int
    kept: int
    """How many of its statements, from the first, are applied."""
    statements: int
    sql: tuple[str, ...] = ()
    """The statements that are applied, as the journal kept them."""
    unknown: str | None = None
    """The statement of which it is not known whether it took effect."""

    @property
    def message(self) -> str:
        text = f"{self.migration} stopped half-way: "
        if self.statements:
            text += f"{self.kept} of {self.statements} statements are applied"
        elif self.kept:
            plural = "s are" if self.kept > 1 else " is"
            text += f"its first {self.kept} statement{plural} applied"
        else:
            text += "the schema is not what it was before it, and the tool has not recorded it"
        if self.unknown:
            text += f"; whether this one took effect is not known, look for it: {shorten(self.unknown, 200)}"
        return text


def settle(session: Session) -> list[Partial]:
    """Write the outcomes that a crash kept from being written; give what stays half-applied."""
    journal = session.work.journal
    last: dict[str, list[Entry]] = {}
    for entry in journal.entries():
        begins = entry.kind == "migration" and entry.status == "started"
        if begins and not (entry.detail.get("skipped") and entry.migration in last):
            last[entry.migration] = [entry]
        elif entry.kind in ("migration", "statement") and entry.migration in last:
            last[entry.migration].append(entry)
    found = [_settle_one(session, entries) for entries in last.values()]
    return [partial for partial in found if partial is not None]


def _settle_one(session: Session, entries: list[Entry]) -> Partial | None:
    """The lines of one migration from its last beginning on; resuming is no new beginning."""
    started, end = entries[0], entries[-1]
    if end.kind == "migration" and end.status in ("applied", "resolved"):
        return None
    if started.detail.get("transactions") == "transactional":
        return _close(session, entries, None)
    by_tool = started.detail.get("transactions") == "tool"
    if by_tool and _is_done_by_the_tool(session, started):
        return None
    if by_tool and session.database.transactional_ddl:
        return _close(session, entries, None)
    applied = [e for e in entries if e.kind == "statement" and e.status == "applied"]
    kept = max((e.position for e in applied), default=0)
    sql = [str(e.detail.get("sql", "")) for e in applied]
    unknown = None
    intents = [e for e in entries if e.kind == "statement" and e.status == "started"]
    if intents and intents[-1].position > kept and end is intents[-1]:
        intent = intents[-1]
        text = str(intent.detail.get("sql", ""))
        if intent.detail.get("ddl"):
            if session.schema() != intent.detail.get("schema"):
                kept, sql = intent.position, [*sql, text]
                _note_statement(session, intent)
        elif not text.upper().startswith(("SET ", "USE ", "PRAGMA ", "LOCK ", "UNLOCK ")):
            unknown = text
    total = int(started.detail.get("statements", 0))
    moved = by_tool and started.detail.get("schema") not in (None, session.schema())
    if kept == 0 and unknown is None and not moved:
        return _close(session, entries, None)
    return _close(
        session,
        entries,
        Partial(
            migration=started.migration,
            direction=started.direction,
            execution=started.execution,
            journal_id=started.id,
            kept=kept,
            statements=total,
            sql=tuple(sql),
            unknown=unknown,
        ),
    )


def _is_done_by_the_tool(session: Session, started: Entry) -> bool:
    """A tool of the project's own: its book says whether the migration is done."""
    standing = {m.id for m in session.history().applied}
    if (started.migration in standing) != (started.direction == "up"):
        return False
    session.work.journal.write(
        "migration",
        "applied",
        execution=started.execution,
        direction=started.direction,
        migration=started.migration,
    )
    return True


def _close(session: Session, entries: list[Entry], partial: Partial | None) -> Partial | None:
    """Say in the journal what became of it, where a crash left that open."""
    started, end = entries[0], entries[-1]
    if partial is None and started.direction == "up":
        _unmark(session, started.migration)
    if end.kind != "migration" or end.status == "started":
        session.work.journal.write(
            "migration",
            "failed",
            execution=started.execution,
            direction=started.direction,
            migration=started.migration,
            error="the process ended in the middle",
            kept=partial.kept if partial else 0,
        )
    return partial


def _unmark(session: Session, identifier: str) -> None:
    """Nothing of it is applied, so the tool's book must not say that it stopped half-way."""
    from runtime_tasks.migrations.tools.script import ScriptTool

    if isinstance(session.tool, ScriptTool):
        migration = find(session.history().applied, identifier)
        if migration is not None and migration.status == "failed":
            with session.database.transaction():
                session.tool.erase(session.database, migration)


def _note_statement(session: Session, intent: Entry) -> None:
    session.work.journal.write(
        "statement",
        "applied",
        execution=intent.execution,
        direction=intent.direction,
        migration=intent.migration,
        position=intent.position,
        sql=intent.detail.get("sql"),
        found="the schema had changed",
    )


def decide(session: Session, partials: Sequence[Partial], on_partial: OnPartial) -> dict[str, int]:
    """What is to be done with half-applied migrations: statements to leave out, by migration.

    Raises Refused or OutcomeUnknown where that is for a person to say.
    """
    skips: dict[str, int] = {}
    for partial in partials:
        complete = partial.kept == partial.statements > 0 and not partial.unknown
        if partial.direction == "down" and on_partial == "refuse":
            raise _question(partial)
        if on_partial == "mark-applied" and not complete:
            _mark_applied(session, partial)
        elif on_partial == "resume" or complete:
            _refuse_if_edited(session, partial)
            skips[partial.migration] = partial.kept
            session.work.there[partial.migration] = partial.sql
        else:
            raise _question(partial)
    return skips


def _question(partial: Partial) -> Refused | OutcomeUnknown:
    kind = OutcomeUnknown if partial.unknown else Refused
    return kind(
        f"{partial.message}. Resume it, mark it as applied, or roll it back",
        details={
            "migration": partial.migration,
            "statementsApplied": partial.kept,
            "statements": partial.statements,
            "unknown": partial.unknown,
            "execution": partial.execution,
            "choices": ["resume", "mark-applied", "rollback"],
        },
    )


def _mark_applied(session: Session, partial: Partial) -> None:
    """Write the book: the tool's own, by the tool where it is the project's."""
    from runtime_tasks.migrations.tools.project_tool import ProjectTool
    from runtime_tasks.migrations.tools.script import ScriptTool

    pending = session.history().pending
    migration = find(pending, partial.migration)
    if migration is None:
        raise Refused(f"{partial.migration} cannot be marked as applied: its file is gone")
    if isinstance(session.tool, ProjectTool):
        if migration is not pending[0]:
            raise Refused(
                f"{partial.migration} cannot be marked as applied: {pending[0].id} comes before it"
            )
        session.tool.mark(session.work, migration)
        session.work.journal.write("migration", "applied", migration=migration.id, marked=True)
    elif isinstance(session.tool, ScriptTool):
        with session.database.transaction():
            session.tool.record(session.database, migration, 0)
            session.work.journal.write("migration", "applied", migration=migration.id, marked=True)


def _refuse_if_edited(session: Session, partial: Partial) -> None:
    """What is applied must still be how the file begins; the rest may have been mended."""
    history = session.history()
    migration = find((*history.pending, *history.applied), partial.migration)
    if migration is None:
        raise Refused(f"{partial.migration} cannot be resumed: its file is gone")
    if session.tool.runs_itself:
        if partial.kept != len(partial.sql) or not partial.kept:
            raise Refused(
                f"{partial.migration} cannot be resumed: the journal does not know what of it is "
                "applied. Mark it as applied, or take it back by hand"
            )
        return  # its driver compares each statement that it leaves out
    now = split(migration.up or "", session.database.dialect)[: partial.kept]
    if [printable(s.sql[:KEPT_SQL]) for s in now][: len(partial.sql)] != list(partial.sql)[
        : len(now)
    ]:
        raise Refused(
            f"{migration.file} cannot be resumed: the part of it that is applied was edited since"
        )
