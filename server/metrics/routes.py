"""/api/metrics: how the runs of a period went, per workflow and connection."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from server.access import AccessDep, needs
from server.errors import field_error
from server.executions.queries import workflow_names
from server.metrics import queries
from server.models import Connection, Workflow, utc_now
from server.schemas import Answer, Moment

router = APIRouter(tags=["metrics"])

LONGEST = timedelta(days=366)


class Day(Answer):
    day: str = Field(description="UTC")
    total: int
    by_status: dict[str, int]
    average_execution_time: float | None


class NodeTime(Answer):
    node_id: str
    count: int
    failures: int
    average: float | None = Field(description="Milliseconds")
    longest: int | None


class ApproverTime(Answer):
    user_id: str
    email: str | None
    approvals: int = Field(description="Requests that they voted on, with yes or no")
    average_seconds: float = Field(description="From the request to their vote")


class Promptness(Answer):
    decided_in_time: int
    expired: int
    compliance: float | None = Field(
        description="Decided before the timeout, among those decided or expired: 0 to 1"
    )
    average_seconds: float | None = Field(description="From the request to the decision")


class WorkflowTime(Promptness):
    workflow_id: str
    name: str | None


class ApprovalSla(Promptness):
    total: int
    pending: int
    by_approver: list[ApproverTime]
    by_workflow: list[WorkflowTime]


class Metrics(Answer):
    since: datetime
    until: datetime
    total_executions: int
    by_status: dict[str, int]
    success_rate: float | None = Field(
        description="Successes among runs that succeeded or failed: 0 to 1"
    )
    average_execution_time: float | None = Field(description="Milliseconds")
    node_execution_time: list[NodeTime] = Field(description="With workflowId only")
    approval_sla: ApprovalSla
    days: list[Day]


@router.get("/api/metrics", **needs("viewer", errors=(404,)))
async def metrics(
    access: AccessDep,
    team_id: Annotated[str | None, Query(alias="teamId", max_length=25)] = None,
    workflow_id: Annotated[str | None, Query(alias="workflowId", max_length=25)] = None,
    connection_id: Annotated[str | None, Query(alias="connectionId", max_length=25)] = None,
    since: Annotated[
        Moment | None, Query(description="Thirty days before `until` when left out")
    ] = None,
    until: Annotated[Moment | None, Query(description="Now when left out")] = None,
) -> Metrics:
    """Total executions, success rate, average time, time per node, approval SLA compliance."""
    end = until or utc_now()
    start = since if since else max(end, _EARLIEST) - timedelta(days=30)
    if not timedelta(0) < end - start <= LONGEST:
        raise field_error("since", f"must lie before until, by {LONGEST.days} days at most")
    teams = (
        [access.team(team_id)] if team_id is not None else access.caller.teams_with(access.policy)
    )
    if workflow_id is not None:
        teams = [(await access.find(Workflow, workflow_id)).team_id]
    if connection_id is not None:
        teams = [(await access.find(Connection, connection_id)).team_id]
    period = queries.Period(teams, start, end, workflow_id, connection_id)
    session = access.session
    runs = await queries.runs_by_day(session, period)
    nodes = await queries.node_times(session, period) if workflow_id is not None else []
    approvals = await queries.approval_times(session, period)
    votes = await queries.vote_times(session, period)
    names = await workflow_names(session, {row.workflow_id for row in approvals})
    by_status = _by_status(runs)
    ended = by_status.get("success", 0) + by_status.get("failed", 0)
    return Metrics(
        since=start,
        until=end,
        total_executions=sum(by_status.values()),
        by_status=by_status,
        success_rate=by_status.get("success", 0) / ended if ended else None,
        average_execution_time=_average(runs),
        node_execution_time=[_node(row) for row in nodes],
        approval_sla=_sla(approvals, votes, names),
        days=_days(runs),
    )


_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)


def _by_status(runs: list[Any]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in runs:
        counts[row.status] += row.count
    return dict(counts)


def _average(runs: list[Any]) -> float | None:
    timed = sum(row.timed for row in runs)
    return float(sum(row.milliseconds for row in runs)) / timed if timed else None


def _days(runs: list[Any]) -> list[Day]:
    by_day: dict[str, list[Any]] = defaultdict(list)
    for row in runs:
        by_day[row.day].append(row)
    return [
        Day(
            day=day,
            total=sum(row.count for row in rows),
            by_status=_by_status(rows),
            average_execution_time=_average(rows),
        )
        for day, rows in by_day.items()
    ]


def _node(row: Any) -> NodeTime:
    return NodeTime(
        node_id=row.node_id,
        count=row.count,
        failures=row.failures or 0,
        average=None if row.average is None else float(row.average),
        longest=row.longest,
    )


def _sla(rows: list[Any], votes: list[Any], names: dict[str, str]) -> ApprovalSla:
    return ApprovalSla(
        **_promptness(rows),
        total=sum(row.count for row in rows),
        pending=sum(row.count for row in rows if row.status == "pending"),
        by_approver=[
            ApproverTime(
                user_id=row.user_id,
                email=row.email,
                approvals=row.count,
                average_seconds=float(row.seconds) / row.count,
            )
            for row in votes
        ],
        by_workflow=[
            WorkflowTime(
                workflow_id=workflow_id,
                name=names.get(workflow_id),
                **_promptness([row for row in rows if row.workflow_id == workflow_id]),
            )
            for workflow_id in sorted({row.workflow_id for row in rows})
        ],
    )


def _promptness(rows: list[Any]) -> dict[str, Any]:
    """How many of these were decided in time, and how long that took."""
    in_time = [row for row in rows if row.status in ("approved", "rejected")]
    decided = sum(row.count for row in in_time)
    expired = sum(row.count for row in rows if row.status == "expired")
    seconds = float(sum(row.seconds for row in in_time))
    return {
        "decided_in_time": decided,
        "expired": expired,
        "compliance": decided / (decided + expired) if decided + expired else None,
        "average_seconds": seconds / decided if decided else None,
    }
