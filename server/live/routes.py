"""WebSocket /api/live?ticket=…: what happens, as it happens, without gap or double.

The ticket comes from POST /api/auth/live-ticket and is good once.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from server.auth.service import use_one_time_token
from server.database import Database
from server.errors import TooMany, Unauthorized
from server.live.connection import LiveConnection, Revoked

router = APIRouter()

CHECK = 5.0
"""Seconds after which a quiet socket is asked whether it may still be there."""
MAX_MESSAGE = 2000


@router.websocket("/api/live")
async def live(socket: WebSocket, ticket: str = "") -> None:
    if not _own_origin(socket):
        await socket.close(4403, "this page is not ours")
        return
    connection = await _admit(socket, ticket)
    await socket.accept()
    if connection is None:
        await socket.close(4401, "the ticket is used, over, or was never good")
        return
    tasks = [
        asyncio.create_task(_listen(socket, connection)),
        asyncio.create_task(_tell(socket, connection)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for error in (task.exception() for task in done):
            with suppress(RuntimeError):
                if isinstance(error, Revoked):
                    await socket.close(4401, "signed out")
                elif isinstance(error, TooMany):
                    await socket.close(4429, "too many messages")
    finally:
        connection.leave_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _own_origin(socket: WebSocket) -> bool:
    """Browsers always send the Origin; programs that send none have a ticket to show."""
    origin = socket.headers.get("origin")
    if origin is None:
        return True
    public = urlsplit(socket.app.state.settings.public_url)
    own = (f"{public.scheme}://{public.netloc}",)
    return origin in own or urlsplit(origin).netloc == socket.headers.get("host", "")


async def _admit(socket: WebSocket, ticket: str) -> LiveConnection | None:
    database: Database = socket.app.state.database
    try:
        async with database.writing() as session:
            user, credential_id = await use_one_time_token(session, "live", ticket[:200])
    except Unauthorized:
        return None
    return LiveConnection(database, socket.app.state.hub, user.id, credential_id or "")


async def _listen(socket: WebSocket, connection: LiveConnection) -> None:
    while True:
        try:
            text = await socket.receive_text()
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return
        socket.app.state.limits.check_calls(connection.credential_id)
        message: Any = None
        if len(text) <= MAX_MESSAGE:
            with suppress(ValueError, RecursionError):
                message = json.loads(text)
        for answer in await connection.answer(message):
            await socket.send_json(answer)


async def _tell(socket: WebSocket, connection: LiveConnection) -> None:
    while True:
        await connection.bell.wait(CHECK)
        for message in await connection.news():
            await socket.send_json(message)
