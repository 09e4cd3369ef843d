"""How a run ended, and why, in a sentence for the person who has to go on from there."""

from __future__ import annotations

from collections.abc import Sequence

from runtime_tasks.run.rules import NodeRecord
from runtime_tasks.steps.migrations import ExecuteOutput, RollbackOutput, RunTestsOutput

NAMED = 5
"""How many tests that did not pass are named."""


def outcome_of(
    records: Sequence[NodeRecord], cancel_requested: bool, stopped: str | None
) -> tuple[str, str]:
    """``success`` only if no node failed, every test passed and nothing was taken back: a drawn
    way out of a failure does not make it a success. ``stopped``: why nothing new was started."""
    wrong = [f"{r.node_id} failed: {(r.error or {}).get('message', '')}" for r in failed(records)]
    wrong += [f"{record.node_id}: {sentence}" for record, sentence in unmet(records)]
    undone = rolled_back(records)
    if wrong or any(takes_back(record, records) for record in undone):
        if undone:
            wrong.append(f"rolled back by {', '.join(record.node_id for record in undone)}")
        return "failed", "; ".join(wrong)
    if cancel_requested:
        return "cancelled", cancellation(records)
    if stopped:
        return "cancelled", stopped
    skipped = sum(record.status == "skipped" for record in records)
    return "success", f"{len(records) - skipped} nodes done, {skipped} skipped"


def failed(records: Sequence[NodeRecord]) -> list[NodeRecord]:
    return [record for record in records if record.status in ("failed", "unknown")]


def unmet(records: Sequence[NodeRecord]) -> list[tuple[NodeRecord, str]]:
    """The nodes whose tests did not all pass, and which did not."""
    found = []
    for record in records:
        output = record.output
        if record.status == "success" and isinstance(output, RunTestsOutput) and not output.passed:
            names = [test.name[:100] for test in output.tests if not test.passed]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            of = f"{output.failures} of {output.total} tests did not pass"
            found.append((record, f"{of}: {', '.join(names[:NAMED])}{more}"))
    return found


def rolled_back(records: Sequence[NodeRecord]) -> list[NodeRecord]:
    return [
        record
        for record in records
        if record.status == "success" and isinstance(record.output, RollbackOutput)
    ]


def takes_back(rollback: NodeRecord, records: Sequence[NodeRecord]) -> bool:
    """Whether it undid what this very run had applied; to undo earlier work may be a run's aim."""
    undone: RollbackOutput = rollback.output
    names = {migration.id for migration in undone.rolled_back}
    return any(
        isinstance(record.output, ExecuteOutput)
        and record.output.connection_id == undone.connection_id
        and names & {migration.id for migration in record.output.applied}
        for record in records
    )


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
