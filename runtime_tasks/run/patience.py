"""Prefect may go away for a while: what a run asks of it is asked again until it is back.

::

    await patiently(lambda: client.create_flow_run_input(run_id, key, value))
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds for which something is tried again while Prefect does not answer."""
PAUSE = 1.0


async def patiently(ask: Callable[[], Awaitable[T]], *, seconds: float = PATIENCE) -> T:
    """What ``ask`` gives, however often Prefect is away meanwhile. Raises what is no absence."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            return await ask()
        except Exception as error:
            if not is_absence(error) or time.monotonic() > give_up:
                raise
        await asyncio.sleep(PAUSE)


def is_absence(error: BaseException) -> bool:
    """Whether the error, or what caused it, says that Prefect could not be reached."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, httpx.TransportError):
            return True
        if isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code >= 500:
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False
