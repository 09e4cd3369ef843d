"""What the server tells a process that was taken for dead, and one whose run is to end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.models import WorkflowExecution
from tests.server.conftest import World, any_compiler, running

__all__ = ["any_compiler"]

WORKFLOW = """\
version: "1.0"
name: Ship it
trigger: manual
nodes:
  trigger-1: {type: trigger, label: Start}
edges: []
"""


@pytest.fixture
async def world(tmp_path: Path, any_compiler: None) -> AsyncIterator[World]:
    async with running(tmp_path / "home") as world:
        yield world


async def run(world: World) -> str:
    workflow = await world.published(WORKFLOW)
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id: str = started.json()["id"]
    world.orchestrator.begin(await world.dispatch(execution_id))
    return execution_id


async def beat(world: World, execution_id: str, attempt: int) -> httpx.Response:
    return await world.worker.post(
        f"/api/worker/executions/{execution_id}/heartbeat",
        json={"process": f"{attempt}@host:{attempt + 100}"},
        headers={"X-Dataroll-Attempt": str(attempt)},
    )


async def test_once_a_later_attempt_is_known_an_earlier_one_hears_nothing_more(
    world: World,
) -> None:
    execution_id = await run(world)
    assert (await beat(world, execution_id, 0)).status_code == 200
    async with world.database.writing() as session:
        row = await session.get_one(WorkflowExecution, execution_id)
        row.process = "1@starting"
    late = await beat(world, execution_id, 0)
    assert (late.status_code, late.json()["type"]) == (409, "urn:dataroll:superseded")
    assert (await beat(world, execution_id, 1)).status_code == 200
    assert (await beat(world, execution_id, 0)).status_code == 409
    base = f"/api/worker/executions/{execution_id}"
    for path in ("connections", "connections/shop", "secrets/hook", "approvals/approval-1"):
        answer = await world.worker.get(f"{base}/{path}", headers={"X-Dataroll-Attempt": "0"})
        assert answer.json()["type"] == "urn:dataroll:superseded", path
    asked = await world.worker.post(
        f"{base}/approvals", json=request(), headers={"X-Dataroll-Attempt": "0"}
    )
    assert asked.status_code == 409


def request(**more: Any) -> dict[str, Any]:
    return {"nodeId": "approval-1", "approvers": ["role:approver"], "timeout": 60, **more}


async def test_a_consent_is_not_handed_to_a_run_that_is_to_end(world: World) -> None:
    """Approved first, cancelled a moment later, and the run has heard of neither."""
    voter = await world.person("approver")
    execution_id = await run(world)
    base = f"/api/worker/executions/{execution_id}"
    asked = await world.worker.post(f"{base}/approvals", json=request())
    assert asked.status_code == 201, asked.text
    voted = await voter.post(f"/api/approvals/{asked.json()['id']}/approve", json={})
    assert voted.json()["status"] == "approved"
    before = (await world.worker.get(f"{base}/approvals/approval-1")).json()
    assert before["outcome"] == "approved"
    assert before["signature"]
    await world.admin.post(f"/api/executions/{execution_id}/cancel")
    after = (await world.worker.get(f"{base}/approvals/approval-1")).json()
    assert (after["status"], after["reason"]) == ("cancelled", "the run was cancelled")
    assert after["outcome"] is None
    assert after["decision"] is None
    assert after["signature"] is None


async def test_a_run_that_is_to_end_asks_nobody_any_more(world: World) -> None:
    voter = await world.person("approver")
    execution_id = await run(world)
    await world.admin.post(f"/api/executions/{execution_id}/cancel")
    asked = await world.worker.post(
        f"/api/worker/executions/{execution_id}/approvals", json=request()
    )
    assert asked.json()["status"] == "cancelled"
    vote = await voter.post(f"/api/approvals/{asked.json()['id']}/approve", json={})
    assert vote.status_code == 409


async def test_votes_comments_and_the_metrics_through_the_api(world: World) -> None:
    one = await world.person("approver", "one@example.test")
    two = await world.person("approver", "two@example.test")
    three = await world.person("approver", "three@example.test")
    execution_id = await run(world)
    asked = await world.worker.post(
        f"/api/worker/executions/{execution_id}/approvals",
        json=request(
            approvers=["one@example.test", "two@example.test"],
            required="all",
            planHash="sha256:plan",
        ),
    )
    base = f"/api/approvals/{asked.json()['id']}"
    said = await two.post(f"{base}/comments", json={"text": "looking"})
    assert said.status_code == 201
    handed = await two.post(f"{base}/delegate", json={"to": "three@example.test"})
    assert handed.status_code == 200, handed.text
    assert [d["to"]["email"] for d in handed.json()["delegations"]] == ["three@example.test"]
    assert handed.json()["mayVote"] is False
    assert (await three.get("/api/approvals?mine=true")).json()["items"][0]["mayVote"] is True
    assert (await two.get("/api/approvals?mine=true")).json()["items"] == []
    stale = await one.post(f"{base}/approve", json={"planHash": "sha256:older"})
    assert stale.json()["type"] == "urn:dataroll:plan-changed"
    await one.post(f"{base}/approve", json={"planHash": "sha256:plan", "comment": "good"})
    done = (await three.post(f"{base}/approve", json={"comment": "agreed"})).json()
    assert (done["status"], done["comment"]) == ("approved", "good\nagreed")
    assert world.woken[-1] == f"resumer {execution_id}"
    sla = (await world.admin.get("/api/metrics")).json()["approvalSla"]
    assert (sla["total"], sla["decidedInTime"], sla["compliance"]) == (1, 1, 1.0)
    voted = {voter["email"]: voter for voter in sla["byApprover"]}
    assert set(voted) == {"one@example.test", "three@example.test"}
    assert all(voter["approvals"] == 1 for voter in voted.values())
    assert 0 <= voted["one@example.test"]["averageSeconds"] <= sla["averageSeconds"]
    assert voted["three@example.test"]["averageSeconds"] == pytest.approx(
        sla["averageSeconds"], abs=1
    )
    (workflow,) = sla["byWorkflow"]
    assert (workflow["name"], workflow["compliance"]) == ("A workflow", 1.0)
    assert workflow["averageSeconds"] == pytest.approx(sla["averageSeconds"])
