"""Reads the journal that a flow keeps in its flow-run inputs, asking only for what is new.

An entry is written once and stays as it is, so what was read is kept: a look at a run of a
hundred nodes costs the entries since the last look. What no worker has sealed was written by
somebody who reaches Prefect: it is passed over, and looked at again, because the real entry may
take its place.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from runtime_tasks.run_token import run_token
from runtime_tasks.seal import Seal

PAGE = 200
"""Prefect gives no more at once."""
KEPT = 32_000_000
"""Characters of journals that are kept; the runs that were looked at longest ago are dropped."""
KEPT_RUNS = 500


@dataclass
class Known:
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    size: int = 0


class Journals:
    def __init__(self, worker_token: str | None = None) -> None:
        self._token = worker_token
        self._runs: OrderedDict[UUID, Known] = OrderedDict()
        self._nodes: OrderedDict[UUID, dict[UUID, str]] = OrderedDict()

    async def read(self, client: PrefectClient, run_id: UUID) -> list[dict[str, Any]]:
        """One entry per started and per settled node, and the run's outcome."""
        known = self._runs.setdefault(run_id, Known())
        self._runs.move_to_end(run_id)
        seal = Seal.of_run(run_token(self._token, run_id)) if self._token else None
        not_ours: set[str] = set()
        while True:
            page = await client.filter_flow_run_input(
                flow_run_id=run_id,
                key_prefix="",
                limit=PAGE,
                exclude_keys={*known.entries, *not_ours},
            )
            for entry in page:
                body = body_of(entry.key, entry.value)
                if body and seal is not None and not seal.holds(entry.key, body):
                    not_ours.add(entry.key)
                    continue
                known.entries[entry.key] = {**body, "key": entry.key}
                known.size += len(entry.value)
            if len(page) < PAGE:
                break
        self._forget_the_oldest()
        return [entry for entry in known.entries.values() if "status" in entry]

    async def node_ids(
        self, client: PrefectClient, run_id: UUID, task_run_ids: set[UUID]
    ) -> dict[UUID, str]:
        """Node id by task-run id, from the tags: names are not set yet when a task is pending."""
        known = self._nodes.setdefault(run_id, {})
        self._nodes.move_to_end(run_id)
        if not task_run_ids <= known.keys():
            known.update(await node_ids(client, run_id))
        while len(self._nodes) > KEPT_RUNS:
            self._nodes.popitem(last=False)
        return known

    def _forget_the_oldest(self) -> None:
        size = sum(known.size for known in self._runs.values())
        while len(self._runs) > 1 and (size > KEPT or len(self._runs) > KEPT_RUNS):
            _, known = self._runs.popitem(last=False)
            size -= known.size


def body_of(key: str, value: str) -> dict[str, Any]:
    """The entry, or nothing where it is none of the journal's: whoever reaches Prefect can write
    there."""
    if key != "run" and not key.startswith("node-"):
        return {}
    try:
        body = json.loads(value)
    except ValueError:
        return {}
    wanted = ("status",) if key == "run" else ("status", "nodeId", "nodeType", "nodeName")
    whole = isinstance(body, dict) and all(isinstance(body.get(name), str) for name in wanted)
    return body if whole else {}


async def node_ids(client: PrefectClient, run_id: UUID) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    offset = 0
    while True:
        page = await client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
            limit=PAGE,
            offset=offset,
        )
        for task_run in page:
            for tag in task_run.tags:
                if tag.startswith("node:"):
                    found[task_run.id] = tag.removeprefix("node:")
        if len(page) < PAGE:
            return found
        offset += PAGE
