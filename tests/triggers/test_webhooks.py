"""POST /api/webhooks/{key}: what starts a run, what does not, and what an attacker sees."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from sqlalchemy import func, select

from runtime_tasks.steps import webhook_trigger
from server import edge, limits
from server.database import Database
from server.executions.begin import begin
from server.executions.parameters import MAX_BYTES
from server.executions.trigger_body import LARGE
from server.models import TriggerBody, WebhookDelivery, WorkflowExecution, WorkflowTrigger
from server.orchestrator.fake import FakeOrchestrator
from server.webhooks import receive
from tests.server.conftest import running
from tests.triggers.conftest import WAITING, World, body_of, github, standard, waiting

AGENT = f"python-httpx/{httpx.__version__}"
PUSH = {"ref": "refs/heads/main", "after": "abc"}


async def executions(world: World) -> int:
    async with world.database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(WorkflowExecution))
    return count or 0


def sender(world: World, ip: str = "10.0.0.1") -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=world.app, raise_app_exceptions=False, client=(ip, 1)),
        base_url="http://testserver",
    )
    world.clients.append(client)
    return client


async def test_a_signed_delivery_starts_a_run_with_its_body(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    assert trigger["key"].startswith("dr_hook_")
    assert trigger["url"] == f"http://testserver/api/webhooks/{trigger['key']}"
    body = body_of(PUSH)
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}", content=body, headers=standard(trigger["secret"], body)
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    assert world.woken == ["dispatcher"]
    async with world.database.reading() as session:
        execution = await session.get(WorkflowExecution, answer.json()["id"])
    assert execution is not None
    assert execution.triggered_by == "webhook"
    assert execution.parameters["trigger"] == {
        "type": "webhook",
        "body": PUSH,
        "headers": {"webhook-id": "msg_1", "user-agent": AGENT},
    }
    row = (await world.admin.get(f"/api/workflows/{trigger['workflowId']}/triggers")).json()
    assert row["items"][0]["lastFiredAt"]
    assert row["items"][0]["lastError"] is None


async def test_key_and_secret_are_shown_once_and_stored_unreadable(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    listed = await world.admin.get(f"/api/workflows/{trigger['workflowId']}/triggers")
    one = await world.admin.get(f"/api/workflows/{trigger['workflowId']}/triggers/{trigger['id']}")
    for answer in (listed, one):
        assert trigger["key"] not in answer.text
        assert trigger["secret"] not in answer.text
    async with world.database.reading() as session:
        row = await session.get(WorkflowTrigger, trigger["id"])
    assert row is not None
    stored = f"{row.key_hash} {row.key_prefix} {row.secret} {row.config}"
    assert trigger["key"] not in stored
    assert trigger["secret"] not in stored
    assert len(base64.b64decode(trigger["secret"].removeprefix("whsec_"))) == 32


async def test_a_repeated_delivery_gives_the_same_execution(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    body = body_of(PUSH)
    headers = standard(trigger["secret"], body)
    url = f"/api/webhooks/{trigger['key']}"
    answers = [await sender(world).post(url, content=body, headers=headers) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await executions(world) == 1


class NoLocks(dict[Any, asyncio.Lock]):
    def setdefault(self, key: Any, default: Any = None) -> asyncio.Lock:
        return asyncio.Lock()


async def test_two_servers_on_one_database_give_one_execution(
    tmp_path: Path, any_compiler: None, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two processes would not know each other's locks; these two servers share one process.
    monkeypatch.setattr(receive, "_one_at_a_time", NoLocks())
    given = {"DATAROLL_DATABASE_URL": postgresql_url}
    async with (
        running(tmp_path / "home", **given) as one,
        running(tmp_path / "home", **given) as two,
    ):
        trigger = await waiting(one, "webhook", {})
        clients = [sender(one), sender(two)]
        for number in range(20):
            body = body_of({"number": number})
            headers = standard(trigger["secret"], body, id=f"msg-{number}")
            answers = await asyncio.gather(
                *(
                    clients[turn % 2].post(
                        f"/api/webhooks/{trigger['key']}", content=body, headers=headers
                    )
                    for turn in range(6)
                )
            )
            assert {answer.status_code for answer in answers} == {202}, answers[0].text
            assert len({answer.json()["id"] for answer in answers}) == 1
        assert await executions(one) == 20


async def test_githubs_ping_starts_nothing(world: World) -> None:
    trigger = await waiting(world, "webhook", {"scheme": "github"})
    body = body_of({"zen": "Design for failure."})
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}",
        content=body,
        headers=github(trigger["secret"], body, "ping"),
    )
    assert (answer.status_code, answer.json()) == (202, {"id": None, "status": "filtered"})


async def test_the_filter_decides(world: World) -> None:
    config = {
        "scheme": "github",
        "filter": "{{ trigger.headers['x-github-event'] === 'push' && trigger.body.ref === 'refs/heads/main' }}",
    }
    trigger = await waiting(world, "webhook", config)
    url = f"/api/webhooks/{trigger['key']}"
    statuses = []
    for ref, event in (("main", "push"), ("other", "push"), ("main", "issues")):
        body = body_of({"ref": f"refs/heads/{ref}", "event": event})
        headers = github(trigger["secret"], body, event, guid=ref + event)
        statuses.append(
            (await sender(world).post(url, content=body, headers=headers)).json()["status"]
        )
    assert statuses == ["pending", "filtered", "filtered"]
    assert await executions(world) == 1


async def test_whoever_starts_it_by_hand_is_asked_no_filter(compiling_world: World) -> None:
    world = compiling_world
    workflow = await world.published(
        """\
