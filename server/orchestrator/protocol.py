"""What the server asks of an orchestrator. Prefect is one; :mod:`.fake` is another, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, get_args


class OrchestratorUnavailable(Exception):
    """The orchestrator does not answer; the work is kept and tried again."""


@dataclass(frozen=True)
class Schedule:
    """A cron schedule on a deployment. ``slug`` keeps its identity across deploys."""

    slug: str
    cron: str
    timezone: str
    active: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What the runs that it starts are given, over the deployment's defaults."""


@dataclass(frozen=True)
class Deployment:
    """One version of a workflow, ready to run."""

    workflow_id: str
    slug: str
    flow_name: str
    name: str
    """The deployment's own name: ``v3``."""
    version: int
    directory: Path
    """Where the flow file lies for the worker."""
    entrypoint: str
    """``file.py:function``, relative to the directory."""
    parameters_schema: Mapping[str, Any]
    schedules: tuple[Schedule, ...] = ()
    tags: tuple[str, ...] = ()
    concurrency_limit: int | None = None


@dataclass(frozen=True)
class RunRequest:
    """Start a run. The same execution id twice is the same run."""

    execution_id: str
    deployment_id: str
    name: str
    parameters: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    start_at: datetime | None = None


NodeStatus = Literal[
    "pending", "running", "waiting", "success", "failed", "skipped", "cancelled", "unknown"
]
RunEnd = Literal["success", "failed", "cancelled"]
RunStatus = Literal["pending", "running", "waiting"] | RunEnd


@dataclass(frozen=True)
class NodeState:
    """One node of a run as the orchestrator sees it. Times are UTC, durations milliseconds."""

    node_id: str
    node_type: str
    node_name: str
    status: NodeStatus
    updated_at: datetime
    reason: str | None = None
    branch: str | None = None
    input: Any = None
    output: Any = None
    error: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration: int | None = None
    retry_count: int = 0


@dataclass(frozen=True)
class Crash:
    """The orchestrator says that the run's process died, and the run had not ended."""

    at: datetime
    message: str


@dataclass(frozen=True)
class RunState:
    run_id: str
    execution_id: str | None
    status: RunStatus
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Any = None
    error: str | None = None
    nodes: tuple[NodeState, ...] = ()
    scheduled: bool = False
    """Started by a schedule of the orchestrator, so the server has no execution for it yet."""
    deployment_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    starts_at: datetime | None = None
    """When it is planned to start; schedules make runs ahead of their time."""
    taken: bool = False
    """Pending, and a worker has taken it."""
    attempt: int = 0
    """How often it has been started again."""
    crash: Crash | None = None
    untold: bool = False
    """It has ended, its journal says how, and the orchestrator has not heard of it."""


def end_of(outcome: Any) -> tuple[RunEnd, str]:
    """How the run ended and why, by what its journal says of it; nothing sensible is a failure."""
    status, reason = outcome.get("status"), str(outcome.get("reason") or "")
    return (status if status in get_args(RunEnd) else "failed"), reason


@dataclass(frozen=True)
class LogLine:
    id: str
    run_id: str
    node_id: str | None
    level: str
    message: str
    at: datetime


@dataclass(frozen=True)
class Deployed:
    """A deployment of dataroll's as it stands in the orchestrator."""

    deployment_id: str
    workflow_id: str
    schedules: tuple[Schedule, ...]


class Orchestrator(Protocol):
    async def deploy(self, deployment: Deployment) -> str:
        """Create or update; returns the deployment's id. All or nothing."""

    async def undeploy(self, deployment_id: str) -> None:
        """Remove schedules and the deployment. Runs that are under way go on."""

    async def set_schedules(self, deployment_id: str, schedules: tuple[Schedule, ...]) -> None: ...

    async def deployed(self) -> list[Deployed]:
        """Every deployment that dataroll has made, with its schedules."""

    async def listen_for(self, slug: str, deployment_id: str | None) -> None:
        """Let the event ``dataroll.webhook.received`` on this workflow start that deployment, and
        no other; None: listen no more."""

    async def listening(self) -> dict[str, str]:
        """The deployments that such events start, by the workflow's slug."""

    async def start(self, request: RunRequest) -> str:
        """Returns the run's id. Raises OrchestratorUnavailable."""

    async def get(self, run_id: str) -> RunState | None:
        """The whole truth about a run, its nodes included; None when it is not known."""

    async def resume(self, run_id: str) -> bool:
        """Let a paused run go on. False when it was not paused."""

    async def restart(self, run_id: str, attempt: int) -> None:
        """Run it again from the top; nodes in its journal keep their outcome. The new process
        finds the number of the attempt in its run."""

    async def cancel(self, run_id: str) -> None: ...

    async def declare(self, run_id: str, status: RunEnd, reason: str) -> None:
        """Say what the orchestrator has not noticed: the run is over, and ended so."""

    async def scheduled_runs(
        self, deployment_ids: tuple[str, ...], since: datetime | None = None
    ) -> list[RunState]:
        """Runs that are due since then and that dataroll has not started: a schedule has, or
        somebody in the orchestrator's own UI."""

    async def logs(self, run_id: str, after: datetime | None = None) -> list[LogLine]: ...

    def events(self) -> AsyncIterator[str]:
        """Ids of runs about which something happened: hints, lossy, for speed."""

    async def healthy(self) -> bool: ...

    async def close(self) -> None:
        """Let go of connections."""
