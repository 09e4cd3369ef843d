"""One visit to one database with one folder of migrations: what every operation begins with.

::

    with visit(connection, execution="4711") as session:
        session.history()
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from runtime_tasks.connections import Connection
from runtime_tasks.errors import Refused
from runtime_tasks.migrations.database import Database, connect
from runtime_tasks.migrations.detect import detect
from runtime_tasks.migrations.model import History, Migration, Plan
from runtime_tasks.migrations.source import checked_out
from runtime_tasks.migrations.tools.protocol import MigrationTool
from runtime_tasks.migrations.work import Work


@dataclass
class Session:
    work: Work
    tool: MigrationTool
    reason: str
    commit: str | None = None

    @property
    def database(self) -> Database:
        return self.work.database

    @property
    def engine(self) -> str:
        return f"{self.tool.name} on {self.database.server()}"

    def history(self) -> History:
        found = self.tool.discover(self.database, self.work.folder)
        return replace(found, reason=self.reason)

    def schema(self) -> str:
        """The digest of the schema as it stands, without the tool's book and our journal."""
        return self.database.fingerprint(self.tool.books(self.database)).digest

    def plan(self, migrations: Sequence[Migration]) -> Plan:
        around = self.tool.around(self.work.folder)
        return Plan(self.engine, self.schema(), tuple(migrations), around)


@contextmanager
def visit(
    connection: Connection, *, execution: str, tool: str = "auto", **work: Any
) -> Iterator[Session]:
    """Open the database and fetch the files; both are closed and gone after the block."""
    with (
        checked_out(connection.migrations) as source,
        connect(connection.url, owner=owner_name(execution)) as database,
    ):
        wanted = connection.tool if tool == "auto" else tool
        chosen, reason = detect(source.folder, wanted or "auto")
        doing = Work(database=database, folder=source.folder, execution=execution, **work)
        yield Session(doing, chosen, reason, source.commit)


def owner_name(execution: str) -> str:
    """Who holds a lock, as others will read it."""
    return f"dataroll execution {execution} on {socket.gethostname()}"


def selection(history: History, wanted: Sequence[Any] | None) -> list[Migration]:
    """The pending migrations that are meant; all of them where nothing was said.

    ``wanted`` holds ids, or the migrations that a discovery gave: then a file that has changed
    since is refused. What has been applied in the meantime is left out.
    """
    pending = list(history.pending)
    if wanted is None:
        return pending
    chosen: list[Migration] = []
    standing = {m.id for m in history.applied}
    known = {m.id: m for m in pending}
    for item in wanted:
        identifier, checksum = _named(item)
        migration = known.get(identifier)
        if migration is None:
            if identifier in standing:
                continue
            raise Refused(f"the migration {identifier} is not there any more, or never was")
        if checksum and migration.checksum and checksum != migration.checksum:
            raise Refused(
                f"{migration.file or identifier} has changed since it was discovered",
                details={"changed": [identifier]},
            )
        chosen.append(migration)
    ids = {migration.id for migration in chosen}
    chosen.sort(key=pending.index)
    left_out = (
        [m.id for m in pending[: pending.index(chosen[-1]) + 1] if m.id not in ids]
        if chosen
        else []
    )
    if left_out:
        raise Refused(
            f"{', '.join(left_out)} would be left out, but come before {chosen[-1].id}: "
            "migrations run in their order"
        )
    return chosen


def _named(item: Any) -> tuple[str, str | None]:
    """Id and checksum of a migration as a step hands it on: an object, a JSON object, or an id."""
    if isinstance(item, str):
        return item, None
    if isinstance(item, dict):
        return str(item.get("id")), item.get("checksum")
    return str(item.id), getattr(item, "checksum", None)


def refuse_if_blocked(history: History, known: Collection[str] = ()) -> None:
    """``known``: half-applied migrations of which somebody has said what to do."""
    if history.blocking and not (known and all(m.id in known for m in history.failed)):
        raise Refused(
            "the history of this database has to be put right first: "
            + "; ".join(history.blocking),
            details={"problems": history.blocking},
        )
