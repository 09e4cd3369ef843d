"""What Prefect says about a run and what the journal says about its nodes, put together."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Failed, Paused, Running, State

from server.orchestrator.prefect_state import run_state

BEGUN = "2026-03-01T10:00:00+00:00"


def entry(node_id: str, node_type: str, status: str = "running") -> dict[str, Any]:
    return {
        "key": node_id,
        "nodeId": node_id,
        "nodeType": node_type,
        "nodeName": node_id,
        "status": status,
        "startedAt": BEGUN,
    }


@pytest.mark.parametrize(
    ("state", "approval", "beside"),
    [
        (Running(), "running", "running"),
        (Paused(), "waiting", "running"),
        (Cancelled(), "cancelled", "unknown"),
        (Failed(), "cancelled", "unknown"),
    ],
)
def test_what_an_open_node_does_follows_from_its_run(
    state: State[Any], approval: str, beside: str
) -> None:
    """An approval changes nothing: when its run ends, what became of it is known."""
    run = FlowRun(id=uuid4(), flow_id=uuid4(), state=state)
    entries = [entry("ask", "approval"), entry("beside", "action")]
    nodes = {node.node_id: node.status for node in run_state(run, entries).nodes}
    assert nodes == {"ask": approval, "beside": beside}
