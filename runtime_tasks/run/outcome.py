"""How a run ended, and why, in a sentence for the person who has to go on from there."""

from __future__ import annotations

from collections.abc import Sequence

from runtime_tasks.run.rules import NodeRecord
from runtime_tasks.steps.migrations import RollbackOutput


def outcome_of(
    records: Sequence[NodeRecord], cancel_requested: bool, stopped: str | None
) -> tuple[str, str]:
    """``success`` only if no node failed; a migration that was taken back is a failure, and says
    so. ``stopped``: why nothing new was started."""
    failures = [record for record in records if record.status in ("failed", "unknown")]
    if failures:
        parts = [f"{r.node_id} failed: {(r.error or {}).get('message', '')}" for r in failures]
        undone = [
            record.node_id
            for record in records
            if record.status == "success" and isinstance(record.output, RollbackOutput)
        ]
        if undone:
            parts.append(f"rolled back by {', '.join(undone)}")
        return "failed", "; ".join(parts)
    if cancel_requested:
        return "cancelled", cancellation(records)
    if stopped:
        return "cancelled", stopped
    skipped = sum(record.status == "skipped" for record in records)
    return "success", f"{len(records) - skipped} nodes done, {skipped} skipped"


def cancellation(records: Sequence[NodeRecord]) -> str:
    """What was done and what was not, for the person who has to clean up."""
    parts = ["the run was cancelled"]
    for words, status in (("done", "success"), ("stopped", "cancelled"), ("not run", "skipped")):
        if names := [record.node_id for record in records if record.status == status]:
            parts.append(f"{words}: {', '.join(names)}")
    return "; ".join(parts)


def rejection(record: NodeRecord) -> str:
    if record.branch == "Expired":
        return f"{record.node_id} expired without a decision"
    by = ", ".join(getattr(record.output, "by", None) or [])
    comment = getattr(record.output, "comment", "")
    return (
        f"{record.node_id} was rejected{f' by {by}' if by else ''}"
        f"{f': {comment}' if comment else ''}"
    )
