"""Wakes the browsers that follow a topic, as soon as something is committed to it.

The events themselves are read from the table by whoever is woken, so a wake-up
that is lost or comes twice does no harm. Other server processes' commits are
found by looking once a second at the topics that somebody follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy import delete, select

from server.bell import Bell
from server.database import Database
from server.models import LiveEvent, LiveTopic, utc_now

log = logging.getLogger("dataroll.live")

LOOK = 1.0
KEEP = timedelta(days=2)
"""Older events are dropped: a browser that was away longer loads anew."""


class Hub:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._followers: dict[str, set[Bell]] = defaultdict(set)
        database.on_commit = self.wake

    def follow(self, topic: str, bell: Bell) -> None:
        self._followers[topic].add(bell)

    def leave(self, topic: str, bell: Bell) -> None:
        self._followers[topic].discard(bell)
        if not self._followers[topic]:
            del self._followers[topic]

    def wake(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for bell in self._followers.get(topic, ()):
                bell.ring()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(work) for work in (self._look(), self._sweep())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        seen: dict[str, int] = {}
        while True:
            await asyncio.sleep(LOOK)
            topics = list(self._followers)
            if not topics:
                seen.clear()
                continue
            with suppress(Exception):  # the database is away for a moment; the next look finds it
                async with self.database.reading() as session:
                    rows = await session.execute(
                        select(LiveTopic.topic, LiveTopic.seq).where(LiveTopic.topic.in_(topics))
                    )
                    now = {row.topic: row.seq for row in rows}
                self.wake(topic for topic, seq in now.items() if seen.get(topic) != seq)
                seen = now

    async def _sweep(self) -> None:
        while True:
            try:
                async with self.database.writing() as session:
                    await session.execute(delete(LiveEvent).where(LiveEvent.at < utc_now() - KEEP))
            except Exception:
                log.exception("old events could not be dropped")
            await asyncio.sleep(3600)
