"""The nouns of the migration code: what is on disk, what is in the books, what would run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

Status = Literal["pending", "applied", "edited", "missing", "failed", "out-of-order", "skipped"]


@dataclass(frozen=True)
class Migration:
    """One migration of any tool. ``up`` and ``down`` are SQL where our runner runs them."""

    id: str
    """What the tool calls it: a revision, a version, a directory's name."""
    name: str
    file: str | None = None
    """Relative to the migrations folder."""
    checksum: str | None = None
    status: Status = "pending"
    up: str | None = field(default=None, repr=False)
    down: str | None = field(default=None, repr=False)
    no_transaction: bool = False
    """The file asks to run without a transaction."""
    repeatable: bool = False
    """It runs again whenever its text changes."""
    book_checksum: str | None = None
    """The checksum as the tool's own book writes it, where that is not ``checksum``."""
    order: int = 0
    """The number that the tool's own book orders by, where it has one."""

    def as_(self, status: Status) -> Migration:
        return replace(self, status=status)


@dataclass(frozen=True)
class Problem:
    message: str
    blocks: bool = True
    """Whether nothing may be executed until it is solved."""
    of: str = ""
    """The id of the migration that it is about, where it is about one."""
    status: str = ""
    """What that migration is found to be: edited, out-of-order, missing or failed."""


@dataclass(frozen=True)
class History:
    """The files and the books side by side."""

    tool: str
    reason: str
    pending: tuple[Migration, ...]
    """In the order in which they would run."""
    applied: tuple[Migration, ...]
    """Oldest first; with status edited, missing or failed where that is so."""
    problems: tuple[Problem, ...] = ()
    current: str | None = None

    @property
    def failed(self) -> list[Migration]:
        return [m for m in (*self.applied, *self.pending) if m.status == "failed"]

    @property
    def blocking(self) -> list[str]:
        return [problem.message for problem in self.problems if problem.blocks]


@dataclass(frozen=True)
class Plan:
    """What an approval binds to: these files, in this order, on this schema."""

    engine: str
    schema: str
    migrations: tuple[Migration, ...]
    around: str = ""
    """A digest of what runs beside the files, as Flyway's callbacks do."""

    @property
    def hash(self) -> str:
        """Three digests in one text, so that a mismatch can say which part has changed."""
        files = sha256(self.around.encode())
        for migration in self.migrations:
            # ``up`` too: placeholders and variables are filled in, and the checksum knows nothing of them.
            parts = (migration.id, migration.checksum, migration.up, migration.down)
            files.update("".join(f"{part}\0" for part in parts).encode(errors="surrogateescape"))
        engine = sha256(self.engine.encode()).hexdigest()[:8]
        return f"{engine}-{self.schema}-{files.hexdigest()[:32]}"


def what_changed(approved: str, now: str) -> str:
    """In words: ``the schema of the database``."""
    before, after = approved.split("-"), now.split("-")
    if len(before) != 3 or len(after) != 3:
        return "the plan"
    names = (
        "the tool or the database's version",
        "the schema of the database",
        "the migration files",
    )
    changed = [n for n, a, b in zip(names, before, after, strict=True) if a != b]
    return " and ".join(changed) or "nothing"


@dataclass(frozen=True)
class StatementRun:
    """One statement that has run, really or for trial."""

    migration: str
    sql: str
    milliseconds: float
    rows: int | None = None
    locks: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    destructive: bool = False


@dataclass(frozen=True)
class Trial:
    """What a dry run saw."""

    plan: Plan
    statements: tuple[StatementRun, ...]
    method: str
    not_shown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rollback_rehearsed: bool = False
    milliseconds: float = 0


@dataclass(frozen=True)
class Executed:
    plan_hash: str
    applied: tuple[Migration, ...]
    statements: int
    rows: int
    milliseconds: float


@dataclass(frozen=True)
class Undone:
    rolled_back: tuple[Migration, ...]
    method: str
    data_loss: tuple[str, ...] = ()
    """What went with it, or would go: ``002_email: ALTER TABLE users DROP COLUMN email``."""
    milliseconds: float = 0


def find(migrations: Sequence[Migration], identifier: str) -> Migration | None:
    return next((m for m in migrations if m.id == identifier), None)
