"""One browser's socket: what it follows, up to which number it has been told, what it may see.

Messages to us: ``{"type": "subscribe", "topic": "execution:<id>" | "team:<id>", "seq": n}``
(``seq``: the last number seen; left out: only what comes from now on), ``unsubscribe``, ``ping``.
Messages from us: ``subscribed``, ``event``, ``missed`` (what lies between is gone: load anew),
``error``, ``pong``. The socket is closed with 4401 when the credential is revoked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.bell import Bell
from server.database import Database
from server.live.hub import Hub
from server.models import (
    ApiToken,
    BrowserSession,
    LiveEvent,
    LiveTopic,
    Membership,
    Team,
    User,
    WorkflowExecution,
    utc_now,
)

BATCH = 200
MAX_TOPICS = 100


class Revoked(Exception):
    """The credential behind the socket is no longer good."""


@dataclass
class LiveConnection:
    database: Database
    hub: Hub
    user_id: str
    credential_id: str
    bell: Bell = field(default_factory=Bell)
    topics: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Topic to its team and the last number sent."""

    async def answer(self, message: Any) -> list[dict[str, Any]]:
        """What to say to a message from the browser."""
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "ping":
            return [{"type": "pong"}]
        topic, seq = (message.get("topic"), message.get("seq")) if kind else (None, None)
        if kind == "unsubscribe" and isinstance(topic, str):
            self._leave(topic)
            return [{"type": "unsubscribed", "topic": topic}]
        whole = seq is None or (
            isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq < 2**31
        )
        if kind == "subscribe" and isinstance(topic, str) and len(topic) <= 60 and whole:
            return await self._subscribe(topic, seq)
        return [{"type": "error", "message": "send subscribe, unsubscribe or ping"}]

    async def _subscribe(self, topic: str, seq: int | None) -> list[dict[str, Any]]:
        if topic not in self.topics and len(self.topics) >= MAX_TOPICS:
            return [{"type": "error", "topic": topic, "message": "too many topics"}]
        async with self.database.reading() as session:
            team_id = await _team_of(session, topic)
            if team_id is None or team_id not in await self._teams(session):
                return [{"type": "error", "topic": topic, "message": "there is no such topic"}]
            newest = await session.scalar(select(LiveTopic.seq).where(LiveTopic.topic == topic))
        start = (newest or 0) if seq is None else min(seq, newest or 0)
        self.topics[topic] = (team_id, start)
        self.hub.follow(topic, self.bell)
        self.bell.ring()
        return [{"type": "subscribed", "topic": topic, "seq": start}]

    async def news(self) -> list[dict[str, Any]]:
        """What has happened since the last time. Raises Revoked.

        Who may see what is asked anew each time: a member who was removed a
        second ago gets nothing more.
        """
        messages: list[dict[str, Any]] = []
        async with self.database.reading() as session:
            teams = await self._teams(session)
            for topic, (team_id, last) in list(self.topics.items()):
                if team_id not in teams:
                    self._leave(topic)
                    messages.append(
                        {"type": "error", "topic": topic, "message": "there is no such topic"}
                    )
                    continue
                events = await _after(session, topic, last)
                if events and events[0].seq > last + 1:
                    messages.append(
                        {"type": "missed", "topic": topic, "from": last, "to": events[0].seq}
                    )
                messages += [_message(event) for event in events]
                if events:
                    self.topics[topic] = (team_id, events[-1].seq)
                if len(events) == BATCH:
                    self.bell.ring()
        return messages

    def leave_all(self) -> None:
        for topic in list(self.topics):
            self._leave(topic)

    def _leave(self, topic: str) -> None:
        if self.topics.pop(topic, None) is not None:
            self.hub.leave(topic, self.bell)

    async def _teams(self, session: AsyncSession) -> set[str]:
        """The teams this credential reaches at this moment. Raises Revoked."""
        user = await session.get(User, self.user_id)
        token = await session.get(ApiToken, self.credential_id)
        row: ApiToken | BrowserSession | None = token
        if row is None:
            row = await session.get(BrowserSession, self.credential_id)
        if user is None or user.disabled_at or row is None or row.revoked_at:
            raise Revoked
        if row.expires_at is not None and row.expires_at <= utc_now():
            raise Revoked
        query = (
            select(Membership.team_id)
            .join(Team, Team.id == Membership.team_id)
            .where(Membership.user_id == self.user_id, Team.deleted_at.is_(None))
        )
        if token is not None and token.team_id is not None:
            query = query.where(Membership.team_id == token.team_id)
        return set(await session.scalars(query))


async def _team_of(session: AsyncSession, topic: str) -> str | None:
    kind, _, thing_id = topic.partition(":")
    if kind == "team":
        return thing_id
    if kind == "execution":
        query = select(WorkflowExecution.team_id).where(WorkflowExecution.id == thing_id)
        return (await session.scalars(query)).one_or_none()
    return None


async def _after(session: AsyncSession, topic: str, seq: int) -> list[LiveEvent]:
    rows = await session.scalars(
        select(LiveEvent)
        .where(LiveEvent.topic == topic, LiveEvent.seq > seq)
        .order_by(LiveEvent.seq)
        .limit(BATCH)
    )
    return list(rows.all())


def _message(event: LiveEvent) -> dict[str, Any]:
    return {
        "type": "event",
        "topic": event.topic,
        "seq": event.seq,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "data": event.data,
    }
