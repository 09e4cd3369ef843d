"""Reading workflows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Select, Text, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Access
from server.errors import NotFound
from server.models import (
    FINISHED,
    Workflow,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowVariable,
)


async def definition_of(session: AsyncSession, workflow: Workflow) -> WorkflowDefinition:
    definition = await session.get(WorkflowDefinition, workflow.definition_id)
    assert definition is not None  # noqa: S101 - made together with the workflow
    return definition


async def version_of(session: AsyncSession, workflow_id: str, version: int) -> WorkflowDefinition:
    definition = await session.scalar(
        select(WorkflowDefinition).where(
            WorkflowDefinition.workflow_id == workflow_id, WorkflowDefinition.version == version
        )
    )
    if definition is None:
        raise NotFound(f"this workflow has no version {version}")
    return definition


async def variables_of(session: AsyncSession, workflow_id: str) -> Sequence[WorkflowVariable]:
    return (
        await session.scalars(
            select(WorkflowVariable)
            .where(WorkflowVariable.workflow_id == workflow_id)
            .order_by(WorkflowVariable.name)
        )
    ).all()


async def last_executions(
    session: AsyncSession, workflow_ids: list[str]
) -> dict[str, WorkflowExecution]:
    """The newest run of each, one index seek a workflow however long the histories are."""
    newest = (
        select(WorkflowExecution.id)
        .where(WorkflowExecution.workflow_id == Workflow.id)
        .order_by(WorkflowExecution.id.desc())
        .limit(1)
        .correlate(Workflow)
        .scalar_subquery()
    )
    ids = (await session.scalars(select(newest).where(Workflow.id.in_(workflow_ids)))).all()
    rows = await session.scalars(
        select(WorkflowExecution).where(WorkflowExecution.id.in_([i for i in ids if i]))
    )
    return {row.workflow_id: row for row in rows}


async def recent_executions(
    session: AsyncSession, workflow_ids: list[str], count: int = 12
) -> dict[str, list[WorkflowExecution]]:
    """The newest runs of each, newest first.

    One short search of the index a workflow, put together: asked for in a subquery, SQLite walks
    through all runs there are.
    """
    if not workflow_ids:
        return {}
    newest = [
        select(WorkflowExecution.id)
        .where(WorkflowExecution.workflow_id == workflow_id)
        .order_by(WorkflowExecution.id.desc())
        .limit(count)
        .subquery()
        for workflow_id in workflow_ids
    ]
    ids = (await session.scalars(union_all(*(select(each.c.id) for each in newest)))).all()
    rows = await session.scalars(
        select(WorkflowExecution)
        .where(WorkflowExecution.id.in_(ids))
        .order_by(WorkflowExecution.id.desc())
    )
    recent: dict[str, list[WorkflowExecution]] = {}
    for row in rows:
        recent.setdefault(row.workflow_id, []).append(row)
    return recent


async def open_runs(
    session: AsyncSession, workflow_id: str, limit: int = 50
) -> Sequence[WorkflowExecution]:
    return (
        await session.scalars(
            select(WorkflowExecution)
            .where(
                WorkflowExecution.workflow_id == workflow_id,
                WorkflowExecution.status.in_([*_OPEN]),
            )
            .order_by(WorkflowExecution.id.desc())
            .limit(limit)
        )
    ).all()


_OPEN = ("pending", "running", "waiting")
assert not set(_OPEN) & set(FINISHED)  # noqa: S101 - two halves of one list


def listed(
    access: Access,
    *,
    team_id: str | None,
    status: str | None,
    trigger: str | None,
    tag: str | None,
    search: str | None,
) -> Select[tuple[Workflow]]:
    query = access.scoped(Workflow, team_id).where(Workflow.deleted_at.is_(None))
    if status is not None:
        query = query.where(Workflow.is_published.is_(status == "published"))
    if trigger is not None:
        query = query.where(Workflow.trigger == trigger)
    if tag is not None:
        # The column is JSON in text: look for the tag as it is written there.
        tags = type_coerce(Workflow.tags, Text)
        query = query.where(tags.contains(json.dumps(tag), autoescape=True))
    if search:
        pattern = f"%{_like(search)}%"
        query = query.where(
            Workflow.name.ilike(pattern, escape="\\")
            | Workflow.description.ilike(pattern, escape="\\")
        )
    return query


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
