"""Who did what to which version, when, from where: one chain of hashes per team."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Id, Identified, JSONText


class AuditLog(Identified, Base):
    """Append-only: triggers in the database refuse UPDATE and DELETE."""

    __tablename__ = "audit_log"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_audit_log_action", "chain", "action", "seq"),
        Index("ix_audit_log_execution", "execution_id"),
        Index("ix_audit_log_subject", "subject_id"),
    )

    chain: Mapped[str] = mapped_column(String(25))
    """The team's id, or ``instance``."""
    seq: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(Id)
    actor: Mapped[str] = mapped_column(String(320))
    """E-mail address, or ``server``, ``worker``, ``webhook``."""
    action: Mapped[str] = mapped_column(String(60))
    """``workflow.publish``, ``approval.approve``, …"""
    subject_type: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[str | None] = mapped_column(Id)
    execution_id: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONText(), default=dict)
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(300))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditChain(Base):
    """The end of each chain; its row is the lock under which the next entry is made."""

    __tablename__ = "audit_chains"

    chain: Mapped[str] = mapped_column(String(25), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
