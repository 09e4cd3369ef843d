"""After a crash: what the journal's unfinished lines mean, said exactly or called unknown.

Whoever owns the database's lock knows that no statement of an earlier run is
still at work, because the lock belonged to the same session. So an intent
without an outcome is settled here, before anything else begins:

* a transactional file was rolled back by the database: it counts as failed;
* a statement that shares its transaction with its outcome did not happen;
* a CREATE or ALTER that commits by itself happened if the schema is another
  one than its intent noted;
* anything else is unknown, and is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime_tasks.migrations.journal import Entry

if TYPE_CHECKING:
    from runtime_tasks.migrations.session import Session


@dataclass(frozen=True)
class Unfinished:
    """A migration that stopped in the middle and of which something stays."""

    migration: str
    direction: str
    execution: str
    kept: int
    """How many of its statements, from the first, are applied."""
    statements: int
    unknown: Entry | None = None
    """The statement of which it is not known whether it took effect."""


def settle(session: Session) -> None:
    """Write the outcomes that a crash kept from being written."""
    for entry in unfinished(session):
        session.work.log.warning("%s was left unfinished", entry.migration)


def unfinished(session: Session) -> list[Unfinished]:
    return []
