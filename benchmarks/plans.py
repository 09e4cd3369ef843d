"""How the database means to answer: which indexes it takes, which tables it reads from end to end.

::

    with recorded(database.engine) as statements:
        await client.get("/api/executions")
    for statement in statements:
        print(explained(engine, *statement))
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

GROWING = (
    "workflow_executions",
    "node_executions",
    "workflow_approvals",
    "execution_logs",
    "live_events",
    "audit_log",
)
"""Tables that have a row for everything that ever happened."""


@dataclass(frozen=True)
class Plan:
    statement: str
    indexes: tuple[str, ...]
    scans: tuple[str, ...]
    """Steps that read the whole of a growing table."""
    work: int
    """SQLite: instructions of its virtual machine. PostgreSQL: pages looked at."""


@contextmanager
def recorded(engine: AsyncEngine) -> Iterator[list[tuple[str, Any]]]:
    """The SELECT statements that are sent inside the block, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


def explained(engine: Engine, statement: str, parameters: Any) -> Plan:
    """The plan of a recorded statement, asked of the same database over ``engine``."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[3] for row in rows]
            return _of_sqlite(statement, steps, _steps(connection, statement, parameters))
        plan = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
        ).scalar_one()
        return _of_postgresql(statement, plan if isinstance(plan, list) else json.loads(plan))


def _steps(connection: Connection, statement: str, parameters: Any) -> int:
    """How many instructions of its virtual machine SQLite takes; no clock, so no load, in it."""
    count = 0

    def one_more() -> int:
        nonlocal count
        count += 1
        return 0

    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(one_more, 1)
    try:
        raw.execute(statement, tuple(parameters)).fetchall()
    finally:
        raw.set_progress_handler(None, 0)
    return count


def _of_sqlite(statement: str, steps: list[str], work: int) -> Plan:
    """https://sqlite.org/eqp.html: SEARCH looks up, SCAN visits every row of table or index."""
    indexes = [found[1] for step in steps if (found := re.search(r"INDEX (\S+)", step))]
    scans = [step for step in steps if step.startswith("SCAN") and step.split()[1] in GROWING]
    return Plan(statement, tuple(indexes), tuple(scans), work)


def _of_postgresql(statement: str, plan: list[dict[str, Any]]) -> Plan:
    """A walk along an index without a condition is one for a page's sake, and ends with it."""
    nodes = list(_nodes(plan[0]["Plan"]))
    indexes = [node["Index Name"] for node in nodes if "Index Name" in node]
    scans = [
        f"{node['Node Type']} on {node['Relation Name']}"
        for node in nodes
        if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in GROWING
    ]
    top = plan[0]["Plan"]
    work = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Plan(statement, tuple(indexes), tuple(scans), work)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
