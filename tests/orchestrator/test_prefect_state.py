"""What Prefect says about a run and what the journal says about its nodes, put together."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Paused, Running, State

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
    ("state", "approval"), [(Running(), "running"), (Paused(), "waiting"), (Cancelled(), "unknown")]
)
def test_an_approval_waits_while_its_run_is_paused(state: State[Any], approval: str) -> None:
    run = FlowRun(id=uuid4(), flow_id=uuid4(), state=state)
    beside = entry("beside", "action")
    nodes = {
        node.node_id: node.status
        for node in run_state(run, [entry("ask", "approval"), beside]).nodes
    }
    assert nodes == {"ask": approval, "beside": "unknown" if approval == "unknown" else "running"}
