"""Record what the orchestrator says about a run: the same twice is once, and never backwards.

::

    async with database.writing() as session:
        changed = await record_run(session, state)

A state older than the newest recorded one changes nothing; a run or node that
has ended stays as it ended. Secrets of the team are masked on the way in,
large values are cut and say so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from runtime_tasks.redaction import Redactor
from server.actors import SERVER
from server.audit.record import record
from server.executions.bounded import bounded, bounded_text
from server.executions.service import status_event
from server.executions.why import conditions_before
from server.live.events import append, append_all
from server.models import (
    FINISHED,
    NODE_SETTLED,
    ExecutionLog,
    NodeExecution,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
    utc_now,
)
from server.orchestrator.protocol import LogLine, NodeState, RunState
from server.triggers.runs import tell_run_ended
from server.variables.redactor import team_redactor

log = logging.getLogger("dataroll.mirror")


async def record_run(session: AsyncSession, state: RunState) -> bool:
    """True when something changed. Unknown executions are none of our business: False."""
    if state.execution_id is None:
        return False
    execution = await session.scalar(
        select(WorkflowExecution)
        .where(WorkflowExecution.id == state.execution_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if execution is None or _is_another_run(execution, state):
        return False
    redactor = await team_redactor(session, execution.team_id)
    if execution.prefect_flow_run_id is None:
        execution.prefect_flow_run_id = state.run_id
    node_events = await _record_nodes(session, execution, state.nodes, redactor)
    run_changed = _apply(execution, state, redactor)
    if run_changed and execution.status in FINISHED:
        node_events += await _settle(session, execution)
    if not node_events and not run_changed:
        await session.flush()
        return False
    events = [("node", event) for event in node_events]
    if run_changed:
        events.append(("execution", status_event(execution)))
    await append_all(session, f"execution:{execution.id}", execution.team_id, events)
    if run_changed:
        await append(
            session,
            f"team:{execution.team_id}",
            execution.team_id,
            "execution",
            status_event(execution),
        )
        if execution.status in FINISHED:
            await record(
                session,
                SERVER,
                f"execution.{execution.status}",
                "execution",
                execution.id,
                team_id=execution.team_id,
                execution_id=execution.id,
                version=execution.version,
                reason=execution.reason,
            )
            await tell_run_ended(session, execution)
    return True


def _is_another_run(execution: WorkflowExecution, state: RunState) -> bool:
    return execution.prefect_flow_run_id not in (None, state.run_id)


def _apply(execution: WorkflowExecution, state: RunState, redactor: Redactor) -> bool:
    """Take over the run's state; true when somebody watching would see a difference."""
    if execution.status in FINISHED:
        return False
    newest = execution.state_updated_at
    if newest is not None and state.updated_at < newest:
        return False
    before = (execution.status, execution.started_at, execution.error)
    execution.state_updated_at = state.updated_at
    execution.status = state.status
    execution.started_at = state.started_at or execution.started_at
    if state.error is not None:
        execution.error = bounded_text(redactor.text(state.error))
    if state.output is not None:
        execution.output = bounded(redactor.json(state.output))
        execution.reason = _reason(execution.output) or execution.reason
    if state.status in FINISHED:
        execution.completed_at = state.completed_at or state.updated_at
        execution.duration = _milliseconds(execution.started_at, execution.completed_at)
    return before != (execution.status, execution.started_at, execution.error)


def _reason(output: Any) -> str | None:
    """The flow's summary says in a sentence why it ended as it did."""
    reason = output.get("reason") if isinstance(output, dict) else None
    return reason[:2000] if isinstance(reason, str) and reason else None


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    return (
        None if start is None or end is None else max(0, int((end - start).total_seconds() * 1e3))
    )


async def _record_nodes(
    session: AsyncSession,
    execution: WorkflowExecution,
    states: Sequence[NodeState],
    redactor: Redactor,
) -> list[dict[str, Any]]:
    if not states:
        return []
    known = {
        row.node_id: row
        for row in await session.scalars(
            select(NodeExecution).where(NodeExecution.execution_id == execution.id)
        )
    }
    places: dict[str, tuple[int, bool]] | None = None
    changed = []
    for state in states:
        row = known.get(state.node_id)
        if row is None:
            if places is None:
                places = await _places(session, execution.definition_id)
            position, retryable = places.get(state.node_id, (len(places), False))
            row = NodeExecution(
                execution_id=execution.id,
                workflow_id=execution.workflow_id,
                node_id=state.node_id[:200],
                node_type=state.node_type[:40],
                node_name=redactor.text(state.node_name)[:300],
                position=position,
                retryable=retryable,
                status="pending",
                retry_count=0,
            )
            known[state.node_id] = row
            session.add(row)
            _apply_node(row, state, redactor)
            changed.append(row)
        elif _apply_node(row, state, redactor):
            changed.append(row)
    await _tell_why(session, execution, known, changed, redactor)
    await session.flush()
    return [node_event(row) for row in changed]


