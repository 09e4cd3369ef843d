"""What the end of a run means to others: it finished or failed, and databases were changed by it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.executions.starter import starter_of
from server.models import NodeExecution, Workflow, WorkflowExecution
from server.triggers.events import Happening, chain_of, happened

MIGRATIONS = {
    ("execute_migrations", "success"): "migration.executed",
    ("execute_migrations", "failed"): "migration.failed",
    ("rollback", "success"): "migration.rolled_back",
}


async def tell_run_ended(session: AsyncSession, execution: WorkflowExecution) -> list[str]:
    """Emit the run's events, in the transaction that records its end; started executions' ids.

    Test runs change nothing and tell nobody. Ids are the run's and the node's, so telling twice
    starts nothing twice.
    """
    if execution.dry_run:
        return []
    workflow = await session.get(Workflow, execution.workflow_id)
    name = workflow.name if workflow else ""
    about: dict[str, Any] = {
        "executionId": execution.id,
        "workflowId": execution.workflow_id,
        "workflow": name,
        "version": execution.version,
        "status": execution.status,
    }
    chain, person = chain_of(execution), starter_of(execution)
    happenings = [
        Happening(
            f"{execution.id}:{node.node_id}", execution.team_id, type_, about | data, chain, person
        )
        for node, type_, data in await _migrations(session, execution)
    ]
    ended = "execution.failed" if execution.status == "failed" else "execution.finished"
    about = about | {"reason": execution.reason, "error": execution.error}
    happenings.append(Happening(execution.id, execution.team_id, ended, about, chain, person))
    started: list[str] = []
    for happening in happenings:
        started += await happened(session, happening)
    return started


async def _migrations(
    session: AsyncSession, execution: WorkflowExecution
) -> list[tuple[NodeExecution, str, dict[str, Any]]]:
    from server.models import WorkflowDefinition

    definition = await session.get(WorkflowDefinition, execution.definition_id)
    actions = {
        node["id"]: (node.get("data") or {}).get("action")
        for node in (definition.nodes if definition else [])
    }
    rows = await session.scalars(
        select(NodeExecution)
        .where(NodeExecution.execution_id == execution.id)
        .order_by(NodeExecution.position)
    )
    found = []
    for node in rows:
        type_ = MIGRATIONS.get((actions.get(node.node_id) or "", node.status))
        if type_ is None:
            continue
        output = node.output if isinstance(node.output, dict) else {}
        data = {"nodeId": node.node_id} | {
            key: output[key]
            for key in ("connectionId", "tool", "applied", "rolledBack")
            if key in output
        }
        found.append((node, type_, data))
    return found
