"""A run through the API: published, executed, dispatched, mirrored, read, cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from server.executions.record import record_run
from tests.server.conftest import World

WORKFLOW = """\
version: "1.0"
name: Ship it
trigger: manual
variables:
  targetEnv: {type: string, default: production, enum: [production, staging]}
  count: {type: number, required: true}
  hook: {type: secret}
nodes:
  trigger-1: {type: trigger, label: Start}
  say-1: {type: notification, label: Say, provider: slack, webhook: "{{ hook }}", message: "{{ targetEnv }}"}
edges:
  - {source: trigger-1, target: say-1}
"""


async def test_a_run_is_started_mirrored_and_read(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    started = await world.admin.post(
        f"/api/workflows/{workflow['id']}/execute", json={"variables": {"count": 3}}
    )
    assert started.status_code == 202
    assert started.json()["status"] == "pending"
    assert world.woken == ["dispatcher"]
    execution_id = started.json()["id"]
    run_id = await world.dispatch(execution_id)
    parameters = world.orchestrator.requests[run_id].parameters
    assert parameters["targetEnv"] == "production"
    assert parameters["count"] == 3
    assert "hook" not in parameters
    assert parameters["currentUser"]["email"] == "admin@localhost"
    assert parameters["execution"]["id"] == execution_id

    world.orchestrator.begin(run_id)
    world.orchestrator.settle(run_id, "trigger-1", "success", node_type="trigger")
    world.orchestrator.settle(run_id, "say-1", "failed", error={"message": "no such channel"})
    world.orchestrator.log(run_id, "saying", node_id="say-1")
    world.orchestrator.finish(run_id, "failed", error="say-1 failed")
    assert await world.mirror(run_id) is True

    answer = (await world.admin.get(f"/api/executions/{execution_id}")).json()
    assert answer["status"] == "failed"
    assert answer["error"] == "say-1 failed"
    assert answer["version"] == 1
    assert [(n["nodeId"], n["status"]) for n in answer["nodeExecutions"]] == [
        ("trigger-1", "success"),
        ("say-1", "failed"),
    ]
    assert answer["nodeExecutions"][1]["error"] == {"message": "no such channel"}
    logs = (await world.admin.get(f"/api/executions/{execution_id}/logs")).json()
    assert [(line["nodeId"], line["message"]) for line in logs["items"]] == [("say-1", "saying")]
    history = (await world.admin.get(f"/api/workflows/{workflow['id']}/executions")).json()
    assert [item["id"] for item in history["items"]] == [execution_id]


async def test_recording_the_same_state_again_changes_nothing(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id = await _start(world, workflow["id"])
    run_id = await world.dispatch(execution_id)
    world.orchestrator.begin(run_id)
    world.orchestrator.settle(run_id, "trigger-1", "running")
    older = world.orchestrator.runs[run_id]
    world.orchestrator.settle(run_id, "trigger-1", "success")
    world.orchestrator.finish(run_id, "success")
    assert await world.mirror(run_id) is True
    assert await world.mirror(run_id) is False
    async with world.database.writing() as session:
        assert await record_run(session, older) is False
        # Not even when it claims to be newer: what has ended stays as it ended.
        late = replace(older, updated_at=older.updated_at + timedelta(hours=1))
        assert await record_run(session, late) is False
    answer = (await world.admin.get(f"/api/executions/{execution_id}")).json()
    assert answer["status"] == "success"
    assert answer["nodeExecutions"][0]["status"] == "success"


async def _start(world: World, workflow_id: str, **body: object) -> str:
    started = await world.admin.post(
        f"/api/workflows/{workflow_id}/execute", json={"variables": {"count": 1}, **body}
    )
    assert started.status_code == 202, started.text
    execution_id: str = started.json()["id"]
    return execution_id


async def test_wrong_variables_are_named_all_at_once(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    answer = await world.admin.post(
        f"/api/workflows/{workflow['id']}/execute",
        json={"variables": {"targetEnv": "moon", "unknown": 1, "hook": "x"}},
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} == {
        "variables.targetEnv",
        "variables.unknown",
        "variables.hook",
        "variables.count",
    }
    history = (await world.admin.get(f"/api/workflows/{workflow['id']}/executions")).json()
    assert history["items"] == []


async def test_the_same_idempotency_key_is_the_same_run(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    answers = [
        await world.admin.post(
            f"/api/workflows/{workflow['id']}/execute",
            json={"variables": {"count": 1}},
            headers={"Idempotency-Key": "deploy-42"},
        )
        for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_run_that_nobody_has_started_yet_is_cancelled_at_once(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id = await _start(world, workflow["id"])
    cancelled = await world.admin.post(f"/api/executions/{execution_id}/cancel")
    assert cancelled.status_code == 202
    assert cancelled.json()["status"] == "cancelled"


async def test_a_run_that_is_under_way_is_marked_for_cancelling(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id = await _start(world, workflow["id"])
    run_id = await world.dispatch(execution_id)
    world.orchestrator.begin(run_id)
    await world.mirror(run_id)
    cancelled = await world.admin.post(f"/api/executions/{execution_id}/cancel")
    assert cancelled.json()["status"] == "running"
    assert world.woken[-1] == "canceller"
    await world.orchestrator.cancel(run_id)
    await world.mirror(run_id)
    again = await world.admin.post(f"/api/executions/{execution_id}/cancel")
    assert again.json()["status"] == "cancelled"


async def test_a_run_that_has_ended_cannot_be_cancelled(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    execution_id = await _start(world, workflow["id"])
    run_id = await world.dispatch(execution_id)
    world.orchestrator.finish(run_id, "success")
    await world.mirror(run_id)
    answer = await world.admin.post(f"/api/executions/{execution_id}/cancel")
    assert answer.status_code == 409


async def test_nothing_starts_from_a_draft(world: World) -> None:
    made = await world.admin.post(
        "/api/workflows", json={"name": "Draft", "definition": {"content": WORKFLOW}}
    )
    answer = await world.admin.post(f"/api/workflows/{made.json()['id']}/execute", json={})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:dataroll:not-published"


async def test_a_draft_is_tested_as_a_dry_run(world: World) -> None:
    made = await world.admin.post(
        "/api/workflows", json={"name": "Draft", "definition": {"content": WORKFLOW}}
    )
    answer = await world.admin.post(
        f"/api/workflows/{made.json()['id']}/test",
        json={"input": {"count": 1}, "approvals": {"approval-1": "Rejected"}},
    )
    assert answer.status_code == 202, answer.text
    run_id = await world.dispatch(answer.json()["id"])
    execution = world.orchestrator.requests[run_id].parameters["execution"]
    assert execution["dryRun"] is True
    assert execution["approvals"] == {"approval-1": "Rejected"}
    assert world.publisher.staged == [(made.json()["id"], 1)]
    assert world.publisher.published == []
