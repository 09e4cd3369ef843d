"""A flow process says that it is there, and is told which execution it runs, and with what.

What Prefect handed the process counts for nothing: whoever reaches Prefect can
create a run with any parameters and tags, edit them, or have a run started a
second time. The execution is the one that was started as this very flow run;
one process at a time runs it, the first one of the latest attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.errors import ApiError, Conflict, Invalid, NotFound, Unavailable
from server.executions.adopt import adopt
from server.executions.process import attempt_of, may_run
from server.executions.trigger_body import whole_parameters
from server.models import FINISHED, NodeExecution, WorkflowExecution, utc_now
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable


@dataclass(frozen=True)
class Begun:
    execution_id: str
    parameters: Any
    stop: str | None
    """Why it is to do nothing."""
    uncalled: bool
    """It was suspended, and this server has not called it back."""
    begun: list[str]
    """The nodes that were seen at work, or settled, before."""


async def begin(
    database: Database, orchestrator: Orchestrator, run_id: str, process: str, attempt: int
) -> Begun:
    """Raises NotFound for a flow that dataroll has not published, Conflict where the run is over,
    is somebody else's, or has a process already, and Unavailable where it is worth asking again."""
    async with database.reading() as session:
        known = await _execution_of(session, run_id)
    if known is None:
        await _adopt(database, orchestrator, run_id)
    async with database.writing() as session:
        execution = await _execution_of(session, run_id, lock=True)
        if execution is None:
            raise NotFound("the run's deployment is none that dataroll has published")
        if not execution.parameters:
            raise Invalid(execution.error or "the run's parameters are not right")
        if execution.status == "cancelled":
            stop = execution.reason or "the run was cancelled"
            return Begun(execution.id, execution.parameters, stop, uncalled=False, begun=[])
        if execution.status in FINISHED:
            raise Conflict(f"the run has ended: {execution.status}; start a new one", code="ended")
        uncalled = execution.suspended_at is not None and attempt == attempt_of(execution)
        if not (uncalled or may_run(execution, process, attempt)):
            raise Conflict("another process runs this flow", code="superseded")
        execution.process, execution.heartbeat_at = process, utc_now()
        execution.suspended_at = None
        nodes = await session.scalars(
            select(NodeExecution.node_id).where(
                NodeExecution.execution_id == execution.id,
                NodeExecution.started_at.is_not(None),
                NodeExecution.status.not_in(["pending", "skipped"]),
            )
        )
        parameters = await whole_parameters(session, execution)
        return Begun(execution.id, parameters, None, uncalled, list(nodes))


async def _execution_of(
    session: AsyncSession, run_id: str, *, lock: bool = False
) -> WorkflowExecution | None:
    query = select(WorkflowExecution).where(WorkflowExecution.prefect_flow_run_id == run_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def _adopt(database: Database, orchestrator: Orchestrator, run_id: str) -> None:
    """Make the execution of a run that we have not started. What it is, Prefect says."""
    try:
        state = await orchestrator.get(run_id)
    except OrchestratorUnavailable:
        raise Unavailable("the orchestrator does not answer; ask again") from None
    if state is None:
        raise NotFound("the orchestrator knows no such run")
    async with database.writing() as session:
        if state.execution_id is not None:
            execution = await session.get(WorkflowExecution, state.execution_id)
            if execution is not None and execution.prefect_flow_run_id == run_id:
                return  # it has been written down since we looked
            raise _refusal(execution)
        await adopt(session, state)


def _refusal(execution: WorkflowExecution | None) -> ApiError:
    """It says that it is an execution's run, and that execution is not, or not yet, run by it."""
    if execution is not None and execution.prefect_flow_run_id is None:
        # The dispatcher has started it and is about to write down which run it is.
        return Unavailable("the run is being started; ask again")
    return Conflict(
        "this flow run was not started by dataroll, and says that it was: start it in dataroll",
        code="another-run",
    )
