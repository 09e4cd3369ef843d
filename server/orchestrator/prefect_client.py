"""One open line to Prefect's API, for as long as the server runs.

Making a client costs a tenth of a second of work on a busy machine, most of it for TLS, and
keeps the event loop from everything else meanwhile; the mirror asks many times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError

from server.orchestrator.protocol import OrchestratorUnavailable


class PrefectLine:
    """``async with line.client() as client``: failures to connect are OrchestratorUnavailable."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[PrefectClient] | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[PrefectClient]:
        try:
            yield await self._open()
        except (httpx.TransportError, ConnectionError) as error:
            raise OrchestratorUnavailable("Prefect does not answer") from error
        except PrefectHTTPStatusError as error:
            if error.response.status_code >= 500:
                raise OrchestratorUnavailable(
                    f"Prefect answered {error.response.status_code}"
                ) from error
            raise

    async def close(self) -> None:
        opening, self._opening, self._loop = self._opening, None, None
        if opening is not None:
            client = await opening
            await client.__aexit__(None, None, None)

    async def _open(self) -> PrefectClient:
        loop = asyncio.get_running_loop()
        if self._opening is None or self._loop is not loop:
            self._loop, self._opening = loop, loop.create_task(opened())
        # Whoever waits may be cancelled; the client is everybody's.
        return await asyncio.shield(self._opening)


async def opened() -> PrefectClient:
    client = get_client()
    await client.__aenter__()
    return client
