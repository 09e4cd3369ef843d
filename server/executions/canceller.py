"""Ends runs that somebody wants ended, as soon as the orchestrator hears it.

The wish is a column, so an orchestrator that is down, or a crash of this
server, only delays it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import select, update

from server.database import Database
from server.models import FINISHED, WorkflowExecution, utc_now
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable

log = logging.getLogger("dataroll.canceller")

IDLE = 5.0
AGAIN = timedelta(seconds=10)
"""A run that goes on is told again after this long."""


class Canceller:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._called = asyncio.Event()
        self._told: dict[str, float] = {}

    def wake(self) -> None:
        self._called.set()

    async def run(self) -> None:
        while True:
            self._called.clear()
            try:
                await self.cancel_wanted()
            except OrchestratorUnavailable:
                log.info("the orchestrator does not answer; runs are cancelled when it does")
            except Exception:
                log.exception("cancelling failed; trying again")
            try:
                await asyncio.wait_for(self._called.wait(), IDLE)
            except TimeoutError:
                continue

    async def cancel_wanted(self) -> int:
        """Tell the orchestrator; the mirror hears of the end. How many were told."""
        wanted = WorkflowExecution.cancel_requested_at.is_not(None)
        still_open = WorkflowExecution.status.not_in(FINISHED)
        async with self.database.writing() as session:
            # Handed over in the moment of the wish, or never: those end here.
            await session.execute(
                update(WorkflowExecution)
                .where(
                    wanted,
                    WorkflowExecution.status == "pending",
                    WorkflowExecution.prefect_flow_run_id.is_(None),
                    WorkflowExecution.cancel_requested_at < utc_now() - AGAIN,
                )
                .values(status="cancelled", completed_at=utc_now())
            )
            rows = await session.execute(
                select(WorkflowExecution.id, WorkflowExecution.prefect_flow_run_id).where(
                    wanted, still_open, WorkflowExecution.prefect_flow_run_id.is_not(None)
                )
            )
            runs = [(row.id, str(row.prefect_flow_run_id)) for row in rows]
        now = asyncio.get_running_loop().time()
        self._told = {key: at for key, at in self._told.items() if now - at < 3600}
        told = 0
        for execution_id, run_id in runs:
            if now - self._told.get(execution_id, -1e9) < AGAIN.total_seconds():
                continue
            await self.orchestrator.cancel(run_id)
            self._told[execution_id] = now
            told += 1
        return told
