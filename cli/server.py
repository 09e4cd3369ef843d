"""``dataroll server``: the web server, with the loops that keep it in step with Prefect."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fastapi import FastAPI

    from server.orchestrator.prefect import PrefectOrchestrator

log = logging.getLogger("dataroll.server")


@click.command()
def server() -> None:
    """Serve the API and the editor. Everything is configured by DATAROLL_* variables."""
    import uvicorn

    from server.app import create_app
    from server.orchestrator.prefect import PrefectOrchestrator
    from server.settings import Settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.from_environment()
    orchestrator = PrefectOrchestrator()
    app = create_app(settings, orchestrator, services=(keep_login_link, in_step_with(orchestrator)))
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


@asynccontextmanager
async def keep_login_link(app: FastAPI) -> AsyncIterator[None]:
    """``first-login.url`` in DATAROLL_HOME: a way in that works once, for the owner of the files."""
    path = app.state.settings.home / "first-login.url"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(app.state.login_link.url + "\n")
    yield


def in_step_with(orchestrator: PrefectOrchestrator) -> Callable[[FastAPI], Any]:
    """The publisher and the loops: dispatch, resume, mirror, cancel."""

    @asynccontextmanager
    async def service(app: FastAPI) -> AsyncIterator[None]:
        from server.executions.canceller import Canceller
        from server.orchestrator.dispatcher import Dispatcher
        from server.orchestrator.mirror import Mirror
        from server.orchestrator.publish import PrefectPublisher
        from server.orchestrator.resumer import Resumer

        state = app.state
        state.publisher = PrefectPublisher(state.database, orchestrator, state.settings.generated)
        state.dispatcher = Dispatcher(state.database, orchestrator)
        state.resumer = Resumer(state.database, orchestrator)
        state.canceller = Canceller(state.database, orchestrator)
        mirror = Mirror(state.database, orchestrator)
        tasks = [
            asyncio.create_task(work)
            for work in (
                prepare(orchestrator),
                state.dispatcher.run(),
                state.resumer.run(),
                state.canceller.run(),
                mirror.run(),
            )
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return service


async def prepare(orchestrator: PrefectOrchestrator) -> None:
    """Make the work pool as soon as Prefect answers."""
    from server.orchestrator.protocol import OrchestratorUnavailable

    while True:
        try:
            await orchestrator.prepare()
            return
        except OrchestratorUnavailable:
            await asyncio.sleep(1)
        except Exception:
            log.exception("Prefect could not be prepared; trying again")
            await asyncio.sleep(5)
