"""Keep the orchestrator's schedules in step with the triggers of a published workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import Unavailable
from server.models import Workflow, WorkflowDefinition, WorkflowTrigger
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, Schedule


def schedules(
    triggers: Mapping[str, tuple[Mapping[str, Any], bool]], interface: Mapping[str, Any]
) -> tuple[Schedule, ...]:
    """What the orchestrator is told, from configuration and activity by slug.

    A paused trigger is a schedule that is not active. ``interface`` is the
    published version's: the parameters its flow takes, and their names.
    """
    return tuple(
        Schedule(
            slug=slug,
            cron=config["cron"],
            timezone=config.get("timezone") or "UTC",
            active=active,
            parameters=schedule_parameters(
                config, interface.get("schema") or {}, interface.get("names") or {}
            ),
        )
        for slug, (config, active) in triggers.items()
    )


async def schedules_of(session: AsyncSession, workflow: Workflow) -> tuple[Schedule, ...]:
    """The schedules that the live version of a workflow is to have."""
    published = await session.get(WorkflowDefinition, workflow.published_definition_id or "")
    rows = await session.scalars(
        select(WorkflowTrigger).where(
            WorkflowTrigger.workflow_id == workflow.id, WorkflowTrigger.type == "scheduled"
        )
    )
    triggers = {slug_of(row): (row.config, row.is_active) for row in rows if row.config.get("cron")}
    return schedules(triggers, (published.interface if published else None) or {})


def slug_of(trigger: WorkflowTrigger) -> str:
    return trigger.node_id or trigger.id


def schedule_parameters(
    config: Mapping[str, Any], schema: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """What the runs of a schedule are given, as the flow's parameters: ``schema`` and ``names``
    are the compiled flow's. A name that the version at hand does not take is left out."""
    given = dict(config.get("variables") or {})
    if config.get("connectionId") is not None:
        given.setdefault("connectionId", config["connectionId"])
    renamed = {names.get(name, name): value for name, value in given.items()}
    taken = schema.get("properties") or {}
    return {name: value for name, value in renamed.items() if name in taken}


async def set_schedules(
    orchestrator: Orchestrator, workflow: Workflow, wanted: tuple[Schedule, ...]
) -> None:
    """Raises Unavailable. Does nothing where nothing is published: publishing will."""
    if not workflow.is_published or workflow.deployment_id is None:
        return
    try:
        await orchestrator.set_schedules(workflow.deployment_id, wanted)
    except OrchestratorUnavailable:
        raise Unavailable(
            "the orchestrator does not answer; the trigger is as it was, try again"
        ) from None
