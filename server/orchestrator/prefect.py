"""Prefect behind the :class:`~server.orchestrator.protocol.Orchestrator` protocol.

Deploys through Prefect's client API, never imports generated code, and reads a
run's nodes from the journal that the flow keeps in its own flow-run inputs:
those are written synchronously, while task runs and events reach Prefect's
database late and can be lost.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterTimestamp,
)
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun, State, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Failed, Scheduled

from server.orchestrator import automations
from server.orchestrator.protocol import (
    Deployed,
    Deployment,
    LogLine,
    NodeState,
    OrchestratorUnavailable,
    RunRequest,
    RunState,
    RunStatus,
    Schedule,
)
from server.orchestrator.warm import client as engine_client

WORK_POOL = "dataroll"
WORKFLOW_ID = "workflow-id:"
"""A tag that says whose deployment it is, also where our tables know nothing of it."""
PAGE = 200
"""Prefect gives no more at once."""
ATTEMPT = "attempt:"
ENGINE_COMMAND = shlex.join([sys.executable, "-S", "-E", engine_client.__file__])
"""Becomes a fork of the worker's warm server, or else ``python -m prefect.engine``."""

STATUSES: dict[StateType, RunStatus] = {
    StateType.SCHEDULED: "pending",
    StateType.PENDING: "pending",
    StateType.RUNNING: "running",
    StateType.PAUSED: "waiting",
    StateType.CANCELLING: "running",
    StateType.CANCELLED: "cancelled",
    StateType.COMPLETED: "success",
    StateType.FAILED: "failed",
    StateType.CRASHED: "failed",
}


@asynccontextmanager
async def prefect_client() -> AsyncIterator[PrefectClient]:
    """A client whose failures to connect are :class:`OrchestratorUnavailable`."""
    try:
        async with get_client() as client:
            yield client
    except (httpx.TransportError, ConnectionError) as error:
        raise OrchestratorUnavailable("Prefect does not answer") from error
    except PrefectHTTPStatusError as error:
        if error.response.status_code >= 500:
            raise OrchestratorUnavailable(
                f"Prefect answered {error.response.status_code}"
            ) from error
        raise


