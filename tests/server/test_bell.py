"""The pause between two rounds of a loop."""

from __future__ import annotations

import asyncio

from server.bell import Bell


async def rounds(bell: Bell, seconds: float, times: list[float]) -> None:
    while True:
        await bell.wait(seconds)
        times.append(asyncio.get_running_loop().time())


async def test_a_pause_ends_by_itself() -> None:
    times: list[float] = []
    loop = asyncio.create_task(rounds(Bell(), 0.01, times))
    while len(times) < 3:  # noqa: ASYNC110 - the loop under test tells nobody
        await asyncio.sleep(0.01)
    loop.cancel()
    await asyncio.wait([loop])
    assert loop.cancelled()


async def test_a_ring_ends_one_pause_whether_it_comes_before_or_meanwhile() -> None:
    bell, times = Bell(), list[float]()
    bell.ring()
    bell.ring()
    loop = asyncio.create_task(rounds(bell, 600, times))
    for expected in (1, 2, 3):
        await asyncio.sleep(0.01)
        assert len(times) == expected
        bell.ring()
    loop.cancel()
    await asyncio.wait([loop])


async def test_whoever_is_told_to_end_ends_although_the_bell_rings() -> None:
    for ring_first in (True, False):
        bell = Bell()
        loop = asyncio.create_task(rounds(bell, 600, []))
        await asyncio.sleep(0.01)
        if ring_first:
            bell.ring()
        loop.cancel()
        bell.ring()
        await asyncio.wait([loop], timeout=5)
        assert loop.cancelled()
