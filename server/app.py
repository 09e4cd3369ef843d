"""The web server.

::

    app = create_app(Settings.from_environment(), orchestrator)

``services`` are entered when the database is ready and left in reverse order:
the orchestrator's side puts its publisher and its loops on ``app.state`` there.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from server import http_errors, openapi
from server.approvals.signing import Signer
from server.auth.first_start import ensure_first_admin, worker_token
from server.auth.oidc import Provider
from server.database import Database
from server.edge import Edge
from server.limits import Limits
from server.live.hub import Hub
from server.loops import Asleep
from server.orchestrator.protocol import Orchestrator
from server.routes import ROUTERS
from server.secret_box import open_box
from server.settings import Settings
from server.workflows.publisher import NoPublisher, Publisher

Service = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    settings: Settings,
    orchestrator: Orchestrator,
    *,
    publisher: Publisher | None = None,
    services: Sequence[Service] = (),
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database: Database = app.state.database
        await database.migrate()
        app.state.login_link = await ensure_first_admin(database, settings)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            await stack.enter_async_context(app.state.hub.running())
            for service in services:
                await stack.enter_async_context(service(app))
            yield

    app = FastAPI(
        title="dataroll",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _put_parts(app, settings, orchestrator, publisher)
    http_errors.install(app)
    app.add_middleware(Edge)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app


def _put_parts(
    app: FastAPI, settings: Settings, orchestrator: Orchestrator, publisher: Publisher | None
) -> None:
    """What routes find on ``request.app.state``."""
    state = app.state
    state.settings = settings
    state.secret_box = open_box(settings.home)
    state.signer = Signer.open(settings.home)
    state.worker_token = worker_token(settings, dict(os.environ))
    state.database = Database(settings.database_url, state.secret_box, state.signer)
    state.hub = Hub(state.database)
    state.limits = Limits()
    state.orchestrator = orchestrator
    state.oidc = Provider.from_environment()
    state.publisher = publisher or NoPublisher()
    state.dispatcher = Asleep()
    """Starts pending executions; woken after a commit."""
    state.canceller = Asleep()
    """Ends runs with ``cancel_requested_at``."""
    state.resumer = Asleep()
    """Lets runs with decided approvals go on."""
    state.mirror = Asleep()
    """Looks at a run whose flow process has something new to show."""
    state.web = Path(__file__).parent / "web"
