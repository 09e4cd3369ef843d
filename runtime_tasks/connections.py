"""A connection names a database and says where its migrations are."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class MigrationSource:
    """A folder the worker can read, or a git URL with ref and subfolder. One of the two is set."""

    path: str | None = None
    git_url: str | None = None
    ref: str | None = None
    subfolder: str | None = None


@dataclass(frozen=True)
class Connection:
    """What a step needs to work on a database. ``url`` holds the password: never print it."""

    id: str
    name: str
    url: str = field(repr=False)
    environment: str = "development"
    """development | staging | production"""
    migrations: MigrationSource = field(default_factory=MigrationSource)
    tool: str = "auto"
    """auto, or one of the migration tools' names"""
