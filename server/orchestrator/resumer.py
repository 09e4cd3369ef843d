"""Lets runs go on whose approval has been decided, and finds the ones whose process died.

A decision is made in dataroll's tables; the run hears of it when Prefect
resumes it. Telling is repeated until the run has taken the decision in, so a
crash between the two loses nothing. A run that does not send its heartbeat
any more is dead, whatever Prefect says: it is not resumed into silence but
started again from its journal, which repeats no node that has settled. A
process that was only slow is sent home by the server (:mod:`server.executions.process`).
Where Prefect itself has noticed the death, and no heartbeat has come since, the
silence need not last as long.

A suspended run has no process and is not dead: it has said so. It is started
again, in the same way, once something that it waits for is decided.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, exists, false, func, select, update
from sqlalchemy.orm import aliased

from server.approvals.service import expire_due, mark_resumed
from server.bell import Bell
from server.database import Database
from server.executions.process import attempt_of, next_attempt, starting
from server.models import NodeExecution, WorkflowApproval, WorkflowExecution
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, RunState, end_of

log = logging.getLogger("dataroll.resumer")

ROUND = 1.0
"""Seconds between two rounds."""
LOOK = 3.0
SILENCE = timedelta(seconds=20)
"""A process that has said nothing for this long is dead; it speaks every two to five seconds."""
CRASHED = timedelta(seconds=6)
"""The same where Prefect says that the process died: longer than between two heartbeats, because
what is known of may be another process of the run than the one that speaks to us."""
START_UP = timedelta(seconds=120)
"""How long a run may take from being handed to a worker to its first heartbeat."""
TELL_AGAIN = timedelta(seconds=10)
GOES = timedelta(seconds=10)
"""How long a process may take from saying that it suspends to Prefect's saying so too."""
RESTARTS = 10
"""How often a run is started again at most: one that kills every process is given up, visibly."""
STARTS = 5
"""The same for one that crashes before its first node: there may be nothing to load."""
OPEN = ("pending", "running", "waiting")


