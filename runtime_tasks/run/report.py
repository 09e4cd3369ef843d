"""What a person who opens the run in Prefect sees first: a table of its nodes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import MarkdownArtifact

from runtime_tasks.run.patience import patiently
from runtime_tasks.run.rules import NodeRecord

# No emoji: many servers' browsers have no font for them.
MARKS = {
    "success": "✓",
    "failed": "✗",
    "skipped": "–",
    "cancelled": "■",
    "unknown": "?",
    "running": "…",
}


async def leave(status: str, reason: str, records: Sequence[NodeRecord], execution_id: str) -> None:
    """Leave the run's summary as a Markdown artifact. A run does not fail for want of one."""
    markdown = summary(status, reason, records)
    if public := os.environ.get("DATAROLL_PUBLIC_URL"):
        markdown += f"\n\n[Open in dataroll]({public}/executions/{execution_id})"
    artifact = MarkdownArtifact(key="dataroll-summary", description=cell(reason), markdown=markdown)
    try:
        await patiently(artifact.acreate)
    except Exception as error:
        get_run_logger().warning("the summary could not be left: %s", error)


def summary(status: str, reason: str, records: Sequence[NodeRecord]) -> str:
    rows = ["| | node | name | took | outcome |", "|---|---|---|---:|---|"]
    for record in records:
        took = "" if record.duration is None else f"{record.duration} ms"
        outcome = record.branch or record.reason or record.status
        rows.append(
            f"| {MARKS[record.status]} | `{cell(record.node_id)}` | {cell(record.node_name)}"
            f" | {took} | {cell(outcome)} |"
        )
    return f"## {status}\n\n{cell(reason)}\n\n" + "\n".join(rows)


def cell(text: str) -> str:
    """Text that cannot leave its table cell or become a link or a tag."""
    for character in "\\|`*_[]<>#":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())


def code(text: str) -> str:
    """The same in a fixed width: nothing in it becomes a link, an address neither."""
    return "`" + " ".join(text.replace("`", "'").split()).replace("|", "\\|") + "`"