class PrefectOrchestrator:
    """Runs workflows on the Prefect server that ``PREFECT_API_URL`` names."""

    def __init__(self, work_pool: str = WORK_POOL) -> None:
        self.work_pool = work_pool

    async def prepare(self) -> None:
        """Make sure that the work pool is there."""
        from prefect.workers.process import ProcessWorker

        async with prefect_client() as client:
            try:
                await client.read_work_pool(self.work_pool)
            except ObjectNotFound:
                # The worker and the server both make it, whoever comes first.
                with suppress(ObjectAlreadyExists):
                    await client.create_work_pool(
                        WorkPoolCreate(
                            name=self.work_pool,
                            type="process",
                            description="dataroll's workflows run here",
                            base_job_template=ProcessWorker.get_default_base_job_template(),
                        )
                    )

    async def deploy(self, deployment: Deployment) -> str:
        await self.prepare()  # the worker may not have come up yet
        async with prefect_client() as client:
            flow_id = await client.create_flow_from_name(deployment.flow_name)
            deployment_id = await client.create_deployment(
                flow_id=flow_id,
                name=deployment.name,
                version=str(deployment.version),
                description=f"dataroll workflow {deployment.slug}, version {deployment.version}",
                work_pool_name=self.work_pool,
                entrypoint=deployment.entrypoint,
                pull_steps=[
                    {
                        "prefect.deployments.steps.set_working_directory": {
                            "directory": str(deployment.directory)
                        }
                    }
                ],
                parameter_openapi_schema=dict(deployment.parameters_schema),
                enforce_parameter_schema=False,
                schedules=[schedule_create(s) for s in deployment.schedules],
                concurrency_limit=deployment.concurrency_limit,
                tags=[
                    "dataroll",
                    f"workflow:{deployment.slug}",
                    f"{WORKFLOW_ID}{deployment.workflow_id}",
                    *deployment.tags,
                ],
                job_variables={"command": ENGINE_COMMAND},
                paused=False,
            )
        return str(deployment_id)

    async def undeploy(self, deployment_id: str) -> None:
        async with prefect_client() as client:
            try:
                await client.delete_deployment(UUID(deployment_id))
            except ObjectNotFound:
                return

    async def set_schedules(self, deployment_id: str, schedules: tuple[Schedule, ...]) -> None:
        async with prefect_client() as client:
            wanted = {schedule.slug: schedule for schedule in schedules}
            for old in await client.read_deployment_schedules(UUID(deployment_id)):
                schedule = wanted.pop(old.slug or "", None)
                if schedule is None:
                    await client.delete_deployment_schedule(UUID(deployment_id), old.id)
                    continue
                await client.update_deployment_schedule(
                    UUID(deployment_id),
                    old.id,
                    active=schedule.active,
                    schedule=CronSchedule(cron=schedule.cron, timezone=schedule.timezone),
                    parameters=dict(schedule.parameters),
                )
            if wanted:
                await client.create_deployment_schedules(
                    UUID(deployment_id), [schedule_create(s) for s in wanted.values()]
                )

    async def deployed(self) -> list[Deployed]:
        found: list[Deployed] = []
        offset = 0
        async with prefect_client() as client:
            while True:
                page = await client.read_deployments(
                    deployment_filter=DeploymentFilter(
                        tags=DeploymentFilterTags(all_=["dataroll"])
                    ),
                    limit=PAGE,
                    offset=offset,
                )
                for deployment in page:
                    for tag in deployment.tags:
                        if tag.startswith(WORKFLOW_ID):
                            found.append(
                                Deployed(
                                    str(deployment.id),
                                    tag.removeprefix(WORKFLOW_ID),
                                    tuple(schedule_of(s) for s in deployment.schedules),
                                )
                            )
                if len(page) < PAGE:
                    return found
                offset += PAGE

    async def listen_for(self, slug: str, deployment_id: str | None) -> None:
        async with prefect_client() as client:
            await automations.listen_for(client, slug, deployment_id)

    async def listening(self) -> dict[str, str]:
        async with prefect_client() as client:
            return await automations.listening(client)

    async def start(self, request: RunRequest) -> str:
        async with prefect_client() as client:
            run = await client.create_flow_run_from_deployment(
                UUID(request.deployment_id),
                parameters=dict(request.parameters),
                name=request.name,
                tags=["dataroll", f"execution:{request.execution_id}", *request.tags],
                idempotency_key=request.execution_id,
                state=Scheduled(scheduled_time=request.start_at or datetime.now(UTC)),
            )
        return str(run.id)

    async def get(self, run_id: str) -> RunState | None:
        async with prefect_client() as client:
            try:
                run = await client.read_flow_run(UUID(run_id))
            except ObjectNotFound:
                return None
            entries = await read_journal(client, run.id)
        return run_state(run, entries)

    async def resume(self, run_id: str) -> bool:
        async with prefect_client() as client:
            try:
                result = await client.resume_flow_run(UUID(run_id))
            except ObjectNotFound:
                return False
        # Prefect answers 200 to a refused resume; only the status tells.
        return bool(result.status.value == "ACCEPT")

    async def restart(self, run_id: str, attempt: int) -> None:
        async with prefect_client() as client:
            run = await client.read_flow_run(UUID(run_id))
            # Prefect's own count of starts leaves out the ones after a pause.
            kept = [tag for tag in run.tags if not tag.startswith(ATTEMPT)]
            await client.update_flow_run(UUID(run_id), tags=[*kept, f"{ATTEMPT}{attempt}"])
            await client.set_flow_run_state(
                UUID(run_id),
                Scheduled(name="Restarting", message="dataroll runs it again from its journal"),
                force=True,
            )

    async def declare_dead(self, run_id: str, reason: str, *, cancelled: bool = False) -> None:
        """Say in Prefect what it has not noticed: the process is gone."""
        state: State[Any] = Cancelled(message=reason) if cancelled else Failed(message=reason)
        async with prefect_client() as client:
            await client.set_flow_run_state(UUID(run_id), state, force=True)

    async def cancel(self, run_id: str) -> None:
        async with prefect_client() as client:
            run = await client.read_flow_run(UUID(run_id))
            if run.state is None or run.state.is_final():
                return
            if run.state.is_scheduled():
                await client.set_flow_run_state(UUID(run_id), Cancelled())
            else:
                await client.set_flow_run_state(UUID(run_id), Cancelling())

    async def scheduled_runs(
        self, deployment_ids: tuple[str, ...], since: datetime | None = None
    ) -> list[RunState]:
        if not deployment_ids:
            return []
        found: list[RunState] = []
        async with prefect_client() as client:
            while True:
                page = await client.read_flow_runs(
                    deployment_filter=DeploymentFilter(
                        id=DeploymentFilterId(any_=[UUID(d) for d in deployment_ids])
                    ),
                    # Prefect makes scheduled runs ahead of time: those are not due yet.
                    flow_run_filter=FlowRunFilter(
                        expected_start_time=FlowRunFilterExpectedStartTime(
                            after_=since, before_=datetime.now(UTC)
                        )
                    ),
                    sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                    limit=PAGE,
                    offset=len(found),
                )
                found += [run_state(run, []) for run in page]
                if len(page) < PAGE:
                    return [run for run in found if run.execution_id is None]

    async def logs(self, run_id: str, after: datetime | None = None) -> list[LogLine]:
        async with prefect_client() as client:
            nodes: dict[UUID, str] = {}
            offset = 0
            lines: list[LogLine] = []
            while True:
                page = await client.read_logs(
                    LogFilter(
                        flow_run_id=LogFilterFlowRunId(any_=[UUID(run_id)]),
                        timestamp=LogFilterTimestamp(after_=after) if after else None,
                    ),
                    limit=200,
                    offset=offset,
                )
                if any(log.task_run_id and log.task_run_id not in nodes for log in page):
                    nodes = await node_ids(client, UUID(run_id))
                lines += [
                    LogLine(
                        id=str(log.id),
                        run_id=run_id,
                        node_id=nodes.get(log.task_run_id) if log.task_run_id else None,
                        level=level_name(log.level),
                        message=log.message,
                        at=log.timestamp,
                    )
                    for log in page
                ]
                if len(page) < 200:
                    return lines
                offset += 200

    async def events(self) -> AsyncIterator[str]:
        """Run ids from Prefect's event stream. Ends when the connection does."""
        from prefect.events.clients import get_events_subscriber
        from prefect.events.filters import EventFilter, EventNameFilter

        wanted = EventFilter(
            event=EventNameFilter(prefix=["prefect.flow-run.", "prefect.task-run."])
        )
        async with get_events_subscriber(filter=wanted, reconnection_attempts=0) as subscriber:
            async for event in subscriber:
                for resource in (event.resource, *event.related):
                    kind, _, run_id = resource.id.rpartition(".")
                    if kind == "prefect.flow-run":
                        yield run_id
                        break

    async def healthy(self) -> bool:
        try:
            async with prefect_client() as client:
                return await client.api_healthcheck() is None
        except OrchestratorUnavailable:
            return False


