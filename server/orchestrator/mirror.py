"""Copies the state of every run from the orchestrator into dataroll's tables.

Hints and state: a hint says which run to look at *now*, the sweep looks at
every unsettled run every few seconds, and what is recorded is always the
whole state as read, never what a hint claims. Prefect's events hint at runs,
the flow process at its nodes, as soon as they are in its journal. Recording is
idempotent and monotone, so hints may be lost, repeated or reordered, and
several servers may mirror into one database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import exists, func, or_, select

from server.bell import Bell
from server.database import Database
from server.executions.adopt import adopt
from server.executions.record import record_logs, record_run
from server.models import FINISHED, ExecutionLog, WorkflowDefinition, WorkflowExecution
from server.orchestrator.drafts import Drafts
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, RunState, end_of

log = logging.getLogger("dataroll.mirror")

SWEEP = 5.0
"""Seconds between two looks at every unsettled run."""
WAITING_SWEEP = 4
"""Runs that wait are looked at in every so many sweeps: there can be hundreds, for days."""
SETTLED_FOR = timedelta(seconds=20)
"""How long a finished run is still looked at: its last logs arrive late."""
ECHO = 0.4
"""Seconds until the second look where a hint led to nothing new: an event can come before what it
is about."""
LOGS = 1.0
"""Seconds between two looks at a run's log: it reaches Prefect in batches, and nobody waits for it
as they wait for a node."""
SIDE_BY_SIDE = 8
ENDING = 5.0
"""Seconds that looks under way have to end when the server does."""
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


Look = tuple[Literal["state", "logs"], str]
"""What is looked at, and the run's id."""


