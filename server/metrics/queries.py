"""The wish's five metrics, over a period, from indexes that hold all they need.

Dry runs count nowhere. A run that is under way counts in the total and in
nothing else; the success rate is successes among runs that succeeded or failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import ApprovalVote, NodeExecution, User, WorkflowApproval, WorkflowExecution


@dataclass(frozen=True)
class Period:
    """What is counted: teams, from when until when, and optionally one workflow or connection."""

    teams: Sequence[str]
    since: datetime
    until: datetime
    workflow_id: str | None = None
    connection_id: str | None = None

    def runs(self) -> list[ColumnElement[bool]]:
        conditions = [
            WorkflowExecution.team_id.in_(self.teams),
            WorkflowExecution.triggered_at >= self.since,
            WorkflowExecution.triggered_at < self.until,
            WorkflowExecution.dry_run.is_(False),
        ]
        if self.workflow_id is not None:
            conditions.append(WorkflowExecution.workflow_id == self.workflow_id)
        if self.connection_id is not None:
            conditions.append(WorkflowExecution.connection_id == self.connection_id)
        return conditions


async def runs_by_day(session: AsyncSession, period: Period) -> list[Any]:
    """(day, status, count, summed duration, timed runs) per UTC day and status."""
    day = _day(session, WorkflowExecution.triggered_at)
    rows = await session.execute(
        select(
            day.label("day"),
            WorkflowExecution.status,
            func.count().label("count"),
            func.coalesce(func.sum(WorkflowExecution.duration), 0).label("milliseconds"),
            func.count(WorkflowExecution.duration).label("timed"),
        )
        .where(*period.runs())
        .group_by(day, WorkflowExecution.status)
        .order_by(day)
    )
    return list(rows.all())


def _day(session: AsyncSession, column: Any) -> ColumnElement[str]:
    if session.get_bind().dialect.name == "sqlite":
        # Stored as text that starts with the date.
        return func.substr(column, 1, 10)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")


async def node_times(session: AsyncSession, period: Period) -> list[Any]:
    """(node, count, failures, average, longest) of one workflow's nodes."""
    rows = await session.execute(
        select(
            NodeExecution.node_id,
            func.count().label("count"),
            func.sum(case((NodeExecution.status == "failed", 1), else_=0)).label("failures"),
            func.avg(NodeExecution.duration).label("average"),
            func.max(NodeExecution.duration).label("longest"),
        )
        .where(
            NodeExecution.workflow_id == period.workflow_id,
            NodeExecution.completed_at >= period.since,
            NodeExecution.completed_at < period.until,
            NodeExecution.status.in_(["success", "failed"]),
        )
        .group_by(NodeExecution.node_id)
        .order_by(NodeExecution.node_id)
    )
    return list(rows.all())


async def approval_times(session: AsyncSession, period: Period) -> list[Any]:
    """(status, workflow, count, summed seconds to the decision)."""
    seconds = _seconds_between(session, WorkflowApproval.created_at, WorkflowApproval.decided_at)
    query = select(
        WorkflowApproval.status,
        WorkflowApproval.workflow_id,
        func.count().label("count"),
        func.coalesce(func.sum(seconds), 0).label("seconds"),
    ).group_by(WorkflowApproval.status, WorkflowApproval.workflow_id)
    return list((await session.execute(_of_period(query, period))).all())


async def vote_times(session: AsyncSession, period: Period) -> list[Any]:
    """(user, address, count, summed seconds from the request to their vote), yes and no alike."""
    seconds = _seconds_between(session, WorkflowApproval.created_at, ApprovalVote.created_at)
    query = (
        select(
            ApprovalVote.user_id,
            User.email,
            func.count().label("count"),
            func.sum(seconds).label("seconds"),
        )
        .join(WorkflowApproval, WorkflowApproval.id == ApprovalVote.approval_id)
        .outerjoin(User, User.id == ApprovalVote.user_id)
        .group_by(ApprovalVote.user_id, User.email)
        .order_by(ApprovalVote.user_id)
    )
    return list((await session.execute(_of_period(query, period))).all())


def _of_period(query: Select[Any], period: Period) -> Select[Any]:
    """The requests that were made then."""
    query = query.where(
        WorkflowApproval.team_id.in_(period.teams),
        WorkflowApproval.created_at >= period.since,
        WorkflowApproval.created_at < period.until,
    )
    if period.workflow_id is not None:
        query = query.where(WorkflowApproval.workflow_id == period.workflow_id)
    if period.connection_id is not None:
        query = query.join(
            WorkflowExecution, WorkflowExecution.id == WorkflowApproval.execution_id
        ).where(WorkflowExecution.connection_id == period.connection_id)
    return query


def _seconds_between(session: AsyncSession, start: Any, end: Any) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(end) - func.julianday(start)) * 86400.0
    seconds: ColumnElement[Any] = func.extract("epoch", end - start)
    return seconds