class Resumer:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._bell = Bell()
        self._restarted: dict[str, datetime] = {}
        self._crashed: set[str] = set()
        """Run ids that Prefect calls crashed, as far as the mirror has seen."""
        self._listening_since = datetime.now(UTC)
        self._looked = 0.0

    def wake(self, execution_id: str | None = None) -> None:
        """Somebody has just decided or cancelled."""
        self._bell.ring()

    def crashed(self, run_id: str) -> None:
        """Prefect says that the process died; said again for as long as it does."""
        self._crashed.add(run_id)

    async def run(self) -> None:
        while True:
            for work in (
                self.expire,
                self.resume,
                self.call_back,
                self.look_for_dead,
                self.force_cancelled,
            ):
                try:
                    await work()
                except OrchestratorUnavailable:
                    log.debug("Prefect does not answer; decisions are kept until it does")
                except Exception:
                    log.exception("%s failed; it is tried again", work.__name__)
            await self._bell.wait(ROUND)

    async def expire(self) -> None:
        """Requests whose time is over: nobody answering never means yes."""
        while True:
            async with self.database.writing() as session:
                if not await expire_due(session):
                    return

    async def resume(self) -> None:
        """Resume every paused run that has a decision it has not taken in yet."""
        # What the journal says is not enough: whoever reaches Prefect can write it.
        unsettled = NodeExecution.id.is_(None) | NodeExecution.status.in_(OPEN)
        other = aliased(WorkflowApproval)
        others_open = exists().where(
            other.execution_id == WorkflowExecution.id, other.status == "pending"
        )
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
                    # A dead process hears nothing; find_dead starts it again instead.
                    WorkflowExecution.heartbeat_at >= datetime.now(UTC) - SILENCE,
                    # A suspended one is called back: its next process has to know that we did it.
                    WorkflowExecution.suspended_at.is_(None),
                    WorkflowApproval.status != "pending",
                    # Told once; and again, should the run still wait for what is decided.
                    WorkflowApproval.resumed_at.is_(None)
                    | WorkflowExecution.cancel_requested_at.is_not(None)
                    | (
                        (WorkflowApproval.resumed_at < datetime.now(UTC) - TELL_AGAIN)
                        & (unsettled | ~others_open)
                    ),
                )
                .distinct()
            )
            waiting = [(execution_id, str(run_id)) for execution_id, run_id in rows]
        for execution_id, run_id in waiting:
            state = await self.orchestrator.get(run_id)
            if state is None or state.status != "waiting":
                continue
            async with self.database.writing() as session:
                execution = await session.get(WorkflowExecution, execution_id, with_for_update=True)
                if execution is None or execution.suspended_at is not None:
                    continue  # it has just gone, to wait for another approval
                await mark_resumed(session, execution_id)
            if await self.orchestrator.resume(run_id):
                log.info("resumed %s", execution_id)

    async def call_back(self) -> None:
        """Start suspended runs again for which something has been decided."""
        decided = exists().where(
            WorkflowApproval.execution_id == WorkflowExecution.id,
            WorkflowApproval.status != "pending",
            WorkflowApproval.resumed_at.is_(None),
        )
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowExecution).where(
                    WorkflowExecution.status.in_(OPEN),
                    WorkflowExecution.suspended_at.is_not(None),
                    WorkflowExecution.cancel_requested_at.is_(None),
                    decided,
                )
            )
            suspended = list(rows)
        for execution in suspended:
            run_id, since = str(execution.prefect_flow_run_id), execution.suspended_at
            state = await self.orchestrator.get(run_id)
            ends = since is not None and since > datetime.now(UTC) - GOES
            if state is None or (state.status != "waiting" and ends):
                continue  # its process is about to say so to Prefect
            attempt = next_attempt(execution)
            async with self.database.writing() as session:
                won = await session.execute(
                    update(WorkflowExecution)
                    .where(
                        WorkflowExecution.id == execution.id,
                        WorkflowExecution.suspended_at == since,
                    )
                    .values(
                        process=starting(attempt),
                        heartbeat_at=datetime.now(UTC),
                        suspended_at=None,
                    )
                    .returning(WorkflowExecution.id)
                )
                if won.first() is None:
                    continue  # another server was faster, or somebody has resumed it in Prefect
                await mark_resumed(session, execution.id)
            await self.orchestrator.restart(run_id, attempt)
            self._restarted[execution.id] = datetime.now(UTC)
            log.info("called %s back", execution.id)

    async def look_for_dead(self) -> None:
        """:meth:`find_dead`, not more often than every LOOK seconds: it asks Prefect."""
        if time.monotonic() >= self._looked + LOOK:
            self._looked = time.monotonic()
            await self.find_dead()

    async def find_dead(self) -> None:
        """Runs that have fallen silent, that a worker took and lost, or that Prefect calls crashed."""
        now = datetime.now(UTC)
        crashed, self._crashed = self._crashed, set()
        for execution in await self._candidates(now, crashed):
            run_id = str(execution.prefect_flow_run_id)
            begins = execution.process == starting(attempt_of(execution))
            restarted = self._restarted.get(execution.id, now - START_UP * 2)
            if begins and restarted > now - START_UP and run_id not in crashed:
                continue
            state = await self.orchestrator.get(run_id)
            if state is None:
                continue
            if state.output is not None and state.status == "running" and state.crash is None:
                # It has done all it had to; Prefect was away when it wanted to say so.
                await self.orchestrator.declare(run_id, *end_of(state.output))
            elif self._is_lost(execution, state, now):
                await self._start_again(execution, state)
            elif state.crash is not None:
                self._crashed.add(run_id)

    async def _candidates(self, now: datetime, crashed: set[str]) -> list[WorkflowExecution]:
        begun = func.coalesce(
            WorkflowExecution.state_updated_at,
            WorkflowExecution.started_at,
            WorkflowExecution.triggered_at,
        )
        silent: ColumnElement[bool] = (WorkflowExecution.heartbeat_at < now - SILENCE) | (
            WorkflowExecution.heartbeat_at.is_(None) & (begun < now - START_UP)
        )
        if now - self._listening_since < SILENCE:
            # While this server was away nobody could be heard: that is not their death.
            silent = false()
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowExecution).where(
                    WorkflowExecution.status.in_(OPEN),
                    WorkflowExecution.cancel_requested_at.is_(None),
                    WorkflowExecution.suspended_at.is_(None),
                    WorkflowExecution.prefect_flow_run_id.is_not(None),
                    silent | WorkflowExecution.prefect_flow_run_id.in_(list(crashed)),
                )
            )
            return list(rows)

    def _is_lost(self, execution: WorkflowExecution, state: RunState, now: datetime) -> bool:
        heard = execution.heartbeat_at
        if state.crash is not None:
            since = max(state.crash.at, self._listening_since)
            silent = heard is None or heard <= state.crash.at or heard < now - SILENCE
            return silent and now - since > CRASHED
        if heard is not None and heard >= now - SILENCE:
            return False  # it was called crashed a moment ago, and has contradicted
        if state.status == "pending":  # waiting for a worker, or lost by one that took it
            return state.taken and state.updated_at < now - START_UP
        return state.status in ("running", "waiting")

    async def _start_again(self, execution: WorkflowExecution, state: RunState) -> None:
        attempt = next_attempt(execution)
        deaths = execution.deaths + 1
        if deaths > (STARTS if state.crash is not None and not state.nodes else RESTARTS):
            log.error("%s has died %s times; giving it up", execution.id, deaths)
            reason = f"its process died {deaths} times; it is not started again"
            if state.crash is not None:
                reason += f" ({state.crash.message})"
            await self.orchestrator.declare(state.run_id, "failed", reason)
            return
        log.warning("the process of %s died; starting it again from its journal", execution.id)
        async with self.database.writing() as session:
            won = await session.execute(
                update(WorkflowExecution)
                .where(
                    WorkflowExecution.id == execution.id,
                    WorkflowExecution.heartbeat_at.is_not_distinct_from(execution.heartbeat_at),
                )
                # From here on the old process is late, should it still be there.
                .values(process=starting(attempt), heartbeat_at=datetime.now(UTC), deaths=deaths)
                .returning(WorkflowExecution.id)
            )
            if won.first() is None:
                return  # it has spoken after all, or another server was faster
        await self.orchestrator.restart(state.run_id, attempt)
        self._restarted[execution.id] = datetime.now(UTC)

    async def force_cancelled(self) -> None:
        """Runs asked to cancel: the live ones hear it themselves, the dead ones are ended."""
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
            heard = execution.heartbeat_at
            if run_id is None:
                await self._cancel_unstarted(execution.id)
            elif heard is None:
                await self.orchestrator.cancel(run_id)
            elif execution.suspended_at is not None:
                await self.orchestrator.declare(
                    run_id, "cancelled", "cancelled while it waited for an approval"
                )
            elif heard <= now - SILENCE:
                await self.orchestrator.declare(
                    run_id, "cancelled", "cancelled; its process had died before"
                )

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
