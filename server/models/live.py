"""What happened, in order, per topic: browsers read on from the last number they saw."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Id, JSONText, UTCDateTime, utc_now


class LiveTopic(Base):
    """Hands out the numbers; its row is the lock under which the next event is made."""

    __tablename__ = "live_topics"

    topic: Mapped[str] = mapped_column(String(60), primary_key=True)
    """``execution:<id>`` or ``team:<id>``."""
    team_id: Mapped[str] = mapped_column(Id)
    seq: Mapped[int] = mapped_column(Integer, default=0)


class LiveEvent(Base):
    __tablename__ = "live_events"
    __table_args__ = (UniqueConstraint("topic", "seq"), Index(None, "at"))

    # SQLite counts rows only in columns that are INTEGER to the letter.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    topic: Mapped[str] = mapped_column(String(60))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    """``execution``, ``node``, ``log``, ``approval``."""
    data: Mapped[dict[str, Any]] = mapped_column(JSONText())
    at: Mapped[datetime] = mapped_column(UTCDateTime(), default=utc_now)
