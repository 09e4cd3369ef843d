"""Runs, what each node did, and what was logged: dataroll's own copy of Prefect's truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Id, Identified, JSONText, UTCDateTime, utc_now

RUN_STATUSES = ("pending", "running", "waiting", "success", "failed", "cancelled")
FINISHED = ("success", "failed", "cancelled")
NODE_STATUSES = (*RUN_STATUSES, "skipped", "unknown")
NODE_SETTLED = ("success", "failed", "skipped", "cancelled", "unknown")
OPEN_RUN = "status IN ('pending', 'running', 'waiting')"


class WorkflowExecution(Identified, Base):
    __tablename__ = "workflow_executions"
    __table_args__ = (
        Index("ix_workflow_executions_team", "team_id", "id"),
        Index("ix_workflow_executions_team_status", "team_id", "status", "id"),
        Index("ix_workflow_executions_workflow", "workflow_id", "id"),
        Index("ix_workflow_executions_workflow_status", "workflow_id", "status", "id"),
        # Filters that may match next to nothing still page by id within what they match.
        Index("ix_workflow_executions_team_by", "team_id", "triggered_by", "id"),
        Index("ix_workflow_executions_workflow_by", "workflow_id", "triggered_by", "id"),
        Index("ix_workflow_executions_workflow_version", "workflow_id", "version", "id"),
        # What the mirror sweeps: it stays small however long the history grows.
        Index(
            "ix_workflow_executions_open",
            "status",
            "id",
            sqlite_where=text(OPEN_RUN),
            postgresql_where=text(OPEN_RUN),
        ),
        # The metrics of a period, from the index alone.
        Index(
            "ix_workflow_executions_metrics",
            "team_id",
            "triggered_at",
            "dry_run",
            "workflow_id",
            "status",
            "duration",
            "connection_id",
        ),
        Index(
            "ix_workflow_executions_workflow_metrics",
            "workflow_id",
            "triggered_at",
            "dry_run",
            "status",
            "duration",
            "connection_id",
        ),
        Index("ix_workflow_executions_run", "prefect_flow_run_id", unique=True),
        UniqueConstraint("workflow_id", "idempotency_key"),
    )

    workflow_id: Mapped[str] = mapped_column(Id, ForeignKey("workflows.id", ondelete="CASCADE"))
    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    definition_id: Mapped[str] = mapped_column(Id)
    version: Mapped[int]

    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it ended as it did, in a sentence, where the status alone says too little."""

    triggered_by: Mapped[str] = mapped_column(String(60))
    """A user's id, ``schedule``, ``webhook`` or ``event``."""
    triggered_at: Mapped[datetime] = mapped_column(UTCDateTime(), default=utc_now)
    trigger_id: Mapped[str | None] = mapped_column(Id)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    duration: Mapped[int | None]
    """Milliseconds from start to end."""

    context: Mapped[Any] = mapped_column(JSONText(), default=dict)
    """What it was started with: ``{context, variables, trigger}``."""
    output: Mapped[Any] = mapped_column(JSONText(), nullable=True)
    error: Mapped[str | None] = mapped_column(Text)

    parameters: Mapped[Any] = mapped_column(JSONText(), default=dict)
    """What the flow run is given, checked against the declarations."""
    dry_run: Mapped[bool] = mapped_column(Boolean, default=False)
    connection_id: Mapped[str | None] = mapped_column(Id, index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    start_at: Mapped[datetime | None]
    """Not before this time (``delaySeconds``)."""

    deployment_id: Mapped[str | None] = mapped_column(String(100))
    prefect_flow_run_id: Mapped[str | None] = mapped_column(String(100))
    """Null until the dispatcher has started it."""
    dispatch_attempts: Mapped[int] = mapped_column(Integer, default=0)
    dispatch_error: Mapped[str | None] = mapped_column(Text)
    state_updated_at: Mapped[datetime | None]
    """The newest state of the orchestrator that has been recorded."""
    heartbeat_at: Mapped[datetime | None]
    process: Mapped[str | None] = mapped_column(String(200))
    suspended_at: Mapped[datetime | None]
    """Since when it waits for a decision without a process."""
    deaths: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How often its process died and it was started again."""
    cancel_requested_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(Id)


class TriggerBody(Base):
    """What came with the trigger, where it is too large to stand in the execution's row."""

    __tablename__ = "trigger_bodies"

    execution_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_executions.id", ondelete="CASCADE"), primary_key=True
    )
    body: Mapped[Any] = mapped_column(JSONText())


class NodeExecution(Identified, Base):
    __tablename__ = "node_executions"
    __table_args__ = (
        UniqueConstraint("execution_id", "node_id"),
        # Node times of a workflow over a period, from the index alone.
        Index(
            "ix_node_executions_times",
            "workflow_id",
            "completed_at",
            "node_id",
            "status",
            "duration",
        ),
    )

    execution_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_executions.id", ondelete="CASCADE")
    )
    workflow_id: Mapped[str] = mapped_column(Id)

    node_id: Mapped[str] = mapped_column(String(200))
    node_type: Mapped[str] = mapped_column(String(40))
    node_name: Mapped[str] = mapped_column(String(300))
    position: Mapped[int] = mapped_column(Integer, default=0)
    """Its place in the definition, for lists."""

    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(Text)
    branch: Mapped[str | None] = mapped_column(String(100))

    input: Mapped[Any] = mapped_column(JSONText(), nullable=True)
    output: Mapped[Any] = mapped_column(JSONText(), nullable=True)
    error: Mapped[Any] = mapped_column(JSONText(), nullable=True)

    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    duration: Mapped[int | None]

    retry_count: Mapped[int] = mapped_column(Integer, default=0)
    retryable: Mapped[bool] = mapped_column(Boolean, default=False)
    state_updated_at: Mapped[datetime | None]


class ExecutionLog(Base):
    __tablename__ = "execution_logs"
    __table_args__ = (
        UniqueConstraint("execution_id", "source_id"),
        Index("ix_execution_logs_order", "execution_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    execution_id: Mapped[str] = mapped_column(
        Id, ForeignKey("workflow_executions.id", ondelete="CASCADE")
    )
    source_id: Mapped[str] = mapped_column(String(100))
    """The orchestrator's id of the line: the same line twice is one."""
    node_id: Mapped[str | None] = mapped_column(String(200))
    level: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
