"""The WebSocket: every event once and in order, however often the line breaks."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection, connect

from server.live.events import append
from server.live.hub import Hub
from tests.server.conftest import World
from tests.server.things import make_things


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The same app on a real socket; its address."""
    config = uvicorn.Config(world.app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def ticket(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/auth/live-ticket")
    token: str = answer.json()["token"]
    return token


async def opened(address: str, client: httpx.AsyncClient, **options: Any) -> ClientConnection:
    return await connect(f"ws://{address}/api/live?ticket={await ticket(client)}", **options)


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
    return message


@pytest.mark.slow
async def test_no_gap_and_no_double_through_forced_disconnects(world_on_both: World) -> None:
    world = world_on_both
    team_id = await world.team_id()
    execution_id = (await make_things(world, team_id)).ids["execution_id"]
    topic, total = f"execution:{execution_id}", 400

    async def happen() -> None:
        for number in range(total):
            async with world.database.writing() as session:
                await append(session, topic, team_id, "log", {"number": number})

    seen: list[int] = []
    numbers: list[int] = []
    chance = random.Random(7)
    lines = 0
    async with served(world) as address:
        writer = asyncio.create_task(happen())
        while len(seen) < total:
            lines += 1
            socket = await opened(address, world.admin)
            await say(socket, type="subscribe", topic=topic, seq=seen[-1] if seen else 0)
            for _ in range(chance.randint(1, 40)):
                message = await hear(socket)
                if message["type"] == "event":
                    seen.append(message["seq"])
                    numbers.append(message["data"]["number"])
                if len(seen) == total:
                    break
            socket.transport.abort()
        await writer
    assert lines > 8
    assert seen == list(range(1, total + 1))
    assert numbers == list(range(total))


async def test_a_ticket_is_good_once(world: World) -> None:
    async with served(world) as address:
        used = await ticket(world.admin)
        first = await connect(f"ws://{address}/api/live?ticket={used}")
        await say(first, type="ping")
        assert (await hear(first))["type"] == "pong"
        second = await connect(f"ws://{address}/api/live?ticket={used}")
        with pytest.raises(websockets.ConnectionClosed):
            await second.recv()
        assert second.close_code == 4401
        await first.close()


async def test_another_site_gets_no_socket(world: World) -> None:
    async with served(world) as address:
        with pytest.raises(websockets.InvalidStatus):
            await opened(address, world.admin, origin="https://evil.example")
        own = await opened(address, world.admin, origin=f"http://{address}")
        await own.close()


async def test_topics_of_other_teams_are_not_there(world: World) -> None:
    execution_id = (await make_things(world, await world.team_id())).ids["execution_id"]
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    made = await world.admin.post("/api/auth/tokens", json={"name": "Other", "teamId": other})
    stranger = world.client(made.json()["token"])
    async with served(world) as address:
        socket = await opened(address, stranger)
        topics = (f"execution:{execution_id}", f"team:{await world.team_id()}", "execution:x", "x")
        for topic in topics:
            await say(socket, type="subscribe", topic=topic)
            assert (await hear(socket))["message"] == "there is no such topic"
        await socket.close()


async def test_whoever_is_removed_hears_nothing_more(world: World) -> None:
    team_id = await world.team_id()
    topic = f"team:{team_id}"
    viewer = await world.person("viewer")
    async with served(world) as address:
        socket = await opened(address, viewer)
        await say(socket, type="subscribe", topic=topic)
        assert (await hear(socket))["type"] == "subscribed"
        await world.admin.delete(f"/api/teams/{team_id}/members/{viewer.headers['X-Test-User']}")
        async with world.database.writing() as session:
            await append(session, topic, team_id, "execution", {"secret": "plan"})
        message = await hear(socket)
        assert message == {"type": "error", "topic": topic, "message": "there is no such topic"}
        await socket.close()


async def test_a_revoked_token_closes_the_socket(world: World) -> None:
    team_id = await world.team_id()
    made = (await world.admin.post("/api/auth/tokens", json={"name": "T"})).json()
    async with served(world) as address:
        socket = await opened(address, world.client(made["token"]))
        await say(socket, type="subscribe", topic=f"team:{team_id}")
        await hear(socket)
        await world.admin.delete(f"/api/auth/tokens/{made['id']}")
        async with world.database.writing() as session:
            await append(session, f"team:{team_id}", team_id, "execution", {})
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)
        assert socket.close_code == 4401


async def test_whoever_was_away_too_long_is_told_what_is_missing(world: World) -> None:
    team_id = await world.team_id()
    topic = f"team:{team_id}"
    for number in range(5):
        async with world.database.writing() as session:
            await append(session, topic, team_id, "execution", {"number": number})
    async with world.database.writing() as session:
        from sqlalchemy import delete

        from server.models import LiveEvent

        await session.execute(delete(LiveEvent).where(LiveEvent.topic == topic, LiveEvent.seq < 4))
    async with served(world) as address:
        socket = await opened(address, world.admin)
        await say(socket, type="subscribe", topic=topic, seq=1)
        kinds = [await hear(socket) for _ in range(3)]
        assert [each["type"] for each in kinds] == ["subscribed", "missed", "event"]
        assert (kinds[1]["from"], kinds[1]["to"]) == (1, 4)
        await socket.close()


async def test_another_servers_commits_are_heard_too(world: World) -> None:
    """Two processes on one database: the second one's hub is not the first one's."""
    team_id = await world.team_id()
    topic = f"team:{team_id}"
    async with served(world) as address:
        socket = await opened(address, world.admin)
        await say(socket, type="subscribe", topic=topic)
        await hear(socket)
        world.database.on_commit = lambda topics: None
        async with world.database.writing() as session:
            await append(session, topic, team_id, "execution", {"from": "elsewhere"})
        assert (await hear(socket))["data"] == {"from": "elsewhere"}
        await socket.close()
    assert isinstance(world.app.state.hub, Hub)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "{}", '{"type":"subscribe"}', '{"type":"subscribe","topic":5}',
     '{"type":"subscribe","topic":"team:x","seq":-1}', "[" * 900, "x" * 5000],
)  # fmt: skip
async def test_nonsense_is_answered_and_the_line_stays_open(world: World, text: str) -> None:
    async with served(world) as address:
        socket = await opened(address, world.admin)
        await socket.send(text)
        assert (await hear(socket))["type"] == "error"
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"
        with suppress(websockets.ConnectionClosed):
            await socket.close()
