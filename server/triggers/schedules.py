"""Keep the orchestrator's schedules in step with the triggers of a published workflow."""

from __future__ import annotations

from collections.abc import Iterable

from server.errors import Unavailable
from server.models import Workflow, WorkflowTrigger
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, Schedule


def schedules(triggers: Iterable[WorkflowTrigger]) -> tuple[Schedule, ...]:
    """What the orchestrator is told; a paused trigger is a schedule that is not active."""
    return tuple(
        Schedule(
            slug=trigger.node_id or trigger.id,
            cron=trigger.config["cron"],
            timezone=trigger.config.get("timezone") or "UTC",
            active=trigger.is_active,
        )
        for trigger in triggers
        if trigger.type == "scheduled"
    )


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
