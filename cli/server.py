"""``dataroll server``: the API and the web app, with the loops that keep them in step with
Prefect."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("dataroll")


@click.command()
def server() -> None:
    """Serve the API and the web app. Everything is configured by DATAROLL_* variables."""
    from cli.installation import prepare
    from runtime_tasks.lifeline import follow

    follow()
    installation = prepare()
    # Before Prefect is imported: it reads its settings once.
    os.environ.update(installation.environment)
    # Everything here is asked again by a loop or a person; nobody should wait a minute for an error.
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "3")
    import uvicorn

    from server.app import create_app
    from server.orchestrator.prefect import PrefectOrchestrator
    from server.orchestrator.service import orchestration

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = installation.settings
    prefect = PrefectOrchestrator(worker_token=installation.environment["DATAROLL_WORKER_TOKEN"])
    app = create_app(settings, prefect, services=[keep_login_link, orchestration(prefect)])
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
    settings = app.state.settings
    log.info("serving %s; a link to sign in once as admin is in %s", settings.public_url, path)
    if settings.prefect_api_url is None:
        log.info(
            "PREFECT_API_URL is not set: expecting Prefect at %s", os.environ["PREFECT_API_URL"]
        )
    yield
