"""What came with a trigger, kept apart from its execution where it is large.

A webhook may bring a megabyte. Prefect takes 512 KiB of parameters in all, and the execution's
row is read at every heartbeat of its process. So a large body has a row of its own, and a note
with its beginning stands in its place. The flow process gets the whole: it is told its parameters
by this server and does not take them from Prefect (:mod:`server.executions.begin`). A filter that
is asked about the note does not pass.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from server.models import TriggerBody, WorkflowExecution

LARGE = 100_000
"""Bytes of JSON, as Prefect counts them; beside it the variables need room."""
PREVIEW = 4_000


def is_large(body: Any) -> bool:
    return len(json.dumps(body)) > LARGE


def note_on(body: Any) -> dict[str, Any]:
    """What stands for a large body where people look: its size and its beginning."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {"truncated": True, "bytes": len(text.encode()), "preview": text[:PREVIEW]}


async def keep_apart(session: AsyncSession, execution_id: str, body: Any) -> None:
    session.add(TriggerBody(execution_id=execution_id, body=body))
    await session.flush()


async def whole_parameters(session: AsyncSession, execution: WorkflowExecution) -> Any:
    """The execution's parameters as its flow is to have them."""
    kept = await session.get(TriggerBody, execution.id)
    if kept is None:
        return execution.parameters
    trigger = {**execution.parameters["trigger"], "body": kept.body}
    return {**execution.parameters, "trigger": trigger}