async def _tell_why(
    session: AsyncSession,
    execution: WorkflowExecution,
    nodes: Mapping[str, NodeExecution],
    changed: Sequence[NodeExecution],
    redactor: Redactor,
) -> None:
    """Add to a skipped node's reason what the conditions before it looked at."""
    skipped = [row for row in changed if row.status == "skipped" and row.reason]
    if not skipped:
        return
    definition = await session.get(WorkflowDefinition, execution.definition_id)
    if definition is None:
        return
    for row in skipped:
        try:
            said = conditions_before(definition, execution, nodes, row.node_id)
        except Exception:
            log.exception("why %s of %s was skipped is not told", row.node_id, execution.id)
            continue
        if said:
            row.reason = bounded_text(f"{row.reason}; {redactor.text(said)}")


async def _places(session: AsyncSession, definition_id: str) -> dict[str, tuple[int, bool]]:
    definition = await session.get(WorkflowDefinition, definition_id)
    nodes = definition.nodes if definition is not None else []
    return {
        node["id"]: (place, bool(node.get("data", {}).get("retryable")))
        for place, node in enumerate(nodes)
    }


def _apply_node(row: NodeExecution, state: NodeState, redactor: Redactor) -> bool:
    if row.status in NODE_SETTLED and not (
        # A crash left it in doubt; a certain outcome that comes later is better.
        row.status == "unknown" and state.status in NODE_SETTLED and state.status != "unknown"
    ):
        return False
    if row.state_updated_at is not None and state.updated_at < row.state_updated_at:
        return False
    before = (row.status, row.retry_count, row.branch, row.reason)
    row.state_updated_at = state.updated_at
    row.status = state.status
    row.reason = None if state.reason is None else bounded_text(redactor.text(state.reason))
    row.branch = state.branch
    row.retry_count = max(row.retry_count, state.retry_count)
    if state.input is not None:
        row.input = bounded(redactor.json(state.input))
    if state.output is not None:
        row.output = bounded(redactor.json(state.output))
    if state.error is not None:
        row.error = bounded(redactor.json(dict(state.error)))
    row.started_at = state.started_at or row.started_at
    row.completed_at = state.completed_at or row.completed_at
    if state.duration is not None:
        row.duration = state.duration
    elif state.status in NODE_SETTLED:
        row.duration = _milliseconds(row.started_at, row.completed_at)
    return before != (row.status, row.retry_count, row.branch, row.reason)


def node_event(row: NodeExecution) -> dict[str, Any]:
    """Statuses and times; inputs and outputs are fetched by who wants to see them."""
    return {
        "nodeId": row.node_id,
        "nodeType": row.node_type,
        "nodeName": row.node_name,
        "status": row.status,
        "reason": row.reason,
        "branch": row.branch,
        "startedAt": row.started_at.isoformat() if row.started_at else None,
        "completedAt": row.completed_at.isoformat() if row.completed_at else None,
        "duration": row.duration,
        "retryCount": row.retry_count,
    }


async def _settle(session: AsyncSession, execution: WorkflowExecution) -> list[dict[str, Any]]:
    """The run is over: nothing of it waits any more, and no approval stays open."""
    now = utc_now()
    open_approvals = await session.scalars(
        select(WorkflowApproval).where(
            WorkflowApproval.execution_id == execution.id, WorkflowApproval.status == "pending"
        )
    )
    for approval in open_approvals:
        approval.status, approval.decided_at, approval.resumed_at = "cancelled", now, now
    unsettled = await session.scalars(
        select(NodeExecution).where(
            NodeExecution.execution_id == execution.id,
            NodeExecution.status.in_(["pending", "waiting"]),
        )
    )
    events = []
    for row in unsettled:
        row.status = "cancelled" if execution.status == "cancelled" else "skipped"
        row.reason = row.reason or "the run ended before it"
        events.append(node_event(row))
    await session.flush()
    return events


async def record_logs(session: AsyncSession, execution_id: str, lines: Sequence[LogLine]) -> int:
    """How many of the lines were new. The same line twice is one.

    A line that came before its task was known learns its node when it comes again.
    """
    execution = await session.get(WorkflowExecution, execution_id)
    if execution is None or not lines:
        return 0
    redactor = await team_redactor(session, execution.team_id)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    events = []
    # Pages that grow while they are read can bring a line twice, which one INSERT may not.
    lines = list({line.id: line for line in lines}.values())
    for start in range(0, len(lines), 200):
        values = [
            {
                "execution_id": execution_id,
                "source_id": line.id[:100],
                "node_id": line.node_id,
                "level": line.level[:20].lower(),
                "message": bounded_text(redactor.text(line.message)),
                "at": line.at,
            }
            for line in lines[start : start + 200]
        ]
        added = insert(ExecutionLog).values(values)
        rows = await session.execute(
            added.on_conflict_do_update(
                index_elements=["execution_id", "source_id"],
                set_={"node_id": added.excluded.node_id},
                where=ExecutionLog.node_id.is_(None) & added.excluded.node_id.is_not(None),
            ).returning(
                ExecutionLog.id,
                ExecutionLog.node_id,
                ExecutionLog.level,
                ExecutionLog.message,
                ExecutionLog.at,
            )
        )
        events += [
            (
                "log",
                {
                    "id": row.id,
                    "nodeId": row.node_id,
                    "level": row.level,
                    "message": row.message,
                    "at": row.at.isoformat(),
                },
            )
            for row in rows
        ]
    await append_all(session, f"execution:{execution_id}", execution.team_id, events)
    return len(events)
