"""/api/health: is everything there that a run needs?"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from server.access import database_of, needs
from server.schemas import Answer

router = APIRouter(tags=["health"])


class Health(Answer):
    status: Literal["ok", "degraded", "down"]
    version: str
    database: Literal["ok", "down"]
    orchestrator: Literal["ok", "down"]


@router.get(
    "/api/health",
    responses={503: {"model": Health}},
    **{key: value for key, value in needs("public").items() if key != "responses"},
)
async def health(request: Request, response: Response) -> Health:
    """``degraded``: the orchestrator does not answer; runs are kept and started later."""
    database_ok = True
    try:
        async with database_of(request).reading() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        database_ok = False
    try:
        async with asyncio.timeout(3):
            orchestrator_ok = await request.app.state.orchestrator.healthy()
    except Exception:
        orchestrator_ok = False
    status: Literal["ok", "degraded", "down"] = "ok" if orchestrator_ok else "degraded"
    if not database_ok:
        status, response.status_code = "down", 503
    return Health(
        status=status,
        version=version("dataroll"),
        database="ok" if database_ok else "down",
        orchestrator="ok" if orchestrator_ok else "down",
    )