class Mirror:
    def __init__(
        self,
        database: Database,
        orchestrator: Orchestrator,
        crashed: Callable[[str], None] = lambda run_id: None,
        drafts: Drafts | None = None,
    ) -> None:
        """``crashed`` hears of each run whose process died, for as long as it has no new one;
        ``drafts`` clears away what a test run leaves behind."""
        self.database = database
        self.orchestrator = orchestrator
        self._tell_crashed = crashed
        self._drafts = drafts
        self._due: dict[Look, float] = {}
        self._under_way: set[Look] = set()
        """One at a time for each run; a hint that comes meanwhile waits in ``_due``."""
        self._bell = Bell()
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._working: set[asyncio.Task[None]] = set()
        self._adopted_until = datetime.now(UTC) - BACK
        self._foreign: dict[str, None] = {}
        """Runs on the same Prefect that are none of ours."""
        self._cleared: dict[str, None] = {}
        """Runs that are over and have left no deployment behind."""
        self._sweeps = 0
        self._missed: dict[str, datetime] = {}
        self._promised: set[str] = set()
        """Runs about which a hint came and nothing new was seen yet."""

    def hint(self, run_id: str) -> None:
        """Something happened to this run: look at it now, and again if nothing is to be seen."""
        self._promised.add(run_id)
        self._look_after(0, ("state", run_id))

    def _look_after(self, seconds: float, look: Look) -> None:
        at = asyncio.get_running_loop().time() + seconds
        self._due[look] = min(self._due.get(look, at), at)
        self._bell.ring()

    async def run(self) -> None:
        try:
            await asyncio.gather(self._catch_up(), self._listen(), self._sweep(), self._work())
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """A look that is cut off in its transaction keeps the database locked: let it end."""
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=ENDING)
            for look in late:
                look.cancel()

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
            except Exception as error:
                log.info("no events (%s); sweeping meanwhile", type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)

    async def _sweep(self) -> None:
        while True:
            for look in (self.unsettled, self.unknown):
                try:
                    for run_id in await look():
                        self._look_after(0, ("state", run_id))
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
        self._sweeps += 1
        waiting = ("waiting",) if self._sweeps % WAITING_SWEEP == 1 else ()
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(WorkflowExecution.prefect_flow_run_id).where(
                    WorkflowExecution.prefect_flow_run_id.is_not(None),
                    or_(
                        WorkflowExecution.status.in_(("pending", "running", *waiting)),
                        WorkflowExecution.completed_at > datetime.now(UTC) - SETTLED_FOR,
                    ),
                )
            )
            return [run_id for run_id in rows if run_id]

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            ready = [
                look for look, at in self._due.items() if at <= now and look not in self._under_way
            ]
            # Whoever watches waits for a state, and can wait for the log.
            for look in sorted(ready, key=lambda look: (look[0] != "state", self._due[look])):
                await self._slots.acquire()
                self._due.pop(look, None)
                self._under_way.add(look)
                work = loop.create_task(self._look(look))
                self._working.add(work)
                work.add_done_callback(self._working.discard)
            waiting = [at for look, at in self._due.items() if look not in self._under_way]
            pause = min(waiting, default=now + SWEEP) - loop.time()
            await self._bell.wait(max(pause, 0.001))

    async def _look(self, look: Look) -> None:
        what, run_id = look
        try:
            if what == "logs":
                if await self._read_logs(run_id):
                    self._look_after(2 * LOGS, look)
                return
            promised = run_id in self._promised
            self._promised.discard(run_id)
            if not await self._read_state(run_id) and promised:
                self._look_after(ECHO, look)
            self._look_after(LOGS, ("logs", run_id))
        except OrchestratorUnavailable:
            log.debug("Prefect does not answer; the sweep comes back to %s", run_id)
        except Exception:
            # One bad run must never stop the others.
            log.exception("run %s could not be mirrored; the sweep comes back to it", run_id)
        finally:
            self._under_way.discard(look)
            self._slots.release()
            self._bell.ring()

    async def refresh(self, run_id: str) -> bool:
        """Read the run and its log, and record both. True when anything was new."""
        changed = await self._read_state(run_id)
        return bool(await self._read_logs(run_id)) or changed

    async def _read_state(self, run_id: str) -> bool:
        """True when anything was new."""
        execution_id = await self._execution_of(run_id)
        if execution_id is None:
            execution = await self._adopt(run_id)
            if execution is None:
                return False
            execution_id = execution.id
        state = await self.orchestrator.get(run_id)
        if state is None:
            return await self._lost(run_id, execution_id)
        self._missed.pop(run_id, None)
        # A run that was adopted carries no mark of its execution in Prefect.
        state = replace(state, execution_id=execution_id)
        if state.crash is not None:
            self._tell_crashed(run_id)
        async with self.database.writing() as session:
            changed = await record_run(session, state)
        if state.untold:
            await self.orchestrator.declare(run_id, *end_of(state.output))
        if state.status in FINISHED:
            await self._clear_away(run_id, execution_id)
        return changed

    async def _clear_away(self, run_id: str, execution_id: str) -> None:
        """A test run has a deployment of its own, which is no version's."""
        if run_id in self._cleared:
            return
        a_version = exists().where(
            WorkflowDefinition.deployment_id == WorkflowExecution.deployment_id
        )
        async with self.database.reading() as session:
            deployment_id = await session.scalar(
                select(WorkflowExecution.deployment_id).where(
                    WorkflowExecution.id == execution_id, ~a_version
                )
            )
        if deployment_id is not None and self._drafts is not None:
            await self._drafts.clear_away(deployment_id)
        remember(self._cleared, run_id)

    async def _read_logs(self, run_id: str) -> int:
        """How many lines were new."""
        execution_id = await self._execution_of(run_id)
        if execution_id is None:
            return 0
        async with self.database.reading() as session:
            newest = await session.scalar(
                select(func.max(ExecutionLog.at)).where(ExecutionLog.execution_id == execution_id)
            )
        lines = await self.orchestrator.logs(run_id, newest - OVERLAP if newest else None)
        if not lines:
            return 0
        async with self.database.writing() as session:
            return await record_logs(session, execution_id, lines)

    async def _execution_of(self, run_id: str) -> str | None:
        async with self.database.reading() as session:
            found: str | None = await session.scalar(
                select(WorkflowExecution.id).where(WorkflowExecution.prefect_flow_run_id == run_id)
            )
        return found

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
            remember(self._foreign, run_id)
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


def remember(runs: dict[str, None], run_id: str) -> None:
    """The latest ones: the oldest are forgotten first."""
    runs[run_id] = None
    while len(runs) > MOST:
        runs.pop(next(iter(runs)))
