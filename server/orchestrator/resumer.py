"""Lets runs go on whose approval has been decided, and finds the ones whose process died.

A decision is made in dataroll's tables; the run hears of it when Prefect
resumes it. Telling is repeated until the run has taken the decision in, so a
crash between the two loses nothing. A run that does not send its heartbeat
any more is dead, whatever Prefect says: it is started again from its journal,
which repeats no node that has settled.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from server.approvals.service import expire_due
from server.database import Database
from server.models import NodeExecution, WorkflowApproval, WorkflowExecution
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable

log = logging.getLogger("dataroll.resumer")

ROUND = 1.0
"""Seconds between two rounds."""
SILENCE = timedelta(seconds=20)
"""A process that has said nothing for this long is dead; it speaks every two seconds."""
START_UP = timedelta(seconds=120)
"""How long a restarted run may take until its first heartbeat."""
OPEN = ("pending", "running", "waiting")


class Resumer:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._called = asyncio.Event()
        self._restarted: dict[str, datetime] = {}
        self._listening_since = datetime.now(UTC)

    def wake(self, execution_id: str | None = None) -> None:
        """Somebody has just decided or cancelled."""
        self._called.set()

    async def run(self) -> None:
        while True:
            self._called.clear()
            for work in (self.expire, self.resume, self.find_dead, self.force_cancelled):
                try:
                    await work()
                except OrchestratorUnavailable:
                    log.debug("Prefect does not answer; decisions are kept until it does")
                except Exception:
                    log.exception("%s failed; it is tried again", work.__name__)
            try:
                await asyncio.wait_for(self._called.wait(), ROUND)
            except TimeoutError:
                continue

    async def expire(self) -> None:
        """Requests whose time is over: nobody answering never means yes."""
        async with self.database.writing() as session:
            await expire_due(session)

    async def resume(self) -> None:
        """Resume every paused run that has a decision it has not taken in yet."""
        async with self.database.reading() as session:
            rows = await session.execute(
                select(WorkflowExecution.id, WorkflowExecution.prefect_flow_run_id)
                .join(WorkflowApproval, WorkflowApproval.execution_id == WorkflowExecution.id)
                .outerjoin(
                    NodeExecution,
                    (NodeExecution.execution_id == WorkflowApproval.execution_id)
                    & (NodeExecution.node_id == WorkflowApproval.node_id),
                )
                .where(
                    WorkflowExecution.status.in_(OPEN),
                    WorkflowExecution.prefect_flow_run_id.is_not(None),
                    WorkflowApproval.status != "pending",
                    (NodeExecution.id.is_(None))
                    | NodeExecution.status.in_(("pending", "running", "waiting")),
                )
                .distinct()
            )
            waiting = [(execution_id, str(run_id)) for execution_id, run_id in rows]
        for execution_id, run_id in waiting:
            state = await self.orchestrator.get(run_id)
            if state is None or state.status != "waiting":
                continue
            # Marked before the call: the flow takes a resume without a new mark for
            # somebody else's, and fails the approval.
            async with self.database.writing() as session:
                await session.execute(
                    update(WorkflowApproval)
                    .where(
                        WorkflowApproval.execution_id == execution_id,
                        WorkflowApproval.status != "pending",
                    )
                    .values(resumed_at=datetime.now(UTC))
                )
            if await self.orchestrator.resume(run_id):
                log.info("resumed %s", execution_id)

    async def find_dead(self) -> None:
        """Runs that spoke once and have fallen silent: start them again from their journal."""
        now = datetime.now(UTC)
        if now - self._listening_since < SILENCE:
            # While this server was away nobody could be heard: that is not their death.
            return
        async with self.database.reading() as session:
            rows = await session.execute(
                select(WorkflowExecution.id, WorkflowExecution.prefect_flow_run_id).where(
                    WorkflowExecution.status.in_(("running", "waiting")),
                    WorkflowExecution.prefect_flow_run_id.is_not(None),
                    WorkflowExecution.heartbeat_at < now - SILENCE,
                )
            )
            silent = [(execution_id, str(run_id)) for execution_id, run_id in rows]
        for execution_id, run_id in silent:
            if self._restarted.get(execution_id, now - START_UP * 2) > now - START_UP:
                continue
            state = await self.orchestrator.get(run_id)
            if state is None or state.status not in ("running", "waiting"):
                continue
            log.warning("the process of %s died; starting it again from its journal", execution_id)
            self._restarted[execution_id] = now
            await self.orchestrator.restart(run_id)

    async def force_cancelled(self) -> None:
        """Runs asked to cancel: wake the paused ones, end the ones that do not answer."""
        now = datetime.now(UTC)
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowExecution).where(
                    WorkflowExecution.status.in_(OPEN),
                    WorkflowExecution.cancel_requested_at.is_not(None),
                )
            )
            asked = list(rows)
        for execution in asked:
            run_id = execution.prefect_flow_run_id
            if run_id is None:
                await self._cancel_unstarted(execution.id)
                continue
            heard = execution.heartbeat_at
            alive = heard is not None and heard > now - SILENCE
            if not alive:
                await self.orchestrator.cancel(run_id)

    async def _cancel_unstarted(self, execution_id: str) -> None:
        async with self.database.writing() as session:
            await session.execute(
                update(WorkflowExecution)
                .where(
                    WorkflowExecution.id == execution_id,
                    WorkflowExecution.prefect_flow_run_id.is_(None),
                    WorkflowExecution.status == "pending",
                )
                .values(
                    status="cancelled",
                    reason="cancelled before it was started",
                    completed_at=datetime.now(UTC),
                )
            )
