"""Prefect behind the :class:`~server.orchestrator.protocol.Orchestrator` protocol.

Deploys through Prefect's client API, never imports generated code, and reads a
run's nodes from the journal that the flow keeps in its own flow-run inputs:
those are written synchronously, while task runs and events reach Prefect's
database late and can be lost.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterTimestamp,
)
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Cancelled, Cancelling, Completed, Failed, Scheduled

from server.orchestrator import automations
from server.orchestrator.prefect_client import PrefectLine
from server.orchestrator.prefect_journal import PAGE, Journals
from server.orchestrator.prefect_state import ATTEMPT, level_name, run_state
from server.orchestrator.protocol import (
    Deployed,
    Deployment,
    LogLine,
    OrchestratorUnavailable,
    RunEnd,
    RunRequest,
    RunState,
    Schedule,
)
from server.orchestrator.warm import client as engine_client

WORK_POOL = "dataroll"
WORKFLOW_ID = "workflow-id:"
"""A tag that says whose deployment it is, also where our tables know nothing of it."""
ENGINE_COMMAND = shlex.join([sys.executable, "-S", "-E", engine_client.__file__])
"""Becomes a fork of the worker's warm server, or else ``python -m prefect.engine``."""

ENDS = {"success": Completed, "failed": Failed, "cancelled": Cancelled}
HEALTHY_WITHIN = 3.0
FLOW_SETTINGS = {
    # A call that Prefect does not answer is repeated for half a minute, with pauses that double;
    # what is ours is repeated far longer, and soon after Prefect is back.
    "PREFECT_CLIENT_MAX_RETRIES": "4",
    # Worker and server are of one installation; the first node need not ask.
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
}


class PrefectOrchestrator:
    """Runs workflows on the Prefect server that ``PREFECT_API_URL`` names."""

    def __init__(self, work_pool: str = WORK_POOL, *, worker_token: str | None = None) -> None:
        """With the worker's token only those journal entries count that carry its seal."""
        self.work_pool = work_pool
        self.line = PrefectLine()
        self.journals = Journals(worker_token)

    async def close(self) -> None:
        """Close the line to Prefect; the next call opens another one."""
        await self.line.close()

    async def prepare(self) -> None:
        """Make sure that the work pool is there."""
        from prefect.workers.process import ProcessWorker

        async with self.line.client() as client:
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
        async with self.line.client() as client:
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
                job_variables={"command": ENGINE_COMMAND, "env": FLOW_SETTINGS},
                paused=False,
            )
        return str(deployment_id)

    async def undeploy(self, deployment_id: str) -> None:
        async with self.line.client() as client:
            try:
                await client.delete_deployment(UUID(deployment_id))
            except ObjectNotFound:
                return

    async def set_schedules(self, deployment_id: str, schedules: tuple[Schedule, ...]) -> None:
        async with self.line.client() as client:
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
        async with self.line.client() as client:
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
        async with self.line.client() as client:
            await automations.listen_for(client, slug, deployment_id)

    async def listening(self) -> dict[str, str]:
        async with self.line.client() as client:
            return await automations.listening(client)

    async def start(self, request: RunRequest) -> str:
        async with self.line.client() as client:
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
        wanted = UUID(run_id)
        async with self.line.client() as client:
            try:
                run, entries = await asyncio.gather(
                    client.read_flow_run(wanted), self.journals.read(client, wanted)
                )
                if run.state is not None and run.state.is_final():
                    # The journal may have been read a moment before the run ended.
                    entries = await self.journals.read(client, wanted)
            except ObjectNotFound:
                return None
        return run_state(run, entries)

    async def resume(self, run_id: str) -> bool:
        async with self.line.client() as client:
            try:
                result = await client.resume_flow_run(UUID(run_id))
            except ObjectNotFound:
                return False
        # Prefect answers 200 to a refused resume; only the status tells.
        return bool(result.status.value == "ACCEPT")

    async def restart(self, run_id: str, attempt: int) -> None:
        async with self.line.client() as client:
            run = await client.read_flow_run(UUID(run_id))
            # Prefect's own count of starts leaves out the ones after a pause.
            kept = [tag for tag in run.tags if not tag.startswith(ATTEMPT)]
            await client.update_flow_run(UUID(run_id), tags=[*kept, f"{ATTEMPT}{attempt}"])
            await client.set_flow_run_state(
                UUID(run_id),
                Scheduled(name="Restarting", message="dataroll runs it again from its journal"),
                force=True,
            )

    async def declare(self, run_id: str, status: RunEnd, reason: str) -> None:
        """Say in Prefect what it has not noticed: the run is over, and ended so."""
        async with self.line.client() as client:
            await client.set_flow_run_state(UUID(run_id), ENDS[status](message=reason), force=True)

    async def cancel(self, run_id: str) -> None:
        async with self.line.client() as client:
            run = await client.read_flow_run(UUID(run_id))
            if run.state is not None and run.state.is_crashed():
                # To us it goes on: it would be started again.
                await client.set_flow_run_state(UUID(run_id), Cancelled(), force=True)
            elif run.state is None or run.state.is_final():
                return
            elif run.state.is_scheduled():
                await client.set_flow_run_state(UUID(run_id), Cancelled())
            else:
                await client.set_flow_run_state(UUID(run_id), Cancelling())

    async def scheduled_runs(
        self, deployment_ids: tuple[str, ...], since: datetime | None = None
    ) -> list[RunState]:
        if not deployment_ids:
            return []
        found: list[RunState] = []
        async with self.line.client() as client:
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
        async with self.line.client() as client:
            offset = 0
            lines: list[LogLine] = []
            while True:
                page = await client.read_logs(
                    LogFilter(
                        flow_run_id=LogFilterFlowRunId(any_=[UUID(run_id)]),
                        timestamp=LogFilterTimestamp(after_=after) if after else None,
                    ),
                    limit=PAGE,
                    offset=offset,
                )
                of_tasks = {log.task_run_id for log in page if log.task_run_id}
                nodes = await self.journals.node_ids(client, UUID(run_id), of_tasks)
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
                if len(page) < PAGE:
                    return lines
                offset += PAGE

    async def events(self) -> AsyncIterator[str]:
        """Run ids from Prefect's event stream. Ends when the connection does.

        Of its nodes the flow process tells us itself, once they are in its journal: Prefect's
        events of task runs come before that, and many.
        """
        from prefect.events.clients import get_events_subscriber
        from prefect.events.filters import EventFilter, EventNameFilter

        wanted = EventFilter(event=EventNameFilter(prefix=["prefect.flow-run."]))
        async with get_events_subscriber(filter=wanted, reconnection_attempts=0) as subscriber:
            async for event in subscriber:
                for resource in (event.resource, *event.related):
                    kind, _, run_id = resource.id.rpartition(".")
                    if kind == "prefect.flow-run":
                        yield run_id
                        break

    async def healthy(self) -> bool:
        """Whether it answers now: who asks does not want to wait for a call to be repeated."""
        try:
            async with asyncio.timeout(HEALTHY_WITHIN), self.line.client() as client:
                return await client.api_healthcheck() is None
        except (OrchestratorUnavailable, TimeoutError):
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
