"""An orchestrator in memory, public, for tests and for trying the server without Prefect.

::

    orchestrator = FakeOrchestrator()
    run_id = await orchestrator.start(RunRequest("e1", "d1", "First run", {}))
    orchestrator.settle(run_id, "discover-1", "success", output={"migrations": []})
    orchestrator.finish(run_id, "success")
    state = await orchestrator.get(run_id)

``orchestrator.available = False`` makes every call raise OrchestratorUnavailable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from server.orchestrator.protocol import (
    Crash,
    Deployed,
    Deployment,
    LogLine,
    NodeState,
    NodeStatus,
    OrchestratorUnavailable,
    RunEnd,
    RunRequest,
    RunState,
    RunStatus,
    Schedule,
)

ENDED = ("success", "failed", "cancelled")


class FakeOrchestrator:
    def __init__(self) -> None:
        self.available = True
        self.deployments: dict[str, Deployment] = {}
        self.listened: dict[str, str] = {}
        self.requests: dict[str, RunRequest] = {}
        self.runs: dict[str, RunState] = {}
        self.resumed: list[str] = []
        self.restarted: list[str] = []
        self._logs: dict[str, list[LogLine]] = {}
        self._hints: asyncio.Queue[str] = asyncio.Queue()
        self._last = datetime(2026, 1, 1, tzinfo=UTC)

    async def deploy(self, deployment: Deployment) -> str:
        self._check()
        deployment_id = f"deployment-{deployment.name}"
        self.deployments[deployment_id] = deployment
        return deployment_id

    async def undeploy(self, deployment_id: str) -> None:
        self._check()
        self.deployments.pop(deployment_id, None)

    async def set_schedules(self, deployment_id: str, schedules: tuple[Schedule, ...]) -> None:
        self._check()
        known = self.deployments.get(deployment_id)
        if known is not None:
            self.deployments[deployment_id] = replace(known, schedules=schedules)

    async def deployed(self) -> list[Deployed]:
        self._check()
        return [
            Deployed(deployment_id, deployment.workflow_id, deployment.schedules)
            for deployment_id, deployment in self.deployments.items()
        ]

    async def listen_for(self, slug: str, deployment_id: str | None) -> None:
        self._check()
        if deployment_id is None:
            self.listened.pop(slug, None)
        else:
            self.listened[slug] = deployment_id

    async def listening(self) -> dict[str, str]:
        self._check()
        return dict(self.listened)

    async def start(self, request: RunRequest) -> str:
        self._check()
        run_id = f"run-{request.execution_id}"
        if run_id not in self.runs:
            self.requests[run_id] = request
            self.runs[run_id] = RunState(
                run_id=run_id,
                execution_id=request.execution_id,
                status="pending",
                updated_at=self._now(),
                deployment_id=request.deployment_id,
                parameters=request.parameters,
            )
            self._hint(run_id)
        return run_id

    async def get(self, run_id: str) -> RunState | None:
        self._check()
        return self.runs.get(run_id)

    async def resume(self, run_id: str) -> bool:
        self._check()
        run = self.runs.get(run_id)
        if run is None or run.status != "waiting":
            return False
        self.resumed.append(run_id)
        self._change(run_id, status="running")
        return True

    async def restart(self, run_id: str, attempt: int) -> None:
        self._check()
        self.restarted.append(run_id)
        self._change(run_id, status="running", attempt=attempt, crash=None)

    async def cancel(self, run_id: str) -> None:
        self._check()
        if run_id in self.runs and self.runs[run_id].status not in ENDED:
            self.finish(run_id, "cancelled")

    async def declare(self, run_id: str, status: RunEnd, reason: str) -> None:
        self._check()
        error = None if status == "success" else reason
        self.finish(run_id, status, error=error, crash=None, untold=False)

    async def scheduled_runs(
        self, deployment_ids: tuple[str, ...], since: datetime | None = None
    ) -> list[RunState]:
        self._check()
        return [
            run
            for run in self.runs.values()
            if run.execution_id is None
            and run.deployment_id in deployment_ids
            and (run.starts_at is None or run.starts_at <= datetime.now(UTC))
        ]

    async def logs(self, run_id: str, after: datetime | None = None) -> list[LogLine]:
        self._check()
        lines = self._logs.get(run_id, [])
        return [line for line in lines if after is None or line.at > after]

    async def events(self) -> AsyncIterator[str]:
        while True:
            yield await self._hints.get()

    async def healthy(self) -> bool:
        return self.available

    async def close(self) -> None:
        return

    # What a test does in the place of the worker.

    def begin(self, run_id: str) -> None:
        self._change(run_id, status="running", started_at=self._now())

    def settle(
        self,
        run_id: str,
        node_id: str,
        status: NodeStatus,
        *,
        node_type: str = "action",
        node_name: str | None = None,
        **fields: Any,
    ) -> None:
        """Set a node's state; fields are those of NodeState."""
        run = self.runs[run_id]
        known = {node.node_id: node for node in run.nodes}
        before = known.get(node_id)
        now = self._now()
        node = NodeState(
            node_id=node_id,
            node_type=node_type,
            node_name=node_name or node_id,
            status=status,
            updated_at=now,
            started_at=before.started_at if before else now,
            completed_at=None if status in ("pending", "running", "waiting") else now,
        )
        known[node_id] = replace(node, **fields)
        running: RunStatus = "waiting" if status == "waiting" else "running"
        self._change(run_id, nodes=tuple(known.values()), status=running)

    def crash(self, run_id: str, message: str = "exit code -9") -> None:
        """The worker has noticed that the process died."""
        self._change(run_id, status="running", crash=Crash(datetime.now(UTC), message))

    def finish(self, run_id: str, status: RunStatus, **fields: Any) -> None:
        self._change(run_id, status=status, completed_at=self._now(), **fields)

    def log(self, run_id: str, message: str, *, node_id: str | None = None) -> None:
        lines = self._logs.setdefault(run_id, [])
        lines.append(
            LogLine(f"{run_id}-{len(lines)}", run_id, node_id, "info", message, self._now())
        )
        self._hint(run_id)

    def fire_schedule(
        self,
        deployment_id: str,
        parameters: Mapping[str, Any],
        *,
        starts_at: datetime | None = None,
        scheduled: bool = True,
    ) -> str:
        """A run that a schedule, or an event, has started: no execution knows of it yet."""
        run_id = f"run-scheduled-{len(self.runs)}"
        self.runs[run_id] = RunState(
            run_id=run_id,
            execution_id=None,
            status="running" if starts_at is None else "pending",
            updated_at=self._now(),
            scheduled=scheduled,
            starts_at=starts_at,
            deployment_id=deployment_id,
            parameters=parameters,
        )
        self._hint(run_id)
        return run_id

    def _change(self, run_id: str, **fields: Any) -> None:
        self.runs[run_id] = replace(self.runs[run_id], updated_at=self._now(), **fields)
        self._hint(run_id)

    def _hint(self, run_id: str) -> None:
        self._hints.put_nowait(run_id)

    def _now(self) -> datetime:
        """Strictly later than the time before."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def _check(self) -> None:
        if not self.available:
            raise OrchestratorUnavailable("the fake orchestrator is switched off")
