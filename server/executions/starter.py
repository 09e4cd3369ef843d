"""Whose act it was that started a run, as far as it is known: their consent alone is never enough."""

from __future__ import annotations

from server.models import WorkflowExecution

ADOPTED = "flow-run:"
"""How the idempotency key of a run begins that was started in Prefect."""
NOBODY = ("schedule", "webhook", "event", "prefect")


def starter_of(execution: WorkflowExecution) -> str | None:
    """The user's id; also through an event that they caused, and the runs that led to it.

    None for schedules and webhooks, which nobody starts, and for runs from
    Prefect's own UI, which somebody starts whose name is not known.
    """
    if execution.triggered_by == "event":
        payload = (execution.context or {}).get("trigger")
        person = payload.get("startedBy") if isinstance(payload, dict) else None
        return person if isinstance(person, str) else None
    return None if execution.triggered_by in NOBODY else execution.triggered_by


def started_by_a_stranger(execution: WorkflowExecution) -> bool:
    """Somebody has started it in Prefect, and it may be anybody, an approver too.

    So may whoever sends Prefect the event that stands for a webhook: nobody checks a signature there.
    """
    in_prefect = (execution.idempotency_key or "").startswith(ADOPTED)
    return in_prefect and execution.triggered_by in ("prefect", "webhook")
