"""Append to a topic, in the transaction of the change itself: no change unseen, none invented.

::

    await append(session, f"execution:{execution.id}", team_id, "node", {...})

Numbers in a topic have no gap, because its row is locked until the commit.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import LiveEvent, LiveTopic


async def append(
    session: AsyncSession, topic: str, team_id: str, kind: str, data: dict[str, Any]
) -> int:
    """The event's number in its topic. Subscribers are woken when the transaction is committed."""
    (number,) = await append_all(session, topic, team_id, [(kind, data)])
    return number


async def append_all(
    session: AsyncSession, topic: str, team_id: str, events: list[tuple[str, dict[str, Any]]]
) -> list[int]:
    if not events:
        return []
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = insert(LiveTopic).values(topic=topic, team_id=team_id, seq=len(events))
    last = (
        await session.execute(
            row.on_conflict_do_update(
                index_elements=[LiveTopic.topic], set_={"seq": LiveTopic.seq + len(events)}
            ).returning(LiveTopic.seq)
        )
    ).scalar_one()
    numbers = list(range(last - len(events) + 1, last + 1))
    session.add_all(
        LiveEvent(topic=topic, seq=seq, kind=kind, data=data)
        for seq, (kind, data) in zip(numbers, events, strict=True)
    )
    await session.flush()
    session.info.setdefault("topics", set()).add(topic)
    return numbers


async def forget(session: AsyncSession, before_id: int) -> None:
    """Drop old events; topics keep their numbers, so a late reader learns that it missed some."""
    await session.execute(delete(LiveEvent).where(LiveEvent.id < before_id))
