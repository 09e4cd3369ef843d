"""The orchestrator's side of the server: the publisher, and the loops that run beside the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from server.approvals.notices import Notices
from server.orchestrator.dispatcher import Dispatcher
from server.orchestrator.mirror import Mirror
from server.orchestrator.protocol import Orchestrator
from server.orchestrator.publish import PrefectPublisher
from server.orchestrator.resumer import Resumer


def orchestration(
    orchestrator: Orchestrator,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A service for :func:`server.app.create_app`."""

    @asynccontextmanager
    async def service(app: FastAPI) -> AsyncIterator[None]:
        state = app.state
        dispatcher = Dispatcher(state.database, orchestrator)
        mirror = Mirror(state.database, orchestrator)
        resumer = Resumer(state.database, orchestrator)
        state.publisher = PrefectPublisher(state.database, orchestrator, state.settings.generated)
        state.dispatcher, state.resumer, state.canceller = dispatcher, resumer, resumer
        notices = Notices(state.database, state.settings.public_url)
        loops = [asyncio.create_task(part.run()) for part in (dispatcher, mirror, resumer, notices)]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            for loop in loops:
                with suppress(asyncio.CancelledError):
                    await loop

    return service
