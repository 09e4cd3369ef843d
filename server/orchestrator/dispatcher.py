"""Starts the executions that are waiting to be started.

An execution is a row before it is a run: whatever happens to Prefect, the
request is kept, and started when Prefect is back. The execution's id is
Prefect's idempotency key, so that trying again never starts a second run.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select

from server.bell import Bell
from server.database import Database
from server.models import Workflow, WorkflowExecution
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, RunRequest

log = logging.getLogger("dataroll.dispatcher")

IDLE = 5.0
"""Seconds between two looks when nobody calls."""
LONGEST_PAUSE = 30.0
TOGETHER = 50


class Dispatcher:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._bell = Bell()

    def wake(self) -> None:
        """Somebody has just committed an execution."""
        self._bell.ring()

    async def run(self) -> None:
        pause = IDLE
        while True:
            try:
                await self.dispatch()
                pause = IDLE
            except OrchestratorUnavailable as error:
                pause = min(pause * 1.5, LONGEST_PAUSE)
                log.warning("%s; trying again in %.0f s", error, pause)
            except Exception:
                log.exception("dispatching failed; trying again")
            await self._bell.wait(pause)

    async def dispatch(self) -> int:
        """Start what is waiting; returns how many runs were started."""
        async with self.database.reading() as session:
            rows = await session.execute(
                select(WorkflowExecution, Workflow)
                .join(Workflow, Workflow.id == WorkflowExecution.workflow_id)
                .where(
                    WorkflowExecution.status == "pending",
                    WorkflowExecution.prefect_flow_run_id.is_(None),
                    WorkflowExecution.cancel_requested_at.is_(None),
                    or_(
                        WorkflowExecution.start_at.is_(None),
                        WorkflowExecution.start_at <= datetime.now(UTC) + timedelta(minutes=5),
                    ),
                )
                .order_by(WorkflowExecution.id)
                .limit(TOGETHER)
            )
            waiting = [(execution, workflow) for execution, workflow in rows]
        for execution, workflow in waiting:
            await self._start(execution, workflow)
        return len(waiting)

    async def _start(self, execution: WorkflowExecution, workflow: Workflow) -> None:
        run_id, refused = None, None
        try:
            run_id = await self.orchestrator.start(
                RunRequest(
                    execution_id=execution.id,
                    deployment_id=str(execution.deployment_id),
                    name=f"{workflow.slug}-{execution.id[-6:]}",
                    parameters=execution.parameters,
                    tags=(f"workflow:{workflow.slug}",),
                    start_at=execution.start_at,
                )
            )
        except OrchestratorUnavailable as error:
            await self._note(execution.id, str(error))
            raise
        except Exception as error:
            log.exception("execution %s cannot be started", execution.id)
            refused = f"Prefect refused to start the run: {type(error).__name__}: {error}"
        async with self.database.writing() as session:
            row = await session.get(WorkflowExecution, execution.id)
            if row is None:
                return
            row.dispatch_attempts += 1
            row.dispatch_error = refused
            unwanted = run_id is not None and row.status == "cancelled"
            if run_id is not None:
                row.prefect_flow_run_id = run_id
            elif row.status == "pending":
                row.status, row.error = "failed", refused
                row.completed_at = datetime.now(UTC)
        if unwanted and run_id is not None:
            # Cancelled while we were asking: nobody else will look at this run again.
            await self.orchestrator.cancel(run_id)

    async def _note(self, execution_id: str, error: str) -> None:
        async with self.database.writing() as session:
            row = await session.get(WorkflowExecution, execution_id)
            if row is not None:
                row.dispatch_attempts += 1
                row.dispatch_error = error
