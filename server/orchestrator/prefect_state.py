"""What Prefect and the journal say about a run, as the server's :class:`RunState`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, get_args

from prefect.client.schemas.objects import FlowRun, State, StateType

from server.orchestrator.protocol import Crash, NodeState, RunEnd, RunState, RunStatus

ENDS = get_args(RunEnd)
WAITING_ONLY = ("approval", "delay")
"""Nodes that change nothing: what became of one that was cut off is known."""
ATTEMPT = "attempt:"
"""A run's tag: how often it has been started again."""

STATUSES: dict[StateType, RunStatus] = {
    StateType.SCHEDULED: "pending",
    StateType.PENDING: "pending",
    StateType.RUNNING: "running",
    StateType.PAUSED: "waiting",
    StateType.CANCELLING: "running",
    StateType.CANCELLED: "cancelled",
    StateType.COMPLETED: "success",
    StateType.FAILED: "failed",
    StateType.CRASHED: "failed",
}


def run_state(run: FlowRun, entries: Iterable[dict[str, Any]]) -> RunState:
    """What Prefect and the journal together say about a run.

    Where Prefect has heard of no end but a crash, the journal's word on the end is the better one:
    it is written first, however long Prefect is away, while the final state is given up sooner.
    """
    state: State[Any] | None = run.state
    status: RunStatus = STATUSES[state.type] if state else "pending"
    outcome = next((entry for entry in entries if entry["key"] == "run"), None)
    crash, untold = None, False
    by_node: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["key"] != "run" and (
            entry["status"] != "running" or entry["nodeId"] not in by_node
        ):
            by_node[entry["nodeId"]] = entry
    message = state.message if state else None
    if state is not None and state.type == StateType.CRASHED:
        if outcome is not None and outcome["status"] in ENDS:
            status, message, untold = outcome["status"], outcome.get("reason"), True
        else:
            # The resumer starts the run again from its journal, or says that it is over.
            status, crash = "running", Crash(state.timestamp, message or "no reason is known")
    updated = state.timestamp if state else datetime.now(UTC)
    return RunState(
        run_id=str(run.id),
        execution_id=execution_of(run),
        status=status,
        updated_at=updated,
        started_at=run.start_time,
        completed_at=run.end_time,
        output=outcome and {name: outcome.get(name) for name in ("status", "reason")},
        error=message if status in ("failed", "cancelled") else None,
        nodes=tuple(node_state(entry, status, updated) for entry in by_node.values()),
        scheduled=bool(run.auto_scheduled),
        deployment_id=str(run.deployment_id) if run.deployment_id else None,
        parameters=run.parameters or {},
        starts_at=run.expected_start_time,
        taken=state is not None and state.type == StateType.PENDING,
        attempt=attempt_of(run),
        crash=crash,
        untold=untold,
    )


def node_state(entry: dict[str, Any], run: RunStatus, run_updated: datetime) -> NodeState:
    status, reason = entry["status"], entry.get("reason")
    run_over = run in ENDS
    if status == "running" and entry["nodeType"] in WAITING_ONLY:
        # The journal says when a node began; that people are asked now, the paused run says.
        if run == "waiting" and entry["nodeType"] == "approval":
            status = "waiting"
        elif run_over:
            status, reason = "cancelled", "the run ended while this node waited"
    elif status == "running" and run_over:
        status = "unknown"
        reason = "the run ended while this node was at work; check what it did before going on"
    started, completed = moment(entry.get("startedAt")), moment(entry.get("completedAt"))
    return NodeState(
        node_id=entry["nodeId"],
        node_type=entry["nodeType"],
        node_name=entry["nodeName"],
        status=status,
        updated_at=completed or (run_updated if run_over else started) or run_updated,
        reason=reason,
        branch=entry.get("branch"),
        input=entry.get("input"),
        output=entry.get("output"),
        error=entry.get("error"),
        started_at=started,
        completed_at=completed,
        duration=entry.get("duration"),
        retry_count=entry.get("retryCount", 0),
    )


def attempt_of(run: FlowRun) -> int:
    """How often the run has been started again, as :meth:`PrefectOrchestrator.restart` noted."""
    found = [tag.removeprefix(ATTEMPT) for tag in run.tags if tag.startswith(ATTEMPT)]
    return max((int(number) for number in found if number.isdecimal()), default=0)


def execution_of(run: FlowRun) -> str | None:
    for tag in run.tags:
        if tag.startswith("execution:"):
            return str(tag.removeprefix("execution:"))
    return None


def level_name(level: int) -> str:
    if level >= 40:
        return "error"
    if level >= 30:
        return "warning"
    return "info" if level >= 20 else "debug"


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
