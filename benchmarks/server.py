"""Lists, histories and metrics over ever more node executions: the time must not grow.

::

    python -m benchmarks.server                 # SQLite, up to 1,000,000
    python -m benchmarks.server --postgresql    # a private PostgreSQL server
    python -m benchmarks.server --url URL       # any empty database

A hundred runs of ten nodes a day, so that a bigger table is a longer history.
Every request goes through the whole server, sign-in included. Times depend on what
else the machine does, so the best of many is shown, and what is judged is the work
of the database: a request that makes it work more than twice as much on the biggest
table as on one of a quarter of its size fails, and so does one that reads a growing
table from end to end. (Trees grow by a level now and then; the smallest size is there
to see that.)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, create_engine, insert, select, text

from benchmarks.plans import Plan, explained, recorded
from server.app import create_app
from server.database import sync_url
from server.ids import _base36, random_word
from server.models import (
    ApprovalVoter,
    AuditLog,
    ExecutionLog,
    Membership,
    NodeExecution,
    Team,
    User,
    Workflow,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
)
from server.orchestrator.fake import FakeOrchestrator
from server.settings import Settings

TOKEN = "dr_api_benchmark"
NODES = 10
RUNS_A_DAY = 100
WORKFLOWS = 20
END = datetime(2026, 6, 1, tzinfo=UTC)
LAST_SEQ = 1_000_000
"""The audit log's entries are made backwards in time, too."""
ROUNDS = 40


def id_at(moment: datetime) -> str:
    return "c" + _base36(int(moment.timestamp() * 1000), 8) + random_word(16)


def prepare(connection: Connection) -> tuple[str, list[str]]:
    """A team with everything, and a second one, so that no list can do with one team's rows."""
    team_id = connection.scalar(select(Team.id)) or ""
    user_id = connection.scalar(select(User.id))
    other = id_at(END)
    connection.execute(insert(Team).values(id=other, name="Other", slug="other"))
    connection.execute(
        insert(Membership).values(id=other, team_id=other, user_id=user_id, role="owner")
    )
    ids = []
    for number in range(WORKFLOWS):
        workflow_id, definition_id = id_at(END), id_at(END)
        connection.execute(
            insert(Workflow).values(
                id=workflow_id,
                team_id=team_id,
                name=f"Workflow {number}",
                slug=f"w{number}",
                trigger="manual",
                created_by="x",
                definition_id=definition_id,
            )
        )
        connection.execute(
            insert(WorkflowDefinition).values(
                id=definition_id,
                workflow_id=workflow_id,
                content="name: X\n",
                format="yaml",
                version=1,
                created_by="x",
            )
        )
        ids.append(workflow_id)
    return team_id, ids


def fill(connection: Connection, team_id: str, workflows: list[str], start: int, stop: int) -> None:
    """Runs number ``start`` to ``stop``, counted backwards in time from END."""
    step = timedelta(days=1) / RUNS_A_DAY
    for first in range(start, stop, 1000):
        runs: list[dict[str, Any]] = []
        nodes: list[dict[str, Any]] = []
        approvals: list[dict[str, Any]] = []
        logs: list[dict[str, Any]] = []
        audit: list[dict[str, Any]] = []
        for number in range(first, min(first + 1000, stop)):
            at = END - step * (number + 1)
            status = "failed" if number % 10 == 0 else "success"
            run = {
                "id": id_at(at),
                "workflow_id": workflows[number % WORKFLOWS],
                "team_id": team_id,
                "definition_id": "x",
                "version": 1,
                "status": status,
                "triggered_by": "schedule",
                "triggered_at": at,
                "started_at": at,
                "completed_at": at + timedelta(seconds=30),
                "duration": 30_000 + number % 1000,
                "prefect_flow_run_id": random_word(30),
            }
            runs.append(run)
            nodes += [
                {
                    "id": id_at(at),
                    "execution_id": run["id"],
                    "workflow_id": run["workflow_id"],
                    "node_id": f"node-{n}",
                    "node_type": "action",
                    "node_name": f"Node {n}",
                    "position": n,
                    "status": status,
                    "output": {"n": n},
                    "started_at": at,
                    "completed_at": at + timedelta(seconds=3 * n),
                    "duration": 3000,
                }
                for n in range(NODES)
            ]
            logs += [
                {
                    "execution_id": run["id"],
                    "source_id": f"line-{n}",
                    "node_id": "node-1",
                    "level": "INFO",
                    "message": "Done.",
                    "at": at,
                }
                for n in range(2)
            ]
            audit.append(
                {
                    "id": id_at(at),
                    "chain": team_id,
                    "seq": LAST_SEQ - number,
                    "at": at,
                    "actor": "server",
                    "action": "execution.start",
                    "subject_type": "execution",
                    "subject_id": run["id"],
                    "execution_id": run["id"],
                    "previous_hash": "",
                    "hash": "",
                }
            )
            if number % 10 == 1:
                approvals.append(
                    {
                        "id": id_at(at),
                        "execution_id": run["id"],
                        "node_id": "node-5",
                        "team_id": team_id,
                        "workflow_id": run["workflow_id"],
                        "status": "approved",
                        "approvers": [],
                        "asked": [],
                        "required": 1,
                        "timeout": at,
                        "created_at": at,
                        "decided_at": at + timedelta(seconds=60),
                        "resumed_at": at,
                    }
                )
        connection.execute(insert(WorkflowExecution), runs)
        connection.execute(insert(NodeExecution), nodes)
        connection.execute(insert(WorkflowApproval), approvals)
        asked = [{"user_id": "somebody-else", "approval_id": each["id"]} for each in approvals]
        connection.execute(insert(ApprovalVoter), asked)
        connection.execute(insert(ExecutionLog), logs)
        connection.execute(insert(AuditLog), audit)


