"""Workflows, their definitions version by version, and their variables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base, Created, Id, Identified, JSONText, Updated


class Workflow(Identified, Updated, Base):
    """``version`` counts the definition at hand; it is a draft until it is published."""

    __tablename__ = "workflows"
    __table_args__ = (
        Index("ix_workflows_list", "team_id", "deleted_at", "id"),
        Index("ix_workflows_slug", "slug", unique=True),
    )

    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(120))
    """Names the generated file and Prefect's flow; made from the name once, unique for good."""
    description: Mapped[str | None] = mapped_column(Text)

    # The definition row is made after the workflow row, hence null for a moment.
    definition_id: Mapped[str | None] = mapped_column(Id, unique=True)

    version: Mapped[int] = mapped_column(Integer, default=1)
    is_published: Mapped[bool] = mapped_column(Boolean, default=False)
    published_at: Mapped[datetime | None]
    published_definition_id: Mapped[str | None] = mapped_column(Id)
    """What runs start from; null while unpublished."""
    published_version: Mapped[int | None]
    deployment_id: Mapped[str | None] = mapped_column(String(100))
    """The orchestrator's name for what is published."""

    tags: Mapped[list[str]] = mapped_column(JSONText(), default=list)
    trigger: Mapped[str] = mapped_column(String(20))
    """manual | scheduled | webhook | event"""

    created_by: Mapped[str] = mapped_column(Id)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    """Counts every change; the ETag."""
    deleted_at: Mapped[datetime | None]
    """Deleted workflows leave every list; their runs stay for the audit."""


class WorkflowDefinition(Identified, Created, Base):
    """One version's text. Once ``published_at`` is set the row never changes again."""

    __tablename__ = "workflow_definitions"
    __table_args__ = (UniqueConstraint("workflow_id", "version"),)

    workflow_id: Mapped[str] = mapped_column(Id, ForeignKey("workflows.id", ondelete="CASCADE"))
    content: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(String(10), default="json")
    nodes: Mapped[Any] = mapped_column(JSONText(), default=list)
    edges: Mapped[Any] = mapped_column(JSONText(), default=list)
    version: Mapped[int]
    changelog: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Id)

    digest: Mapped[str | None] = mapped_column(String(100))
    """Of the logic, layout left out; from the compiler."""
    source: Mapped[str | None] = mapped_column(Text)
    """The generated flow, kept with the version it was made from."""
    filename: Mapped[str | None] = mapped_column(String(300))
    source_map: Mapped[Any] = mapped_column(JSONText(), nullable=True)
    interface: Mapped[Any] = mapped_column(JSONText(), nullable=True)
    """``{schema, names}``: the flow's parameters, and theirs where Python needs other names."""
    deployment_id: Mapped[str | None] = mapped_column(String(100))
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None] = mapped_column(Id)


class WorkflowVariable(Identified, Updated, Base):
    """A variable the workflow declares; kept in step with the definition at every save.

    ``default_value`` is JSON; of a secret it is the encrypted value set for this workflow.
    """

    __tablename__ = "workflow_variables"
    __table_args__ = (UniqueConstraint("workflow_id", "name"),)

    workflow_id: Mapped[str] = mapped_column(Id, ForeignKey("workflows.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(20))
    default_value: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    is_secret: Mapped[bool] = mapped_column(Boolean, default=False)
    required: Mapped[bool] = mapped_column(Boolean, default=False)
    pattern: Mapped[str | None] = mapped_column(Text)
    choices: Mapped[Any] = mapped_column(JSONText(), nullable=True)


class TeamVariable(Identified, Updated, Base):
    """A value that all workflows of a team may use; secrets are encrypted and write-only."""

    __tablename__ = "team_variables"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    team_id: Mapped[str] = mapped_column(Id, ForeignKey("teams.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(20))
    value: Mapped[str | None] = mapped_column(Text)
    """JSON; of a secret the encrypted value."""
    is_secret: Mapped[bool] = mapped_column(Boolean, default=False)
    description: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Id)
    revision: Mapped[int] = mapped_column(Integer, default=1)
