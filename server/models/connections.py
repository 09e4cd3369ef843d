"""Databases that workflows change. The URL is encrypted and never comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Id, Identified, JSONText, Updated


class Connection(Identified, Updated, Base):
    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    environment: Mapped[str] = mapped_column(String(20))
    """development | staging | production"""
    url: Mapped[str] = mapped_column(Text)
    """Encrypted."""
    database: Mapped[str] = mapped_column(String(300))
    """The URL without user and password, to recognise it by."""
    tool: Mapped[str] = mapped_column(String(30), default="auto")
    migrations: Mapped[dict[str, Any]] = mapped_column(JSONText(), default=dict)
    """``{path}`` or ``{gitUrl, ref, subfolder}``."""
    created_by: Mapped[str] = mapped_column(Id)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    tested_at: Mapped[datetime | None]
    test_passed: Mapped[bool | None] = mapped_column(Boolean)
    test_message: Mapped[str | None] = mapped_column(Text)