version: "1.0"
name: Pushed
trigger: webhook
nodes:
  push: {type: trigger, label: Push, trigger: webhook, filter: "{{ trigger?.body?.ref === 'main' }}"}
edges: []
"""
    )
    for context, body in (({}, None), ({"ref": "main"}, {"ref": "main"})):
        path = f"/api/workflows/{workflow['id']}/execute"
        started = await world.admin.post(path, json={"context": context})
        async with world.database.reading() as session:
            execution = await session.get(WorkflowExecution, started.json()["id"])
        assert execution is not None
        assert execution.parameters["trigger"] == {"type": "manual", "body": body}
        # The node's own rule: without a body there is nothing to filter.
        received = execution.parameters["trigger"]
        passed = webhook_trigger(filter=lambda it: it["body"]["ref"] == "main", received=received)
        assert passed.body == body


async def test_a_filter_that_does_not_fit_is_said_beside_the_trigger(world: World) -> None:
    trigger = await waiting(world, "webhook", {"filter": "trigger.body.a.b === 1"})
    body = body_of({})
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}", content=body, headers=standard(trigger["secret"], body)
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "filtered")
    listed = await world.admin.get(f"/api/workflows/{trigger['workflowId']}/triggers")
    assert "filter cannot be worked out" in listed.json()["items"][0]["lastError"]


async def test_unknown_key_and_bad_signature_look_the_same(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    body = body_of(PUSH)
    good = standard(trigger["secret"], body)
    answers = [
        await sender(world).post("/api/webhooks/dr_hook_unknown", content=body, headers=good),
        await sender(world).post(
            f"/api/webhooks/{trigger['key']}", content=body + b" ", headers=good
        ),
        await sender(world).post(f"/api/webhooks/{trigger['key']}", content=b"not json"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    documents = [answer.json() | {"instance": ""} for answer in answers]
    assert documents[0] == documents[1] == documents[2]
    assert await executions(world) == 0


async def test_a_rotated_key_is_the_only_one_that_works(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    path = f"/api/workflows/{trigger['workflowId']}/triggers/{trigger['id']}/rotate"
    rotated = (await world.admin.post(path)).json()
    body = body_of(PUSH)
    for key, secret, status in (
        (trigger["key"], trigger["secret"], 401),
        (rotated["key"], trigger["secret"], 401),
        (rotated["key"], rotated["secret"], 202),
    ):
        answer = await sender(world).post(
            f"/api/webhooks/{key}", content=body, headers=standard(secret, body)
        )
        assert answer.status_code == status


async def test_a_paused_webhook_is_an_unknown_one(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    path = f"/api/workflows/{trigger['workflowId']}/triggers/{trigger['id']}"
    paused = await world.admin.patch(path, json={"isActive": False})
    assert paused.json()["isActive"] is False
    body, url = body_of(PUSH), f"/api/webhooks/{trigger['key']}"
    headers = standard(trigger["secret"], body)
    assert (await sender(world).post(url, content=body, headers=headers)).status_code == 401
    assert (await sender(world).post(url, content=body)).status_code == 401
    await world.admin.patch(path, json={"isActive": True})
    assert (await sender(world).post(url, content=body, headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"[" * 60 + b"]" * 60, "application/json"),
        (b'{"a": "\\ud800"}', "application/json"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "application/json"),
        (b'{"a": 1}', "text/plain"),
        (b"payload=%7B%7D", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_signed_body_that_is_no_json_is_refused(
    world: World, body: bytes, kind: str
) -> None:
    trigger = await waiting(world, "webhook", {"scheme": "github"})
    headers = github(trigger["secret"], body) | {"content-type": kind}
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}", content=body, headers=headers
    )
    assert answer.status_code == 400, answer.text
    assert await executions(world) == 0


async def test_a_body_over_a_megabyte_is_refused(world: World) -> None:
    trigger = await waiting(world, "webhook", {"scheme": "github"})
    body = body_of({"a": "x" * edge.MAX_WEBHOOK})
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}", content=body, headers=github(trigger["secret"], body)
    )
    assert answer.status_code == 413


PREFECT_TAKES = 512 * 1024


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(compact({"ref": "x" * (edge.MAX_WEBHOOK - 10)}), id="text"),
        pytest.param(compact({"ref": "\N{SNOWMAN}" * (edge.MAX_WEBHOOK // 3 - 4)}), id="snowmen"),
        pytest.param(compact([1] * (edge.MAX_WEBHOOK // 2 - 1)), id="numbers"),
        pytest.param(compact({str(n): {"a": []} for n in range(60_000)}), id="objects"),
    ],
)
async def test_a_body_of_a_megabyte_reaches_its_flow_and_not_prefect(
    world: World, body: bytes
) -> None:
    assert 0.95 * edge.MAX_WEBHOOK < len(body) <= edge.MAX_WEBHOOK
    trigger = await waiting(world, "webhook", {"scheme": "github"})
    answer = await sender(world).post(
        f"/api/webhooks/{trigger['key']}", content=body, headers=github(trigger["secret"], body)
    )
    assert answer.status_code == 202, answer.text
    run_id = answer.json()["id"]
    async with world.database.reading() as session:
        execution = await session.get(WorkflowExecution, run_id)
        assert await session.get(TriggerBody, run_id) is not None
    assert execution is not None
    # The row, and with it what Prefect is given, stays small.
    for value in (execution.parameters, execution.context):
        assert len(json.dumps(value)) < 40_000
    note = execution.parameters["trigger"]["body"]
    assert note == execution.context["trigger"]
    assert note["truncated"] is True
    assert note["preview"] == body.decode()[:4000]
    shown = (await world.admin.get(f"/api/executions/{run_id}")).json()
    assert shown["context"]["trigger"] == note
    begun = await begun_by(world.database, run_id)
    assert begun["trigger"]["body"] == json.loads(body)
    assert begun["trigger"]["headers"]["x-github-event"] == "push"


async def test_whatever_the_sizes_prefect_takes_the_parameters(world: World) -> None:
    """The largest body that stands among them, beside variables as large as they may be."""
    workflow = await world.published(
        WAITING.format(name="Full").replace("nodes:", "variables:\n  text: {type: string}\nnodes:"),
        name="Full",
    )
    variables = {"text": "x" * (MAX_BYTES - 20)}
    path = f"/api/workflows/{workflow['id']}/triggers"
    made = await world.admin.post(
        path, json={"type": "webhook", "config": {"scheme": "github", "variables": variables}}
    )
    trigger = made.json()
    for number, size in enumerate((LARGE - 12, LARGE + 100)):
        body = body_of({"ref": "x" * size})
        headers = github(trigger["secret"], body, guid=str(number))
        url = f"/api/webhooks/{trigger['key']}"
        answer = await sender(world).post(url, content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        async with world.database.reading() as session:
            execution = await session.get(WorkflowExecution, answer.json()["id"])
            apart = await session.get(TriggerBody, answer.json()["id"])
        assert execution is not None
        assert (apart is not None) == bool(number)
        assert len(json.dumps(execution.parameters)) < PREFECT_TAKES


async def begun_by(database: Database, execution_id: str) -> Any:
    """The parameters that the flow's process is told."""
    async with database.writing() as session:
        execution = await session.get(WorkflowExecution, execution_id)
        assert execution is not None
        execution.prefect_flow_run_id = f"run-of-{execution_id}"
    begun = await begin(database, FakeOrchestrator(), f"run-of-{execution_id}", "0@a.b:1", 0)
    return begun.parameters


