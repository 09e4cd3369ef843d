"""What every migration tool can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.model import History, Migration
from runtime_tasks.migrations.work import Work


class MigrationTool(Protocol):
    name: str
    runs_itself: bool
    """True where the project's own tool runs in a subprocess; False where our runner runs SQL."""

    def detect(self, folder: Path) -> str | None:
        """Why the folder is this tool's, or None."""

    def books(self, database: Database) -> tuple[str, ...]:
        """The tables that the tool keeps its own records in."""

    def discover(self, database: Database, folder: Path) -> History:
        """Read the disk and the book. Changes nothing."""

    def around(self, folder: Path) -> str:
        """A digest of what runs beside the migrations (callbacks); empty where nothing does."""

    def apply(self, work: Work, migrations: Sequence[Migration]) -> None:
        """Apply the migrations in order; what is done goes into ``work``.

        Raises MigrationFailed, Cancelled or OutcomeUnknown, saying where it stopped.
        """

    def reverse(self, work: Work, migrations: Sequence[Migration]) -> None:
        """Undo the migrations, in the order given (newest first)."""

    def emptied(self, database: Database) -> bool:
        """Whether the tool's book has no migration in it any more."""

    def irreversible(self, migrations: Sequence[Migration]) -> list[str]:
        """Why which of them cannot be undone by the tool; empty if all can."""
