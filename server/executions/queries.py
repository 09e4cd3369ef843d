"""Reading runs: every list pages by id over an index that starts with what it filters by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.ids import first_id_at
from server.models import ExecutionLog, LiveTopic, NodeExecution, Workflow, WorkflowExecution

SLACK = timedelta(hours=1)
"""How far the time of an id may lie from the time of its run: they are made one after the other."""


def filtered(
    query: Select[tuple[WorkflowExecution]],
    *,
    status: str | None = None,
    triggered_by: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    version: int | None = None,
) -> Select[tuple[WorkflowExecution]]:
    if status is not None:
        query = query.where(WorkflowExecution.status == status)
    if triggered_by is not None:
        query = query.where(WorkflowExecution.triggered_by == triggered_by)
    if since is not None:
        # The id too, because lists page by it: what lies outside of the period is not read.
        query = query.where(
            WorkflowExecution.triggered_at >= since,
            WorkflowExecution.id >= first_id_at(since, -SLACK),
        )
    if until is not None:
        query = query.where(
            WorkflowExecution.triggered_at < until,
            WorkflowExecution.id < first_id_at(until, SLACK),
        )
    if version is not None:
        query = query.where(WorkflowExecution.version == version)
    return query


async def nodes_of(session: AsyncSession, execution_id: str) -> Sequence[NodeExecution]:
    return (
        await session.scalars(
            select(NodeExecution)
            .where(NodeExecution.execution_id == execution_id)
            .order_by(NodeExecution.position, NodeExecution.id)
        )
    ).all()


async def workflow_names(session: AsyncSession, ids: set[str]) -> dict[str, str]:
    """Of deleted workflows too: their runs stay."""
    rows = await session.execute(select(Workflow.id, Workflow.name).where(Workflow.id.in_(ids)))
    return {row.id: row.name for row in rows}


async def live_seq(session: AsyncSession, topic: str) -> int:
    return await session.scalar(select(LiveTopic.seq).where(LiveTopic.topic == topic)) or 0


def logs_of(
    execution_id: str, node_id: str | None, level: str | None
) -> Select[tuple[ExecutionLog]]:
    query = select(ExecutionLog).where(ExecutionLog.execution_id == execution_id)
    if node_id is not None:
        query = query.where(ExecutionLog.node_id == node_id)
    if level is not None:
        query = query.where(ExecutionLog.level == level)
    return query
