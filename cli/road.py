"""The whole road, walked four times: approved, failing in the middle, rejected, nothing pending.

Used by ``dataroll demo`` and by the tests. Everything is real: the definition
is the wish's own example, the database is migrated, the approval is given by
another person than the one who started the run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.api_client import ApiClient
from cli.inbox import Inbox
from cli.sample import PROJECT

if TYPE_CHECKING:
    from sqlalchemy import Engine

ADD_NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text VARCHAR(200) NOT NULL);\n"
UNIQUE_NAMES = """\
INSERT INTO notes (id, text) VALUES (1, 'about to make names unique');

CREATE UNIQUE INDEX customers_by_name ON customers (name);
"""


@dataclass
class Walk:
    """One run and what was found wrong with it; ``wrong`` is empty when all is as it should be."""

    title: str
    run: dict[str, Any]
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found!r} instead of {wanted!r}")

    def expect_nodes(self, **wanted: str) -> None:
        statuses = {
            node["nodeId"].replace("-", "_"): node["status"] for node in self.run["nodeExecutions"]
        }
        for node, status in wanted.items():
            self.expect(node, statuses.get(node), status)


@dataclass(frozen=True)
class Road:
    """What the road is walked with. ``starter`` runs the workflow, ``owner`` decides."""

    owner: ApiClient
    starter: ApiClient
    workflow_id: str
    connection_id: str
    database_url: str
    migrations: Path
    inbox: Inbox

    def walk(self, say: Callable[[Walk], None] = lambda walk: None) -> list[Walk]:
        walks = []
        for stretch in (self.approved, self.failing, self.rejected, self.nothing_pending):
            walk = stretch()
            say(walk)
            walks.append(walk)
        return walks

    def approved(self) -> Walk:
        messages = len(self.inbox.messages)
        run = self._start()
        approval = self.owner.wait_for_approval(run["id"])
        before = snapshot(self.database_url)
        self.owner.post(f"/api/approvals/{approval['id']}/approve", {"comment": "looks good"})
        walk = Walk("approved", self.owner.wait_for_run(run["id"]))
        walk.expect("tables before the approval", before, {})
        walk.expect("status", walk.run["status"], "success")
        walk.expect_nodes(
            trigger_1="success",
            discover_1="success",
            filter_1="success",
            dryrun_1="success",
            approval_1="success",
            execute_1="success",
            notify_1="success",
            error_handler_1="skipped",
        )
        walk.expect(
            "rows",
            {name: rows for name, (_, rows) in snapshot(self.database_url).items()},
            {"customers": 2, "orders": 0},
        )
        walk.expect("messages", len(self.inbox.messages) - messages, 1)
        if self.inbox.messages and "Migrations applied successfully" not in str(
            self.inbox.messages[-1]
        ):
            walk.wrong.append(f"the message says {self.inbox.messages[-1]!r}")
        return walk

    def failing(self) -> Walk:
        """Two rows become alike while the run waits; the dry run could not know."""
        (self.migrations / "004_notes.sql").write_text(ADD_NOTES)
        (self.migrations / "004_notes.down.sql").write_text("DROP TABLE notes;\n")
        (self.migrations / "005_unique_names.sql").write_text(UNIQUE_NAMES)
        (self.migrations / "005_unique_names.down.sql").write_text(
            "DROP INDEX customers_by_name;\n"
        )
        run = self._start()
        approval = self.owner.wait_for_approval(run["id"])
        statement(
            self.database_url,
            "INSERT INTO customers (id, name, email, points) VALUES (3, 'Ada', 'ada2@example.org', 0)",
        )
        before = snapshot(self.database_url)
        self.owner.post(f"/api/approvals/{approval['id']}/approve")
        walk = Walk("fails in the middle", self.owner.wait_for_run(run["id"]))
        walk.expect("status", walk.run["status"], "failed")
        walk.expect_nodes(
            dryrun_1="success",
            approval_1="success",
            execute_1="failed",
            notify_1="skipped",
            error_handler_1="success",
        )
        walk.expect("database", snapshot(self.database_url), before)
        # From now on the dry run sees the two rows, and would not let the next run come so far.
        statement(self.database_url, "DELETE FROM customers WHERE id = 3")
        return walk

    def rejected(self) -> Walk:
        before = snapshot(self.database_url)
        run = self._start()
        approval = self.owner.wait_for_approval(run["id"])
        self.owner.post(f"/api/approvals/{approval['id']}/reject", {"comment": "not on a Friday"})
        walk = Walk("rejected", self.owner.wait_for_run(run["id"]))
        walk.expect("status", walk.run["status"], "cancelled")
        walk.expect_nodes(dryrun_1="success", execute_1="skipped", notify_1="skipped")
        walk.expect("database", snapshot(self.database_url), before)
        return walk

    def nothing_pending(self) -> Walk:
        for name in ("004_notes", "005_unique_names"):
            for suffix in (".sql", ".down.sql"):
                (self.migrations / (name + suffix)).unlink()
        before = snapshot(self.database_url)
        walk = Walk("nothing pending", self.owner.wait_for_run(self._start()["id"]))
        walk.expect("status", walk.run["status"], "success")
        walk.expect_nodes(
            discover_1="success",
            filter_1="success",
            dryrun_1="skipped",
            approval_1="skipped",
            execute_1="skipped",
            notify_1="skipped",
            error_handler_1="skipped",
        )
        walk.expect("database", snapshot(self.database_url), before)
        return walk

    def _start(self) -> dict[str, Any]:
        started: dict[str, Any] = self.starter.post(
            f"/api/workflows/{self.workflow_id}/execute",
            {
                "context": {"connectionId": self.connection_id},
                "variables": {"targetEnv": "the demo"},
            },
        )
        return started


def copy_project(folder: Path) -> Path:
    """The sample project's migrations, to change freely."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    return folder


def snapshot(url: str) -> dict[str, tuple[tuple[str, ...], int]]:
    """Columns and row count by table, dataroll's own and the tools' tables left out."""
    from sqlalchemy import func, inspect, select, table

    engine = open_engine(url)
    try:
        found = inspect(engine)
        with engine.connect() as connection:
            return {
                name: (
                    tuple(column["name"] for column in found.get_columns(name)),
                    connection.scalar(select(func.count()).select_from(table(name))) or 0,
                )
                for name in sorted(found.get_table_names())
                if not name.startswith("dataroll_")
            }
    finally:
        engine.dispose()


def open_engine(url: str) -> Engine:
    """An engine on the driver that dataroll brings along."""
    from sqlalchemy import create_engine, make_url

    parsed = make_url(url)
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    return create_engine(parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername)))


def statement(url: str, sql: str) -> None:
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(sql)
    finally:
        engine.dispose()