def schedule_create(schedule: Schedule) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(
        schedule=CronSchedule(cron=schedule.cron, timezone=schedule.timezone),
        active=schedule.active,
        slug=schedule.slug,
        parameters=dict(schedule.parameters),
    )


def schedule_of(found: DeploymentSchedule) -> Schedule:
    """As we would have made it; what is not ours at all differs from everything we make."""
    cron = getattr(found.schedule, "cron", "")
    return Schedule(
        found.slug or str(found.id),
        cron,
        getattr(found.schedule, "timezone", None) or "UTC",
        found.active,
        found.parameters,
    )


async def read_journal(client: PrefectClient, run_id: UUID) -> list[dict[str, Any]]:
    """The run's flow-run inputs: one entry per started and settled node, and its outcome."""
    entries: list[dict[str, Any]] = []
    for prefix in ("node-", "run"):
        seen: set[str] = set()
        while True:
            page = await client.filter_flow_run_input(
                flow_run_id=run_id, key_prefix=prefix, limit=200, exclude_keys=seen
            )
            entries += [{"key": entry.key, **json.loads(entry.value)} for entry in page]
            seen |= {entry.key for entry in page}
            if len(page) < 200:
                break
    return entries


async def node_ids(client: PrefectClient, run_id: UUID) -> dict[UUID, str]:
    """Node id by task-run id, from the tags: names are not set yet when a task is pending."""
    found: dict[UUID, str] = {}
    offset = 0
    while True:
        page = await client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
            limit=200,
            offset=offset,
        )
        for task_run in page:
            for tag in task_run.tags:
                if tag.startswith("node:"):
                    found[task_run.id] = tag.removeprefix("node:")
        if len(page) < 200:
            return found
        offset += 200


