"""Keep the orchestrator's schedules in step with the triggers of a published workflow."""

from __future__ import annotations

from server.errors import Unavailable
from server.models import Workflow
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, Schedule


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