def requests(team_id: str, workflow_id: str, middle: str, execution_id: str) -> dict[str, str]:
    month = "since=2026-05-02T00:00:00Z&until=2026-06-01T00:00:00Z"
    hour = "since=2026-05-20T10:00:00Z&until=2026-05-20T11:00:00Z"
    return {
        "executions, first page": "/api/executions",
        "executions of one team": f"/api/executions?teamId={team_id}",
        "executions, a page in the middle": f"/api/executions?cursor={middle}",
        "executions that failed": "/api/executions?status=failed",
        "executions that nobody finds": "/api/executions?status=cancelled",
        "executions by somebody who started none": "/api/executions?triggeredBy=nobody",
        "executions before the first": "/api/executions?until=2000-01-01T00:00:00Z",
        "executions of an hour": f"/api/executions?{hour}",
        "history of a workflow": f"/api/workflows/{workflow_id}/executions",
        "history of a workflow, one hour": f"/api/workflows/{workflow_id}/executions?{hour}",
        "history of a version that never ran": f"/api/workflows/{workflow_id}/executions?version=2",
        "history, by nobody": f"/api/workflows/{workflow_id}/executions?triggeredBy=nobody",
        "log of an execution": f"/api/executions/{execution_id}/logs",
        "one execution with its nodes": f"/api/executions/{execution_id}",
        "workflows with their last run": "/api/workflows",
        "approvals": "/api/approvals",
        "approvals that wait": "/api/approvals?status=pending",
        "approvals that ask me": "/api/approvals?mine=true&status=pending",
        "approvals that have ever asked me": "/api/approvals?mine=true",
        "approvals of an execution": f"/api/approvals?executionId={execution_id}",
        "audit log": f"/api/audit?teamId={team_id}",
        "audit log, what never happened": f"/api/audit?teamId={team_id}&action=never",
        "metrics of a month": f"/api/metrics?{month}",
        "metrics of a workflow, with nodes": f"/api/metrics?{month}&workflowId={workflow_id}",
    }


async def measure(client: httpx.AsyncClient, path: str) -> float:
    """The best of many, in milliseconds: what else runs on the machine only makes it worse."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = await client.get(path)
        times.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.text
    return min(times)


async def run(url: str, home: Path, sizes: list[int]) -> int:
    environment = {
        "DATAROLL_HOME": str(home),
        "DATAROLL_DATABASE_URL": url,
        "DATAROLL_ADMIN_TOKEN": TOKEN,
    }
    app = create_app(Settings.from_environment(environment), FakeOrchestrator())
    engine = create_engine(sync_url(url))
    table: dict[str, Row] = {}
    async with app.router.lifespan_context(app):
        with engine.begin() as connection:
            team_id, workflows = prepare(connection)
        done = 0
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://benchmark",
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as client:
            for size in sizes:
                runs = size // NODES
                start = time.perf_counter()
                with engine.begin() as connection:
                    fill(connection, team_id, workflows, done, runs)
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as each:
                    each.execute(text("ANALYZE"))
                print(f"{size:>9,} node executions, filled in {time.perf_counter() - start:.0f} s")
                done = runs
                pages = (await client.get("/api/executions?limit=200")).json()
                execution_id = pages["items"][100]["id"]
                for name, path in requests(
                    team_id, workflows[3], pages["nextCursor"], execution_id
                ).items():
                    row = table.setdefault(name, Row())
                    row.times.append(await measure(client, path))
                    with recorded(app.state.database.engine) as statements:
                        await client.get(path)
                    row.plans.append([explained(engine, *each) for each in statements])
    engine.dispose()
    return report(table, sizes, "pages" if url.startswith("postgresql") else "steps")


def report(table: dict[str, Row], sizes: list[int], unit: str) -> int:
    heads = "".join(f"{size:>11,}" for size in sizes)
    print(f"\n{'best time in milliseconds, and work of the database in ' + unit}")
    print(f"{'':<34}{heads}{heads}   growth of work")
    failed = 0
    for name, row in table.items():
        growth = row.work[-1] / max(row.work[-2], 1)
        scans = sorted({scan for plan in row.plans[-1] for scan in plan.scans})
        failed += growth > 2 or bool(scans)
        times = "".join(f"{each:>11.1f}" for each in row.times)
        print(f"{name:<34}{times}{''.join(f'{each:>11,}' for each in row.work)}{growth:>9.2f}×")
        for scan in scans:
            print(f"    READS ALL OF A TABLE: {scan}")
    print("\nindexes on the biggest table")
    for name, row in table.items():
        indexes = sorted({index for plan in row.plans[-1] for index in plan.indexes})
        print(f"  {name}: {', '.join(indexes)}")
    return 1 if failed else 0


@dataclass
class Row:
    """One request over the sizes."""

    times: list[float] = field(default_factory=list)
    plans: list[list[Plan]] = field(default_factory=list)

    @property
    def work(self) -> list[int]:
        return [sum(plan.work for plan in plans) for plans in self.plans]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", help="An empty database; a SQLite file of its own otherwise.")
    parser.add_argument("--postgresql", action="store_true", help="Start a private PostgreSQL.")
    parser.add_argument("--sizes", default="50000,250000,1000000")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dataroll-benchmark-")))
        url = options.url or f"sqlite:///{home}/bench.db"
        if options.postgresql:
            from tests.databases import private_postgresql

            url = stack.enter_context(private_postgresql())
        sys.exit(asyncio.run(run(url, home, sizes)))


if __name__ == "__main__":
    main()