def run_state(run: FlowRun, entries: Iterable[dict[str, Any]]) -> RunState:
    """What Prefect and the journal together say about a run."""
    state: State[Any] | None = run.state
    status: RunStatus = STATUSES[state.type] if state else "pending"
    outcome = next((entry for entry in entries if entry["key"] == "run"), None)
    by_node: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["key"] != "run" and (
            entry["status"] != "running" or entry["nodeId"] not in by_node
        ):
            by_node[entry["nodeId"]] = entry
    if state is not None and state.type == StateType.CRASHED and by_node and outcome is None:
        # The process died in the middle: the resumer starts the run again from its journal.
        status = "running"
    over = status in ("success", "failed", "cancelled")
    message = state.message if state else None
    if state is not None and state.type == StateType.CRASHED:
        message = f"the process that ran it died: {message or 'no reason is known'}"
    updated = state.timestamp if state else datetime.now(UTC)
    return RunState(
        run_id=str(run.id),
        execution_id=execution_of(run),
        status=status,
        updated_at=updated,
        started_at=run.start_time,
        completed_at=run.end_time,
        output=outcome,
        error=message if status in ("failed", "cancelled") else None,
        nodes=tuple(node_state(entry, over, updated) for entry in by_node.values()),
        scheduled=bool(run.auto_scheduled),
        deployment_id=str(run.deployment_id) if run.deployment_id else None,
        parameters=run.parameters or {},
        starts_at=run.expected_start_time,
        taken=state is not None and state.type == StateType.PENDING,
        attempt=attempt_of(run),
    )


def node_state(entry: dict[str, Any], run_over: bool, run_updated: datetime) -> NodeState:
    status, reason = entry["status"], entry.get("reason")
    if status == "running" and run_over:
        status = "unknown"
        reason = "the run ended while this node was at work; check what it did before going on"
    started, completed = moment(entry.get("startedAt")), moment(entry.get("completedAt"))
    return NodeState(
        node_id=entry["nodeId"],
        node_type=entry["nodeType"],
        node_name=entry["nodeName"],
        status=status,
        updated_at=completed or (run_updated if run_over else started) or run_updated,
        reason=reason,
        branch=entry.get("branch"),
        input=entry.get("input"),
        output=entry.get("output"),
        error=entry.get("error"),
        started_at=started,
        completed_at=completed,
        duration=entry.get("duration"),
        retry_count=entry.get("retryCount", 0),
    )


def attempt_of(run: FlowRun) -> int:
    """How often the run has been started again, as :meth:`PrefectOrchestrator.restart` noted."""
    found = [tag.removeprefix(ATTEMPT) for tag in run.tags if tag.startswith(ATTEMPT)]
    return max((int(number) for number in found if number.isdecimal()), default=0)


def execution_of(run: FlowRun) -> str | None:
    for tag in run.tags:
        if tag.startswith("execution:"):
            return str(tag.removeprefix("execution:"))
    return None


def level_name(level: int) -> str:
    if level >= 40:
        return "error"
    if level >= 30:
        return "warning"
    return "info" if level >= 20 else "debug"


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
