"""Bodies of /api/executions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from server.schemas import Answer, Json

RunStatus = Literal["pending", "running", "waiting", "success", "failed", "cancelled"]


class NodeExecutionAnswer(Answer):
    id: str
    node_id: str
    node_type: str
    node_name: str
    status: str
    reason: str | None
    branch: str | None
    input: Json = None
    output: Json = None
    error: Json = None
    started_at: datetime | None
    completed_at: datetime | None
    duration: int | None = Field(description="Milliseconds")
    retry_count: int
    retryable: bool


class ExecutionSummary(Answer):
    id: str
    workflow_id: str
    workflow_name: str | None = None
    version: int
    status: RunStatus
    reason: str | None
    triggered_by: str = Field(
        description="A user's id, `schedule`, `webhook`, `event`, or `prefect` for a run started in Prefect's UI"
    )
    triggered_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration: int | None = Field(description="Milliseconds")
    error: str | None
    dry_run: bool
    connection_id: str | None
    prefect_flow_run_id: str | None


class ExecutionAnswer(ExecutionSummary):
    team_id: str
    context: Json
    output: Json = None
    start_at: datetime | None = Field(description="Not before this time")
    dispatch_error: str | None = Field(description="Why it has not been started yet")
    cancel_requested_at: datetime | None
    prefect_url: str | None = Field(description="Its page in Prefect's own UI, where that is known")
    node_executions: list[NodeExecutionAnswer]
    live_seq: int = Field(description="Follow `execution:<id>` on /api/live from this number")


class LogAnswer(Answer):
    id: int
    node_id: str | None
    level: str
    message: str
    at: datetime