async def test_one_address_that_guesses_is_slowed_down_and_others_are_served(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Per minute instead of per second, so that a slow machine counts the same.
    monkeypatch.setattr(limits, "HOOKS_PER_ADDRESS", RateLimitItemPerMinute(50))
    trigger = await waiting(world, "webhook", {})
    url = f"/api/webhooks/{trigger['key']}"
    body = body_of(PUSH)
    guesses = sender(world, "10.6.6.6")
    answers = await asyncio.gather(*(guesses.post(url, content=b"{}") for _ in range(80)))
    assert {answer.status_code for answer in answers} == {401, 429}
    assert any("retry-after" in answer.headers for answer in answers)
    answer = await sender(world, "10.0.0.9").post(
        url, content=body, headers=standard(trigger["secret"], body)
    )
    assert answer.status_code == 202


def nonsense(dice: random.Random, key: str, secret: str) -> tuple[str, bytes, dict[str, str]]:
    """A delivery that must not start anything."""
    body = dice.choice([b"", b"{}", b"\x00\xff", body_of(PUSH), b"[" * 500, os.urandom(64)])
    headers: dict[str, Any] = dice.choice(
        [
            {},
            standard("whsec_" + base64.b64encode(os.urandom(32)).decode(), b"{}"),
            standard(secret, b"other body"),
            {"webhook-id": "a", "webhook-timestamp": "1e9", "webhook-signature": "v1,\u00e9"},
            {"webhook-id": "a" * 4000, "webhook-timestamp": "9" * 4000, "webhook-signature": ","},
            github("wrong", body),
            {"x-gitlab-token": secret + "x", "authorization": "Bearer x"},
        ]
    )
    sent = {name: value.encode("latin-1", "replace") for name, value in headers.items()}
    target = key if dice.random() < 0.7 else dice.choice(["x", "dr_hook_x", key[:-1], key + "x"])
    return target, body, sent  # type: ignore[return-value]


@pytest.mark.slow
@pytest.mark.parametrize("bad", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_bad_deliveries_start_nothing_and_good_ones_get_through(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    monkeypatch.setattr(limits, "HOOKS_PER_ADDRESS", RateLimitItemPerSecond(100_000))
    trigger = await waiting(world, "webhook", {})
    dice = random.Random(8)
    attacker, friend = sender(world, "10.6.6.6"), sender(world, "10.0.0.9")
    statuses: dict[int, int] = {}

    async def attack() -> None:
        for _ in range(bad // 20):
            key, body, headers = nonsense(dice, trigger["key"], trigger["secret"])
            answer = await attacker.post(f"/api/webhooks/{key}", content=body, headers=headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    async def deliver() -> list[int]:
        answers = []
        for number in range(50):
            body = body_of(PUSH | {"number": number})
            answer = await friend.post(
                f"/api/webhooks/{trigger['key']}",
                content=body,
                headers=standard(trigger["secret"], body, id=f"good-{number}"),
            )
            answers.append(answer.status_code)
        return answers

    served, *_ = await asyncio.gather(deliver(), *(attack() for _ in range(20)))
    assert statuses == {401: bad}
    assert served == [202] * 50
    assert await executions(world) == 50


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("runs", [200, pytest.param(1_000, marks=pytest.mark.long)])
async def test_what_is_delivered_ten_times_at_once_is_one_run(
    world: World, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    for name in ("HOOKS_PER_ADDRESS", "HOOKS_PER_KEY"):
        monkeypatch.setattr(limits, name, RateLimitItemPerSecond(100_000))
    trigger = await waiting(world, "webhook", {})
    client = sender(world)
    seen: dict[int, set[str]] = {}

    async def deliver(number: int) -> None:
        body = body_of({"number": number})
        headers = standard(trigger["secret"], body, id=f"msg-{number}")
        url = f"/api/webhooks/{trigger['key']}"
        answers = await asyncio.gather(
            *(client.post(url, content=body, headers=headers) for _ in range(10))
        )
        assert {answer.status_code for answer in answers} == {202}
        seen[number] = {answer.json()["id"] for answer in answers}

    for start in range(0, runs, 5):
        await asyncio.gather(*(deliver(number) for number in range(start, start + 5)))
    assert all(len(ids) == 1 for ids in seen.values())
    assert len(set.union(*seen.values())) == runs
    assert await executions(world) == runs
    async with world.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(WebhookDelivery)) == runs
