"""Who may decide, how many it takes, and that it is decided once."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update

from runtime_tasks.secrets import secret, secret_text, unread
from server.approvals.service import expire_due
from server.models import WorkflowApproval, WorkflowExecution, utc_now
from tests.server.conftest import World
from tests.server.things import make_things


async def run_of(world: World, starter: httpx.AsyncClient | None = None) -> str:
    """An execution under way, started by a person or by the schedule."""
    things = await make_things(world, await world.team_id())
    execution_id = things.ids["execution_id"]
    values: dict[str, Any] = {"status": "running"}
    if starter is not None:
        values["triggered_by"] = (await starter.get("/api/auth/me")).json()["id"]
    async with world.database.writing() as session:
        await session.execute(
            update(WorkflowExecution).where(WorkflowExecution.id == execution_id).values(values)
        )
    return execution_id


async def ask(world: World, execution_id: str, **body: Any) -> httpx.Response:
    return await world.worker.post(
        f"/api/worker/executions/{execution_id}/approvals",
        json={"nodeId": "consent", "approvers": ["role:approver"], "timeout": 600, **body},
    )


async def decision(world: World, execution_id: str) -> dict[str, Any]:
    answer = await world.worker.get(f"/api/worker/executions/{execution_id}/approvals/consent")
    result: dict[str, Any] = answer.json()
    return result


async def test_one_approval_decides_and_is_signed(world_on_both: World) -> None:
    world = world_on_both
    approver = await world.person("approver")
    execution_id = await run_of(world)
    asked = await ask(world, execution_id, digest="sha256:d", planHash="p1", plans=[{"a": 1}])
    assert asked.status_code == 201
    approval_id = asked.json()["id"]
    again = await ask(world, execution_id, digest="sha256:d", planHash="p1", plans=[{"a": 1}])
    assert again.json()["id"] == approval_id
    assert (await decision(world, execution_id))["outcome"] is None
    voted = await approver.post(
        f"/api/approvals/{approval_id}/approve", json={"comment": "fine", "planHash": "p1"}
    )
    assert voted.status_code == 200, voted.text
    assert voted.json()["status"] == "approved"
    assert f"resumer {execution_id}" in world.woken
    made = await decision(world, execution_id)
    assert made["outcome"] == "approved"
    assert made["by"] == ["approver@example.test"]
    signed = json.loads(made["decision"])
    assert signed["execution"] == execution_id
    assert (signed["node"], signed["digest"], signed["planHash"]) == ("consent", "sha256:d", "p1")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(world.app.state.signer.public_key))
    signature = base64.b64decode(made["signature"])
    key.verify(signature, made["decision"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(signature, made["decision"].replace("approved", "rejected").encode())


async def test_whoever_started_the_run_is_never_the_only_consent(world: World) -> None:
    starter = await world.person("developer", "starter@example.test")
    other = await world.person("approver", "other@example.test")
    execution_id = await run_of(world, starter)
    approval_id = (await ask(world, execution_id)).json()["id"]
    first = await starter.post(f"/api/approvals/{approval_id}/approve")
    assert first.json()["status"] == "pending"
    second = await other.post(f"/api/approvals/{approval_id}/approve")
    assert second.json()["status"] == "approved"


@pytest.mark.parametrize("skip", [True, False])
async def test_where_only_the_starter_could_approve_the_request_is_refused(
    world: World, skip: bool
) -> None:
    starter = await world.person("developer", "starter@example.test")
    execution_id = await run_of(world, starter)
    answer = await ask(world, execution_id, approvers=["starter@example.test"], skipIfCreator=skip)
    assert answer.status_code == 422
    assert "another approver" in answer.json()["detail"]


async def test_a_starter_who_need_not_be_asked_may_not_vote(world: World) -> None:
    starter = await world.person("developer", "starter@example.test")
    await world.person("approver")
    execution_id = await run_of(world, starter)
    asked = await ask(world, execution_id, required="all", skipIfCreator=True)
    answer = await starter.post(f"/api/approvals/{asked.json()['id']}/approve")
    assert answer.json()["type"] == "urn:dataroll:not-an-approver"


async def test_a_team_may_forbid_that_starters_vote(world: World) -> None:
    team_id = await world.team_id()
    await world.admin.patch(f"/api/teams/{team_id}", json={"allowSelfApproval": False})
    starter = await world.person("developer", "starter@example.test")
    execution_id = await run_of(world, starter)
    approval_id = (await ask(world, execution_id)).json()["id"]
    assert (await starter.post(f"/api/approvals/{approval_id}/approve")).status_code == 403


async def test_a_steps_channel_comes_by_the_name_of_its_secret(world: World) -> None:
    await world.person("approver", "a@example.test")
    webhook = secret_text("https://hooks.example/", secret("dbaChannel"))
    assert str(webhook) == "https://hooks.example/••••"
    notify = {"slack": unread(webhook), "emails": ["dba@example.test"], "reminders": False}
    asked = await ask(world, await run_of(world), notify=notify)
    assert asked.status_code == 201, asked.text
    async with world.database.reading() as session:
        row = await session.get_one(WorkflowApproval, asked.json()["id"])
    assert row.notify == {
        "slack": ["https://hooks.example/", {"secret": "dbaChannel"}],
        "emails": ["dba@example.test"],
        "reminders": False,
    }
    for wrong in ({"slack": "https://hooks.example/"}, {"slack": [{"secret": ""}]}, {"to": []}):
        assert (await ask(world, await run_of(world), notify=wrong)).status_code == 422


async def test_all_means_all_and_one_no_is_no(world: World) -> None:
    people = [await world.person("approver", f"p{n}@example.test") for n in range(3)]
    emails = [f"p{n}@example.test" for n in range(3)]
    execution_id = await run_of(world)
    approval_id = (await ask(world, execution_id, approvers=emails, required="all")).json()["id"]
    for person in people[:2]:
        answer = await person.post(f"/api/approvals/{approval_id}/approve")
        assert answer.json()["status"] == "pending"
    last = await people[2].post(f"/api/approvals/{approval_id}/reject", json={"comment": "no"})
    assert last.json()["status"] == "rejected"
    assert last.json()["rejectionReason"] == "no"
    assert (await decision(world, execution_id))["outcome"] == "rejected"


async def test_votes_that_are_double_late_foreign_or_for_another_plan_are_refused(
    world: World,
) -> None:
    one = await world.person("approver", "one@example.test")
    two = await world.person("approver", "two@example.test")
    outsider = await world.person("developer")
    execution_id = await run_of(world)
    asked = await ask(
        world,
        execution_id,
        approvers=["one@example.test", "two@example.test"],
        required=2,
        planHash="p1",
    )
    url = f"/api/approvals/{asked.json()['id']}"
    codes = {}
    codes["plan"] = await one.post(f"{url}/approve", json={"planHash": "p0"})
    assert (await one.post(f"{url}/approve", json={"planHash": "p1"})).status_code == 200
    codes["double"] = await one.post(f"{url}/approve")
    codes["foreign"] = await outsider.post(f"{url}/approve")
    await two.post(f"{url}/approve")
    codes["late"] = await two.post(f"{url}/reject")
    assert {name: answer.json()["type"].rpartition(":")[2] for name, answer in codes.items()} == {
        "plan": "plan-changed",
        "double": "already-voted",
        "foreign": "not-an-approver",
        "late": "already-decided",
    }


async def test_nobody_answering_never_means_yes(world_on_both: World) -> None:
    world = world_on_both
    approver = await world.person("approver")
    execution_id = await run_of(world)
    approval_id = (await ask(world, execution_id)).json()["id"]
    async with world.database.writing() as session:
        await session.execute(
            update(WorkflowApproval)
            .where(WorkflowApproval.id == approval_id)
            .values(expires_at=utc_now() - timedelta(seconds=1))
        )
    late = await approver.post(f"/api/approvals/{approval_id}/approve")
    assert late.json()["type"] == "urn:dataroll:expired"
    async with world.database.writing() as session:
        assert await expire_due(session) == [execution_id]
    async with world.database.writing() as session:
        assert await expire_due(session) == []
    made = await decision(world, execution_id)
    assert (made["status"], made["outcome"], made["by"]) == ("expired", "expired", [])


async def test_my_own_requests_are_listed(world: World) -> None:
    one = await world.person("approver", "one@example.test")
    two = await world.person("approver", "two@example.test")
    execution_id = await run_of(world)
    approval_id = (await ask(world, execution_id, approvers=["one@example.test"])).json()["id"]
    query = {"status": "pending", "mine": True}
    mine = (await one.get("/api/approvals", params=query)).json()["items"]
    assert [(each["id"], each["mayVote"]) for each in mine] == [(approval_id, True)]
    assert (await two.get("/api/approvals", params=query)).json()["items"] == []
    seen = (await two.get(f"/api/approvals/{approval_id}")).json()
    assert seen["mayVote"] is False
    assert "not among the approvers" in seen["mayNotVoteBecause"]
    handed = await one.post(
        f"/api/approvals/{approval_id}/delegate", json={"to": "two@example.test"}
    )
    assert handed.status_code == 200, handed.text
    for who, status, found in (
        (one, {}, []),
        (two, {}, [approval_id]),
        (two, {"status": "pending"}, [approval_id]),
        (two, {"status": "approved"}, []),
    ):
        listed = await who.get("/api/approvals", params={"mine": True, **status})
        assert [each["id"] for each in listed.json()["items"]] == found


async def test_unknown_approvers_are_refused_by_name(world: World) -> None:
    execution_id = await run_of(world)
    answer = await ask(world, execution_id, approvers=["ghost@example.test", "role:wizard"])
    assert answer.status_code == 422
    assert "ghost@example.test" in answer.json()["detail"]
    assert "role:wizard" in answer.json()["detail"]


@pytest.mark.slow
async def test_of_many_at_once_exactly_one_decides(world_on_both: World) -> None:
    """Twelve voters, some against, the clock and a cancellation, all in the same moment."""
    world = world_on_both
    people = [await world.person("approver", f"p{n}@example.test") for n in range(12)]
    outcomes = set()
    for round_number in range(10):
        execution_id = await run_of(world)
        approval_id = (await ask(world, execution_id)).json()["id"]
        url = f"/api/approvals/{approval_id}"
        if round_number % 2:
            async with world.database.writing() as session:
                await session.execute(
                    update(WorkflowApproval)
                    .where(WorkflowApproval.id == approval_id)
                    .values(expires_at=utc_now() + timedelta(milliseconds=25))
                )

        async def expire() -> None:
            for _ in range(5):
                async with world.database.writing() as session:
                    await expire_due(session)
                await asyncio.sleep(0.01)

        votes = [
            person.post(f"{url}/{'approve' if number % 3 else 'reject'}")
            for number, person in enumerate(people)
        ]
        answers = await asyncio.gather(*votes, world.admin.post(f"{url}/cancel"), expire())
        decided = [a for a in answers if a is not None and a.status_code == 200]
        status = (await world.admin.get(url)).json()["status"]
        assert status in ("approved", "rejected", "expired", "cancelled")
        assert len(decided) == (0 if status == "expired" else 1)
        assert {a.status_code for a in answers if a is not None} <= {200, 409}
        outcomes.add(status)
        audit = (await world.admin.get("/api/audit", params={"executionId": execution_id})).json()
        deciding = [e for e in audit["items"] if e["action"] != "approval.request"]
        assert len(deciding) == 1
    assert len(outcomes) > 1
