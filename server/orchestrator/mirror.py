"""Copies the state of every run from the orchestrator into dataroll's tables.

Events are hints and state is the truth: an event says which run to look at
*now*, the sweep looks at every unsettled run every few seconds, and what is
recorded is always the whole state as read, never what an event claims.
Recording is idempotent and monotone, so hints may be lost, repeated or
reordered, and several servers may mirror into one database.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select

from server.database import Database
from server.executions.adopt import adopt
from server.executions.record import record_logs, record_run
from server.models import ExecutionLog, WorkflowDefinition, WorkflowExecution
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, RunState

log = logging.getLogger("dataroll.mirror")

SWEEP = 5.0
"""Seconds between two looks at every unsettled run."""
SETTLED_FOR = timedelta(seconds=20)
"""How long a finished run is still looked at: its last logs arrive late."""
ECHO = 0.4
"""Seconds after a hint until the second look: an event can come before what it is about."""
SIDE_BY_SIDE = 8
LATELY = timedelta(hours=1)
"""What ended within this time is looked at once more when the server starts."""
BACK = timedelta(days=7)
"""How far back a starting server looks for runs that schedules started without it."""
FIRES_LATE = timedelta(minutes=10)
"""How much later than planned a run may turn up and still be found by the next sweep."""
MISSING_FOR = timedelta(seconds=20)
"""How long Prefect must have been without a run of ours before we believe it."""
MOST = 1000
OVERLAP = timedelta(seconds=10)
"""Logs are read again from this long before the newest line: they can arrive out of order."""


class Mirror:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._due: dict[str, float] = {}
        self._called = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = {}
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._working: set[asyncio.Task[None]] = set()
        self._adopted_until = datetime.now(UTC) - BACK
        self._foreign: dict[str, None] = {}
        """Runs on the same Prefect that are none of ours; the oldest are forgotten first."""
        self._missed: dict[str, datetime] = {}

    def hint(self, run_id: str) -> None:
        """Something happened to this run: look at it now, and once more a moment later."""
        now = asyncio.get_running_loop().time()
        self._due[run_id] = min(self._due.get(run_id, now), now)
        self._called.set()

    async def run(self) -> None:
        await asyncio.gather(self._catch_up(), self._listen(), self._sweep(), self._work())

    async def _catch_up(self) -> None:
        """Look once at what ended lately: its last logs may have come while nobody listened."""
        try:
            async with self.database.reading() as session:
                rows = await session.scalars(
                    select(WorkflowExecution.prefect_flow_run_id)
                    .where(
                        WorkflowExecution.prefect_flow_run_id.is_not(None),
                        WorkflowExecution.completed_at > datetime.now(UTC) - LATELY,
                    )
                    .order_by(WorkflowExecution.id.desc())
                    .limit(MOST)
                )
                lately = [run_id for run_id in rows if run_id]
            for run_id in lately:
                self.hint(run_id)
        except Exception:
            log.exception("what ended lately could not be looked at again")

    async def _listen(self) -> None:
        """Follow the event stream; whatever is missed while it is down, the sweep finds."""
        pause = 0.5
        while True:
            try:
                async for run_id in self.orchestrator.events():
                    pause = 0.5
                    self.hint(run_id)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.info("no events (%s); sweeping meanwhile", type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)

    async def _sweep(self) -> None:
        while True:
            for look in (self.unsettled, self.unknown):
                try:
                    for run_id in await look():
                        self.hint(run_id)
                except asyncio.CancelledError:
                    raise
                except OrchestratorUnavailable:
                    log.debug("Prefect does not answer; the next sweep asks again")
                except Exception:
                    log.exception("the sweep failed; it goes on")
            await asyncio.sleep(SWEEP)

    async def unknown(self) -> list[str]:
        """Runs of our deployments that we did not start: by a schedule, or in Prefect's UI."""
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowDefinition.deployment_id).where(
                    WorkflowDefinition.deployment_id.is_not(None)
                )
            )
            deployments = tuple({deployment for deployment in rows if deployment})
        now = datetime.now(UTC)
        runs = await self.orchestrator.scheduled_runs(deployments, self._adopted_until)
        self._adopted_until = now - FIRES_LATE
        async with self.database.reading() as session:
            known = set()
            ids = [run.run_id for run in runs]
            for start in range(0, len(ids), 500):
                known |= set(
                    await session.scalars(
                        select(WorkflowExecution.prefect_flow_run_id).where(
                            WorkflowExecution.prefect_flow_run_id.in_(ids[start : start + 500])
                        )
                    )
                )
        found = [run_id for run_id in ids if run_id not in known]
        for run_id in found:
            self._foreign.pop(run_id, None)
        return found

    async def unsettled(self) -> list[str]:
        """Run ids that are not over, or were over only a moment ago."""
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowExecution.prefect_flow_run_id).where(
                    WorkflowExecution.prefect_flow_run_id.is_not(None),
                    or_(
                        WorkflowExecution.status.in_(("pending", "running", "waiting")),
                        WorkflowExecution.completed_at > datetime.now(UTC) - SETTLED_FOR,
                    ),
                )
            )
            return [run_id for run_id in rows if run_id]

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._called.clear()
            now = loop.time()
            for run_id, at in list(self._due.items()):
                if at <= now:
                    del self._due[run_id]
                    await self._slots.acquire()
                    work = loop.create_task(self._look(run_id))
                    self._working.add(work)
                    work.add_done_callback(self._working.discard)
            next_due = min(self._due.values(), default=now + SWEEP)
            try:
                await asyncio.wait_for(self._called.wait(), max(next_due - loop.time(), 0.01))
            except TimeoutError:
                continue

    async def _look(self, run_id: str) -> None:
        try:
            if await self.refresh(run_id):
                again = asyncio.get_running_loop().time() + ECHO
                self._due.setdefault(run_id, again)
                self._called.set()
        except OrchestratorUnavailable:
            log.debug("Prefect does not answer; the sweep comes back to %s", run_id)
        except Exception:
            # One bad run must never stop the others.
            log.exception("run %s could not be mirrored; the sweep comes back to it", run_id)
        finally:
            self._slots.release()

    async def refresh(self, run_id: str) -> bool:
        """Read the run and record it. True when anything was new."""
        lock = self._locks.setdefault(run_id, asyncio.Lock())
        async with lock:
            async with self.database.reading() as session:
                execution = await session.scalar(
                    select(WorkflowExecution).where(WorkflowExecution.prefect_flow_run_id == run_id)
                )
            if execution is None:
                execution = await self._adopt(run_id)
                if execution is None:
                    self._locks.pop(run_id, None)
                    return False
            async with self.database.reading() as session:
                newest = await session.scalar(
                    select(func.max(ExecutionLog.at)).where(
                        ExecutionLog.execution_id == execution.id
                    )
                )
            state = await self.orchestrator.get(run_id)
            if state is None:
                return await self._lost(run_id, execution.id)
            self._missed.pop(run_id, None)
            # A run that was adopted carries no mark of its execution in Prefect.
            state = replace(state, execution_id=execution.id)
            # The state first: whoever watches should not wait for the log to be read.
            async with self.database.writing() as session:
                changed = await record_run(session, state)
            lines = await self.orchestrator.logs(run_id, newest - OVERLAP if newest else None)
            new_lines = 0
            if lines:
                async with self.database.writing() as session:
                    new_lines = await record_logs(session, execution.id, lines)
        if state.completed_at:
            self._locks.pop(run_id, None)
        return bool(changed or new_lines)

    async def _adopt(self, run_id: str) -> WorkflowExecution | None:
        """The execution of a run that we did not start; None for what is not ours."""
        if run_id in self._foreign:
            return None
        state = await self.orchestrator.get(run_id)
        if state is None or state.execution_id is not None:
            # Ours, and just being started: the dispatcher has not written it down yet.
            return None
        if state.starts_at is not None and state.starts_at > datetime.now(UTC):
            return None
        async with self.database.writing() as session:
            execution = await adopt(session, state)
        if execution is None:
            self._foreign[run_id] = None
            while len(self._foreign) > MOST:
                self._foreign.pop(next(iter(self._foreign)))
        return execution

    async def _lost(self, run_id: str, execution_id: str) -> bool:
        """Prefect does not know the run: deleted there, or its database was replaced."""
        since = self._missed.setdefault(run_id, datetime.now(UTC))
        if datetime.now(UTC) - since < MISSING_FOR:
            return False
        log.warning("Prefect does not know the run of %s any more", execution_id)
        async with self.database.writing() as session:
            return await record_run(
                session,
                RunState(
                    run_id=run_id,
                    execution_id=execution_id,
                    status="failed",
                    updated_at=datetime.now(UTC),
                    completed_at=datetime.now(UTC),
                    error="Prefect does not know this run any more: it was deleted there;"
                    " check what it did before starting another",
                ),
            )
