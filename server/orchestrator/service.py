"""The orchestrator's side of the server: the publisher, and the loops that run beside the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from fastapi import FastAPI

from server.approvals.notices import Notices
from server.orchestrator.dispatcher import Dispatcher
from server.orchestrator.merges import MergeWatcher
from server.orchestrator.mirror import Mirror
from server.orchestrator.protocol import Orchestrator
from server.orchestrator.publish import PrefectPublisher
from server.orchestrator.repository import Repository
from server.orchestrator.resumer import Resumer


class Loop(Protocol):
    async def run(self) -> None: ...


def orchestration(
    orchestrator: Orchestrator,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A service for :func:`server.app.create_app`."""

    @asynccontextmanager
    async def service(app: FastAPI) -> AsyncIterator[None]:
        state = app.state
        parts: list[Loop]
        dispatcher = Dispatcher(state.database, orchestrator)
        resumer = Resumer(state.database, orchestrator)
        settings = state.settings
        repository = None
        if settings.generated_given:
            repository = Repository.at(settings.generated, review_mode=settings.review_branches)
        publisher = PrefectPublisher(state.database, orchestrator, settings.generated, repository)
        state.publisher = publisher
        mirror = Mirror(state.database, orchestrator, resumer.crashed, publisher.drafts)
        parts = [dispatcher, mirror, resumer, publisher.aligner]
        if repository is not None and repository.review_mode:
            parts.append(MergeWatcher(state.database, publisher, repository))
        state.dispatcher, state.resumer, state.canceller = dispatcher, resumer, resumer
        state.mirror = mirror
        parts.append(Notices(state.database, settings.public_url))
        loops = [asyncio.create_task(part.run()) for part in parts]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            for loop in loops:
                with suppress(asyncio.CancelledError):
                    await loop
            await orchestrator.close()

    return service
