"""Lists, histories and metrics over ever more node executions: the time must not grow.

::

    python -m benchmarks.server                                  # SQLite, up to 1,000,000
    python -m benchmarks.server --url postgresql://…/empty       # an empty database

A hundred runs of ten nodes a day, so that a bigger table is a longer history.
Every request goes through the whole server, sign-in included. A request that
takes more than twice as long on the biggest table as on the smallest one fails.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, create_engine, insert, select, text

from server.app import create_app
from server.database import sync_url
from server.ids import _base36, random_word
from server.models import (
    NodeExecution,
    Team,
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
ROUNDS = 25


def id_at(moment: datetime) -> str:
    return "c" + _base36(int(moment.timestamp() * 1000), 8) + random_word(16)


def prepare(connection: Connection) -> tuple[str, list[str]]:
    team_id = connection.scalar(select(Team.id)) or ""
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


def requests(workflow_id: str, middle: str, execution_id: str) -> dict[str, str]:
    month = "since=2026-05-02T00:00:00Z&until=2026-06-01T00:00:00Z"
    return {
        "executions, first page": "/api/executions",
        "executions, a page in the middle": f"/api/executions?cursor={middle}",
        "executions that failed": "/api/executions?status=failed",
        "history of a workflow": f"/api/workflows/{workflow_id}/executions",
        "one execution with its nodes": f"/api/executions/{execution_id}",
        "workflows with their last run": "/api/workflows",
        "approvals": "/api/approvals",
        "metrics of a month": f"/api/metrics?{month}",
        "metrics of a workflow, with nodes": f"/api/metrics?{month}&workflowId={workflow_id}",
    }


async def measure(client: httpx.AsyncClient, path: str) -> float:
    """Median milliseconds, after a few calls that fill the caches."""
    times = []
    for _ in range(5):
        await client.get(path)
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = await client.get(path)
        times.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.text
    return statistics.median(times)


async def run(url: str, home: Path, sizes: list[int]) -> int:
    environment = {
        "DATAROLL_HOME": str(home),
        "DATAROLL_DATABASE_URL": url,
        "DATAROLL_ADMIN_TOKEN": TOKEN,
    }
    app = create_app(Settings.from_environment(environment), FakeOrchestrator())
    engine = create_engine(sync_url(url))
    table: dict[str, list[float]] = {}
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
                for name, path in requests(workflows[3], pages["nextCursor"], execution_id).items():
                    table.setdefault(name, []).append(await measure(client, path))
    engine.dispose()
    return report(table, sizes)


def report(table: dict[str, list[float]], sizes: list[int]) -> int:
    print("\nmedian milliseconds" + "".join(f"{size:>12,}" for size in sizes) + "    growth")
    slow = 0
    for name, times in table.items():
        growth = times[-1] / times[0]
        slow += growth > 2
        print(f"{name:<36}" + "".join(f"{each:>9.1f}" for each in times) + f"{growth:>9.2f}×")
    return 1 if slow else 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", help="An empty database; a SQLite file of its own otherwise.")
    parser.add_argument("--sizes", default="50000,250000,1000000")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="dataroll-benchmark-") as folder:
        home = Path(folder)
        sys.exit(asyncio.run(run(options.url or f"sqlite:///{home}/bench.db", home, sizes)))


if __name__ == "__main__":
    main()
