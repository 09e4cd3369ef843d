"""What starts a workflow, and the memory of webhook deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Created, Id, Identified, JSONText, Updated


class WorkflowTrigger(Identified, Updated, Base):
    __tablename__ = "workflow_triggers"
    __table_args__ = (Index(None, "workflow_id", "id"), Index(None, "type", "is_active"))

    workflow_id: Mapped[str] = mapped_column(Id, ForeignKey("workflows.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(20))
    """manual | scheduled | webhook | event"""
    config: Mapped[dict[str, Any]] = mapped_column(JSONText(), default=dict)
    """Cron and timezone, event and filter, signature scheme; never the key or the secret."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)

    node_id: Mapped[str | None] = mapped_column(String(200))
    """The trigger node it stands for; null when it was made through the API."""
    key_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    key_prefix: Mapped[str | None] = mapped_column(String(16))
    secret: Mapped[str | None] = mapped_column(Text)
    """Encrypted; checks the signatures of webhooks."""
    revision: Mapped[int] = mapped_column(Integer, default=1)
    last_fired_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str | None] = mapped_column(Id)


class WebhookDelivery(Identified, Created, Base):
    """Which deliveries have been seen: the same one again gives the same execution."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (UniqueConstraint("trigger_id", "delivery_id"), Index(None, "created_at"))

    trigger_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_triggers.id", ondelete="CASCADE")
    )
    delivery_id: Mapped[str] = mapped_column(String(300))
    execution_id: Mapped[str | None] = mapped_column(Id)
    outcome: Mapped[str] = mapped_column(String(30))
    """``started`` or ``filtered``."""
