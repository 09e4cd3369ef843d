"""What has settled, kept with the flow run in Prefect, so that a restarted run repeats nothing.

Prefect's flow-run inputs are a key-value store per run, written synchronously.
Each node that starts leaves a mark and each one that settles its whole
record; a flow that starts again from the top asks here first. The mirror
reads the same records.

Whoever reaches Prefect can write there too. Under a dataroll server each entry
carries the worker's seal (:mod:`runtime_tasks.seal`), and one without it is
believed by nobody: a run that finds one ends.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from runtime_tasks.errors import Refused
from runtime_tasks.output import Output
from runtime_tasks.run.patience import patiently
from runtime_tasks.run.rules import NodeRecord
from runtime_tasks.seal import Seal, opened

PREFIX = "node-"
PAGE = 200
"""Prefect gives no more at once."""
TRIES = 20
"""How often an entry takes the place of one that is none of ours."""
LIMIT = 400_000
"""Bytes of JSON an output may have to be kept; Prefect refuses parameters above 512 KiB."""


def key(node_id: str, status: str) -> str:
    """One key for the mark of a start, one for the outcome.

    Prefect allows lower-case letters, digits and dashes.
    """
    moment = "started" if status == "running" else "settled"
    return f"{PREFIX}{hashlib.sha256(node_id.encode()).hexdigest()[:20]}-{moment}"


def to_json(record: NodeRecord) -> dict[str, Any]:
    """A record as the mirror and the summary artifact carry it."""
    output, truncated = bounded(plain(record.output))
    given, _ = bounded(plain(record.input))
    body: dict[str, Any] = {
        "nodeId": record.node_id,
        "nodeType": record.node_type,
        "nodeName": record.node_name,
        "status": record.status,
        "reason": record.reason,
        "branch": record.branch,
        "input": given,
        "output": output,
        "error": record.error,
        "startedAt": record.started_at.isoformat() if record.started_at else None,
        "completedAt": record.completed_at.isoformat() if record.completed_at else None,
        "duration": record.duration,
        "retryCount": record.retry_count,
        "broken": record.broken,
        "disabled": record.disabled,
        "continueOnError": record.continue_on_error,
    }
    if isinstance(record.output, Output):
        body["model"] = f"{type(record.output).__module__}:{type(record.output).__qualname__}"
    if truncated:
        body["truncated"] = True
    return body


def from_json(body: Mapping[str, Any], *, like: NodeRecord) -> NodeRecord:
    """The record as it was kept. What the flow says about the node is taken from ``like``: the
    flow was reviewed, the journal can be written by whoever reaches Prefect."""
    return NodeRecord(
        node_id=like.node_id,
        node_type=like.node_type,
        node_name=like.node_name,
        status=body["status"],
        reason=body.get("reason"),
        branch=body.get("branch"),
        input=body.get("input"),
        output=revive(body.get("model"), body.get("output")),
        error=body.get("error"),
        started_at=_time(body.get("startedAt")),
        completed_at=_time(body.get("completedAt")),
        retry_count=body.get("retryCount", 0),
        broken=body.get("broken", False),
        continue_on_error=like.continue_on_error,
    )


async def read(
    client: PrefectClient, flow_run_id: UUID, seal: Seal | None
) -> dict[str, dict[str, Any]]:
    """Every journal entry of a run, by node id. Raises Refused for one that no worker wrote."""
    found: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    while True:
        entries = await patiently(
            lambda: client.filter_flow_run_input(
                flow_run_id=flow_run_id, key_prefix=PREFIX, limit=PAGE, exclude_keys=seen
            )
        )
        for entry in entries:
            seen.add(entry.key)
            body = opened(entry.key, entry.value, seal)
            if body is None:
                raise Refused(
                    "somebody has written into this run's journal in Prefect"
                    f" ({entry.key} does not carry the worker's seal): nothing of it is believed;"
                    " start a new run"
                )
            if body["status"] != "running" or body["nodeId"] not in found:
                found[body["nodeId"]] = body
        if len(entries) < PAGE:
            return found


async def write(
    client: PrefectClient, flow_run_id: UUID, body: Mapping[str, Any], seal: Seal | None
) -> None:
    """Write an entry, however long Prefect is away; the first one of a key stays."""
    await _keep(client, flow_run_id, key(str(body["nodeId"]), str(body["status"])), body, seal)


async def write_outcome(flow_run_id: UUID, status: str, reason: str, seal: Seal | None) -> None:
    """The run's own outcome, under the key ``run``: the mirror reads it beside the nodes."""
    async with get_client() as client:
        await _keep(client, flow_run_id, "run", {"status": status, "reason": reason}, seal)


async def _keep(
    client: PrefectClient, flow_run_id: UUID, key: str, body: Mapping[str, Any], seal: Seal | None
) -> None:
    value = json.dumps(body if seal is None else seal.put_on(key, body))
    for _ in range(TRIES):
        try:
            await patiently(lambda: client.create_flow_run_input(flow_run_id, key=key, value=value))
        except PrefectHTTPStatusError as error:
            if error.response.status_code != 409:
                raise
        else:
            return
        # It is there; the process that wrote it, or the answer to it, was lost.
        if seal is None or await _is_ours(client, flow_run_id, key, seal):
            return
        with suppress(ObjectNotFound):
            await patiently(lambda: client.delete_flow_run_input(flow_run_id, key))
    raise Refused(f"somebody keeps writing {key} into this run's journal in Prefect")


async def _is_ours(client: PrefectClient, flow_run_id: UUID, key: str, seal: Seal) -> bool:
    """Whether a worker has written this entry, and nobody has put another there before it."""
    try:
        text = await patiently(lambda: client.read_flow_run_input(flow_run_id, key))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != 404:
            raise
        return False  # it is gone again
    return opened(key, text, seal) is not None


def plain(value: Any) -> Any:
    """The value as JSON."""
    if isinstance(value, Output):
        return value.as_json()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def bounded(value: Any) -> tuple[Any, bool]:
    """The value, or a note that it was too large to keep."""
    text = json.dumps(value)
    if len(text) <= LIMIT:
        return value, False
    return {"truncated": True, "bytes": len(text), "beginning": text[:2000]}, True


def revive(model: str | None, value: Any) -> Any:
    """The output as the step returned it. Only our own outputs are ever imported."""
    if model is None or not model.startswith("runtime_tasks."):
        return value
    module, _, name = model.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Output)):
        return value
    return found.of_json(value)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
