"""Signed calls start runs, once each; everything else learns nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.server.conftest import World

WORKFLOW = """\
version: "1.0"
name: Hooked
trigger: webhook
nodes:
  trigger-1: {type: trigger, label: Hook, trigger: webhook}
edges: []
"""
PUSH = json.dumps({"ref": "refs/heads/main", "n": 1}).encode()


async def hook(world: World, **config: Any) -> dict[str, Any]:
    workflow = await world.published(WORKFLOW)
    made = await world.admin.post(
        f"/api/workflows/{workflow['id']}/triggers", json={"type": "webhook", "config": config}
    )
    assert made.status_code == 201, made.text
    result: dict[str, Any] = made.json()
    return result


def signed(trigger: dict[str, Any], body: bytes, delivery: str = "d-1") -> dict[str, str]:
    scheme, secret = trigger["config"]["scheme"], trigger["secret"]
    if scheme == "standard":
        now = datetime.now(UTC)
        return {
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(delivery, now, body.decode()),
        }
    if scheme == "github":
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": delivery}
    if scheme == "gitlab":
        return {"X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": delivery}
    return {"X-My-Secret": secret, "Idempotency-Key": delivery}


SCHEMES: list[dict[str, Any]] = [
    {"scheme": "standard"},
    {"scheme": "github"},
    {"scheme": "gitlab"},
    {"scheme": "shared-secret", "header": "X-My-Secret"},
]


@pytest.mark.parametrize("config", SCHEMES, ids=lambda config: config["scheme"])
async def test_a_signed_call_starts_a_run_with_its_body(
    world: World, config: dict[str, Any]
) -> None:
    trigger = await hook(world, **config)
    path = f"/api/webhooks/{trigger['key']}"
    answer = await world.client().post(path, content=PUSH, headers=signed(trigger, PUSH))
    assert answer.status_code == 202, answer.text
    run_id = await world.dispatch(answer.json()["id"])
    given = world.orchestrator.requests[run_id].parameters["trigger"]
    headers = given.pop("headers")
    assert given == {"type": "webhook", "body": {"ref": "refs/heads/main", "n": 1}}
    assert trigger["secret"] not in str(headers)
    run = (await world.admin.get(f"/api/executions/{answer.json()['id']}")).json()
    assert run["triggeredBy"] == "webhook"


@pytest.mark.parametrize("config", SCHEMES, ids=lambda config: config["scheme"])
async def test_a_bad_signature_and_an_unknown_key_get_the_same_answer(
    world: World, config: dict[str, Any]
) -> None:
    trigger = await hook(world, **config)
    path = f"/api/webhooks/{trigger['key']}"
    good = signed(trigger, PUSH)
    answers = [
        await world.client().post(path, content=PUSH),
        await world.client().post(path, content=PUSH, headers=dict.fromkeys(good, "x")),
        await world.client().post(path, content=PUSH, headers=dict.fromkeys(good, b"\xfc")),
        await world.client().post("/api/webhooks/unknown", content=PUSH, headers=good),
    ]
    if config["scheme"] in ("standard", "github"):
        answers.append(await world.client().post(path, content=PUSH + b" ", headers=good))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert (await world.admin.get("/api/executions")).json()["items"] == []


async def test_the_same_delivery_ten_times_at_once_is_one_run(world_on_both: World) -> None:
    world = world_on_both
    trigger = await hook(world, scheme="github")
    path = f"/api/webhooks/{trigger['key']}"
    for delivery in range(5):
        headers = signed(trigger, PUSH, f"delivery-{delivery}")
        answers = await asyncio.gather(
            *(world.client().post(path, content=PUSH, headers=headers) for _ in range(10))
        )
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await world.admin.get("/api/executions")).json()["items"]) == 5


async def test_a_filter_decides_over_the_body(world: World) -> None:
    trigger = await hook(
        world, scheme="github", filter="{{ trigger.body.ref === 'refs/heads/main' }}"
    )
    path = f"/api/webhooks/{trigger['key']}"
    main = await world.client().post(path, content=PUSH, headers=signed(trigger, PUSH))
    assert main.json()["status"] == "pending"
    for body in (b'{"ref": "refs/heads/topic"}', b"[]", b"null", b""):
        other = await world.client().post(path, content=body, headers=signed(trigger, body, "d2"))
        assert (other.status_code, other.json()["status"]) == (202, "filtered")


async def test_a_filter_that_is_no_expression_is_refused(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    answer = await world.admin.post(
        f"/api/workflows/{workflow['id']}/triggers",
        json={"type": "webhook", "config": {"filter": "trigger.body =", "scheme": "nonsense"}},
    )
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"config.filter", "config.scheme"}


async def test_large_and_broken_bodies_are_refused(world: World) -> None:
    trigger = await hook(world, scheme="github")
    path = f"/api/webhooks/{trigger['key']}"
    large = b'"' + b"x" * 1_048_576 + b'"'
    too_large = await world.client().post(path, content=large, headers=signed(trigger, large))
    assert too_large.status_code == 413
    for body in (b"{", b"\xff\xfe", b"NaN", b"[" * 5000, b'{"a": "\\ud800"}'):
        answer = await world.client().post(path, content=body, headers=signed(trigger, body))
        assert answer.status_code == 400, body[:20]


async def test_paused_rotated_and_deleted_hooks_are_unknown(world: World) -> None:
    trigger = await hook(world, scheme="gitlab")
    url = f"/api/workflows/{trigger['workflowId']}/triggers/{trigger['id']}"
    path = f"/api/webhooks/{trigger['key']}"
    headers = signed(trigger, PUSH)
    await world.admin.patch(url, json={"isActive": False})
    assert (await world.client().post(path, content=PUSH, headers=headers)).status_code == 401
    await world.admin.patch(url, json={"isActive": True})
    rotated = (await world.admin.post(f"{url}/rotate")).json()
    assert (await world.client().post(path, content=PUSH, headers=headers)).status_code == 401
    listed = await world.admin.get(f"/api/workflows/{trigger['workflowId']}/triggers")
    assert rotated["key"] not in listed.text
    assert rotated["secret"] not in listed.text
    new = await world.client().post(
        f"/api/webhooks/{rotated['key']}",
        content=PUSH,
        headers=signed(rotated | trigger | {"secret": rotated["secret"]}, PUSH),
    )
    assert new.status_code == 202
    await world.admin.delete(url)
    gone = await world.client().post(f"/api/webhooks/{rotated['key']}", content=PUSH)
    assert gone.status_code == 401


async def test_schedules_are_checked_and_handed_on(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    url = f"/api/workflows/{workflow['id']}/triggers"
    for config in ({"cron": "0 0 31 2 *"}, {"cron": "* * * * * *"}, {"cron": "x"}, {},
                   {"cron": "0 2 * * *", "timezone": "Moon/Base"}):  # fmt: skip
        answer = await world.admin.post(url, json={"type": "scheduled", "config": config})
        assert answer.status_code == 422, config
    made = await world.admin.post(
        url, json={"type": "scheduled", "config": {"cron": "0 2 * * *", "timezone": "Europe/Rome"}}
    )
    assert made.status_code == 201, made.text
