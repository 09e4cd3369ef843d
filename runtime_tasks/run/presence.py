"""The flow process and the server: who the run is, that it lives, and that it ends for a while."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx
from prefect import get_run_logger
from prefect.exceptions import Pause, PrefectHTTPStatusError
from prefect.flow_runs import asuspend_flow_run

from runtime_tasks.run.channel import ServerChannel
from runtime_tasks.seal import Seal

if TYPE_CHECKING:
    from runtime_tasks.run import WorkflowRun

HEARTBEAT = 2.0
"""Seconds between two signs of life; a cancel is noticed as fast."""
WAITING_HEARTBEAT = 5.0
"""The same while an approval is open: many runs may wait for days."""


@dataclass
class Presence:
    run: WorkflowRun
    channel: ServerChannel | None
    seal: Seal | None = None
    """Set where a dataroll server has this run: what the journal's entries must carry."""
    uncalled: bool = False
    """The run was suspended, and somebody in Prefect has called it back, not the server."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something new is in the journal."""
    _speaking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a heartbeat is sent, and from when the process has said that it suspends."""
    _leaving: asyncio.Future[None] | None = None
    _suspend_for: int = 0

    async def begin(self) -> list[str]:
        """Have the server say which execution this is, and with which parameters.

        Returns the nodes that it has seen begin. Nothing is taken from Prefect's
        parameters: whoever reaches Prefect could have edited them.
        """
        if self.channel is None:
            return []
        run = self.run
        said = await asyncio.to_thread(self.channel.begin, str(run.flow_run_id))
        if said is None:
            get_run_logger().warning(
                "the dataroll server has not published this flow: connections and secrets are"
                " taken from the environment"
            )
            self.channel = None
            return []
        run.take(said["parameters"])
        run.stopped = said.get("stop")
        self.channel = replace(self.channel, execution_id=run.execution_id)
        self.seal = Seal.of_run(self.channel.token)
        self.uncalled = bool(said.get("uncalled"))
        return list(said.get("begun") or [])

    async def beat(self) -> None:
        while self.channel is not None:
            try:
                async with self._speaking:
                    cancelled = await asyncio.to_thread(self.channel.heartbeat)
                if cancelled:
                    self.run.cancel()
            except Exception as error:
                get_run_logger().debug("no heartbeat: %s", error)
            await asyncio.sleep(WAITING_HEARTBEAT if self.run.approvals.open else HEARTBEAT)

    async def tell(self) -> None:
        """Have the server look at the journal when there is something new in it."""
        while self.channel is not None:
            await self.news.wait()
            self.news.clear()
            try:
                await asyncio.to_thread(self.channel.news, str(self.run.flow_run_id))
            except Exception as error:
                get_run_logger().debug("the server was not told: %s", error)

    async def suspend(self, seconds: int) -> None:
        """End this process until the server calls the run back, if nothing but approvals is at
        work. Returns where it cannot; the caller looks again. ``seconds``: how long
        Prefect keeps it at most."""
        waiting = list(self.run.approvals.open)
        if self.channel is None or not self.run.waits_for_nothing_but(waiting):
            return
        await self.run.written()
        async with self._speaking:  # a heartbeat after this would say that it is still here
            if await asyncio.to_thread(self.channel.suspend, waiting):
                self._suspend_for = seconds
                self._leaving = asyncio.get_running_loop().create_future()
                self.run.wake()
                await self._leaving

    async def leave_if_asked(self) -> None:
        """Called in the flow's own frame, which Prefect's signal has to come out of."""
        if self._leaving is None:
            return
        try:
            await asuspend_flow_run(timeout=self._suspend_for, key=str(uuid.uuid4()))
        except Pause:
            await self.run.let_go()
            raise
        except (RuntimeError, httpx.TransportError, PrefectHTTPStatusError) as error:
            get_run_logger().warning("the run could not be suspended: %s", error)
        leaving, self._leaving = self._leaving, None
        leaving.set_result(None)  # the next heartbeat tells the server that it is still here
