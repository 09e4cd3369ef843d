"""Run a tool on a copy of a SQLite database, and let the copy become the database if all went well.

SQLite's writers exclude each other, so while the tool works the original is
held for writing: nobody's write is lost. The copy comes back through SQLite's
own backup, which is one transaction: a crash leaves the old or the new.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from runtime_tasks.errors import Cancelled, StepError
from runtime_tasks.migrations.database import connect
from runtime_tasks.migrations.work import MigrationFailed, Work

if TYPE_CHECKING:
    from runtime_tasks.migrations.database.sqlite import SQLite


def on_a_copy(work: Work, run: Callable[[Work], None]) -> None:
    """Elsewhere than on SQLite, and in trials, which are on a copy already, run it as it is."""
    if work.database.dialect != "sqlite" or work.trial:
        run(work)
        return
    original = cast("SQLite", work.database)
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="dataroll-copy-"))
        place = original.url.with_database(str(Path(folder) / original.path.name))
        original.begin()
        stack.callback(original.rollback)
        original.backup_inside(place.database)
        copy = cast("SQLite", stack.enter_context(connect(place, owner=original.owner)))
        inner = work.on(copy)
        try:
            run(inner)
        except (MigrationFailed, Cancelled) as error:
            # Nothing of it reaches the database, whatever the tool had finished on the copy.
            work.runs.extend(inner.runs)
            raise _nothing_kept(error, inner) from None
        original.rollback()
        original.restore(copy.path)
        work.runs.extend(inner.runs)
        work.applied.extend(inner.applied)
        work.done = inner.done


def _nothing_kept(error: StepError, inner: Work) -> StepError:
    details = error.details
    undone = [*details.get("applied", []), details.get("migration")]
    message = str(error).partition("; applied before it")[0]
    partly = details.get("partlyApplied")
    if partly:
        message = message.partition("; its first")[0] + "; nothing of it was applied"
    if details.get("applied"):
        message += "; on SQLite a run is one piece, so nothing before it was applied either"
    details |= {
        "applied": [],
        "partlyApplied": None,
        "notApplied": [m for m in undone if m]
        + [m for m in details.get("notApplied", []) if m not in undone],
    }
    return type(error)(message, details=details)
