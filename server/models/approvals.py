"""Requests for consent, the votes, and the one decision that comes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Created, Id, Identified, JSONText

UNRESUMED = "status <> 'pending' AND resumed_at IS NULL"
PENDING = "status = 'pending'"


class WorkflowApproval(Identified, Created, Base):
    __tablename__ = "workflow_approvals"
    __table_args__ = (
        UniqueConstraint("execution_id", "node_id"),
        Index("ix_workflow_approvals_team", "team_id", "status", "id"),
        Index("ix_workflow_approvals_list", "team_id", "id"),
        Index(
            "ix_workflow_approvals_due",
            "expires_at",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
        Index(
            "ix_workflow_approvals_unresumed",
            "decided_at",
            sqlite_where=text(UNRESUMED),
            postgresql_where=text(UNRESUMED),
        ),
        Index("ix_workflow_approvals_sla", "workflow_id", "created_at"),
        Index("ix_workflow_approvals_team_sla", "team_id", "created_at"),
    )

    execution_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_executions.id", ondelete="CASCADE")
    )
    node_id: Mapped[str] = mapped_column(String(200))
    team_id: Mapped[str] = mapped_column(Id)
    workflow_id: Mapped[str] = mapped_column(Id)

    status: Mapped[str] = mapped_column(String(20), default="pending")
    """pending | approved | rejected | expired | cancelled"""
    approvers: Mapped[list[str]] = mapped_column(JSONText())
    """Ids of users who may vote, worked out when the request was made."""
    asked: Mapped[list[str]] = mapped_column(JSONText())
    """The approvers as the definition names them: ids, e-mail addresses, ``role:NAME``."""
    required: Mapped[int]
    """How many approvals it takes."""
    rule: Mapped[str] = mapped_column(String(20), default="any")
    """``any``, ``all`` or the number, as asked."""

    approved_by: Mapped[str | None] = mapped_column(Id)
    approved_at: Mapped[datetime | None]
    rejection_reason: Mapped[str | None] = mapped_column(Text)
    timeout: Mapped[datetime]
    """When the step's timeout ends."""
    expires_at: Mapped[datetime | None]

    message: Mapped[str] = mapped_column(Text, default="")
    skip_if_creator: Mapped[bool] = mapped_column(Boolean, default=False)
    is_distinct: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whoever has approved another step of the run may not approve this one."""
    notify: Mapped[Any] = mapped_column(JSONText(), default=dict, server_default="{}")
    """``{slack, emails, reminders}`` of the step: who is told besides the approvers. Secrets stand
    in it by their names."""
    requested_by: Mapped[str | None] = mapped_column(Id)
    """Who started the run; null when no person did."""
    digest: Mapped[str] = mapped_column(String(100), default="")
    plans: Mapped[Any] = mapped_column(JSONText(), default=list)
    plan_hash: Mapped[str] = mapped_column(String(100), default="")

    decided_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(Text, default="")
    decision: Mapped[str | None] = mapped_column(Text)
    """The exact JSON text that was signed."""
    signature: Mapped[str | None] = mapped_column(String(200))
    resumed_at: Mapped[datetime | None]
    """When the run was told; until then somebody has to."""
    reminded_at: Mapped[datetime | None]


class ApprovalVoter(Base):
    """Whom a request asks, or has asked: what finds the requests of one person."""

    __tablename__ = "approval_voters"

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    approval_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_approvals.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ApprovalVote(Identified, Created, Base):
    __tablename__ = "approval_votes"
    __table_args__ = (UniqueConstraint("approval_id", "user_id"),)

    approval_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_approvals.id", ondelete="CASCADE")
    )
    user_id: Mapped[str] = mapped_column(Id)
    vote: Mapped[str] = mapped_column(String(10))
    """approve | reject"""
    comment: Mapped[str] = mapped_column(Text, default="")
    plan_hash: Mapped[str] = mapped_column(String(100), default="")


class ApprovalComment(Identified, Created, Base):
    __tablename__ = "approval_comments"

    approval_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_approvals.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str] = mapped_column(Id)
    text: Mapped[str] = mapped_column(Text)


class ApprovalDelegation(Identified, Created, Base):
    """One approver's vote handed to another person, for one request."""

    __tablename__ = "approval_delegations"
    __table_args__ = (UniqueConstraint("approval_id", "from_user_id"),)

    approval_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_approvals.id", ondelete="CASCADE")
    )
    from_user_id: Mapped[str] = mapped_column(Id)
    to_user_id: Mapped[str] = mapped_column(Id)
