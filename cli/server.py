"""``dataroll server``: the API and the web app."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click


@click.command()
def server() -> None:
    """Serve the API and the web app, and mirror runs from Prefect."""
    from cli.installation import prepare

    installation = prepare()
    # Before Prefect is imported: it reads its settings once.
    os.environ.update(installation.environment)
    import uvicorn

    from server.app import create_app
    from server.orchestrator.prefect import PrefectOrchestrator
    from server.orchestrator.service import orchestration

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = installation.settings
    prefect = PrefectOrchestrator()
    app = create_app(settings, prefect, services=[orchestration(prefect)])

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
            await super().startup(sockets)  # type: ignore[arg-type]
            keep_private(settings.home / "first-login.url", app.state.login_link.url)

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="info",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    Server(config).run()


def keep_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text + "\n")
