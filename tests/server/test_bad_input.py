"""Hostile and broken requests: a problem document that names the field, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import ADMIN_TOKEN, World
from tests.server.things import make_things

BODIES: list[tuple[bytes, int]] = [
    (b"", 422),
    (b"{", 400),
    (b"null", 422),
    (b"[]", 422),
    (b'"text"', 422),
    (b"\xff\xfe\x00", 400),
    (b'{"name": NaN}', 422),
    (b'{"name": "\\u0000"}', 422),
    (b'{"name": "\\ud800"}', 422),
    (b'{"name": 5}', 422),
    (b'{"name": "x", "unknown": 1}', 422),
    (b'{"name": "' + b"x" * 201 + b'"}', 422),
    (b'{"name": "x", "tags": [' + b'"t",' * 60 + b'"t"]}', 422),
    (b"[" * 100_000, 400),
    (b'{"name": "' + b"x" * 3_000_000 + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), BODIES, ids=[f"{b[:20]!r}" for b, _ in BODIES])
async def test_a_broken_body_is_refused(world: World, body: bytes, status: int) -> None:
    answer = await world.admin.post(
        "/api/workflows", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= document.keys()
    if status == 422 and body.startswith(b"{"):
        assert document["errors"][0]["field"]


async def test_a_body_without_a_length_is_bounded_too(world: World) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 100_000

    answer = await world.admin.post("/api/workflows", content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "value",
    [{"a": float("nan")}, {"a": 2**80}, {"a": "\ud800"}],
    ids=["NaN", "2^80", "half a pair"],
)
async def test_json_that_no_database_takes_is_refused(world: World, value: Any) -> None:
    import json

    things = await make_things(world, await world.team_id())
    answer = await world.admin.post(
        f"/api/workflows/{things.ids['workflow_id']}/execute",
        content=json.dumps({"context": value}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("context")


@pytest.mark.parametrize(
    "path",
    [
        "/api/workflows/%00",
        "/api/workflows?search=%00",
        "/api/workflows?cursor=%ff",
        "/api/workflows?limit=0",
        "/api/workflows?limit=9999999999999999999999",
        "/api/workflows?teamId=../../etc",
        "/api/executions?since=yesterday",
        "/api/executions?since=0001-01-01T00:00:00%2B14:00",
        "/api/metrics?since=9999-12-31T23:59:59Z",
        "/api/metrics?until=0001-01-01T00:00:00Z",
        "/api/workflows/" + "x" * 9000,
        "/api/approvals?status=maybe",
        "/api/executions/'; DROP TABLE users; --",
    ],
)
async def test_strange_addresses_are_refused(world: World, path: str) -> None:
    answer = await world.admin.get(path)
    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_two_who_make_the_same_thing_at_once_make_one(world_on_both: World) -> None:
    import asyncio

    world = world_on_both
    body = {"name": "The one", "url": "sqlite:////tmp/x.db"}
    answers = await asyncio.gather(
        *(world.client(ADMIN_TOKEN).post("/api/connections", json=body) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_connection_urls_come_back_without_their_secrets(world: World) -> None:
    made = await world.admin.post(
        "/api/connections",
        json={
            "name": "Shop",
            "environment": "production",
            "url": "postgres://me:hunter2hunter2@db.example:5433/shop?sslpassword=hunter3hunter3",
            "migrations": {"gitUrl": "https://git.example/shop.git", "ref": "main"},
        },
    )
    assert made.status_code == 201, made.text
    assert made.json()["database"] == "postgresql://db.example:5433/shop"
    assert made.json()["migrations"]["gitUrl"] == "https://git.example/shop.git"
    assert "hunter" not in made.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "oracle://u:hunter2@h/d"),
        ("url", "nonsense hunter2"),
        ("url", "postgresql://u:hunter2@/d"),
        ("url", "postgresql://u:hunter2@host"),
        ("migrations", {"gitUrl": "https://u:hunter2@git.example/x.git"}),
        ("migrations", {"gitUrl": "--upload-pack=hunter2"}),
        ("migrations", {"path": "/a", "gitUrl": "https://git.example/x.git"}),
        ("migrations", {"gitUrl": "https://git.example/x.git", "ref": "--hunter2"}),
        ("tool", "hunter2"),
        ("environment", "moon"),
    ],
)
async def test_wrong_connections_are_refused_without_repeating_them(
    world: World, field: str, value: Any
) -> None:
    body = {"name": "X", "url": "sqlite:///x.db", field: value}
    answer = await world.admin.post("/api/connections", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert "hunter2" not in answer.text


async def test_a_connection_is_tested_for_real(
    world: World, postgresql_url: str, tmp_path: Any
) -> None:
    made = await world.admin.post(
        "/api/connections",
        json={"name": "Good", "url": postgresql_url, "migrations": {"path": str(tmp_path)}},
    )
    tested = await world.admin.post(f"/api/connections/{made.json()['id']}/test")
    assert tested.json()["ok"] is True, tested.text
    assert "postgresql" in tested.json()["message"]
    for name, url, folder, why in (
        ("Gone", "postgresql://u:hunter2hunter2@127.0.0.1:1/d", str(tmp_path), "refused"),
        ("File", f"sqlite:///{tmp_path}/none.db", str(tmp_path), "no such SQLite file"),
        ("Folder", postgresql_url, f"{tmp_path}/none", "no migrations folder"),
    ):
        bad = await world.admin.post(
            "/api/connections", json={"name": name, "url": url, "migrations": {"path": folder}}
        )
        answer = (await world.admin.post(f"/api/connections/{bad.json()['id']}/test")).json()
        assert answer["ok"] is False
        assert why in answer["message"]
        assert "hunter2" not in answer["message"]
    assert not (tmp_path / "none.db").exists()


async def test_metrics_count_what_happened(world_on_both: World) -> None:
    world = world_on_both
    workflow = await world.published("name: M\ntrigger: manual\nnodes: {}\n")
    for status in ("success", "success", "success", "failed", "cancelled"):
        started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
        run_id = await world.dispatch(started.json()["id"])
        world.orchestrator.begin(run_id)
        world.orchestrator.settle(run_id, "a", "success", duration=40)
        world.orchestrator.settle(run_id, "b", "success", duration=60)
        world.orchestrator.finish(run_id, status)
        await world.mirror(run_id)
    await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    await world.admin.post(f"/api/workflows/{workflow['id']}/test", json={})
    found = (await world.admin.get("/api/metrics", params={"workflowId": workflow["id"]})).json()
    assert found["totalExecutions"] == 6
    assert found["byStatus"] == {"success": 3, "failed": 1, "cancelled": 1, "pending": 1}
    assert found["successRate"] == 0.75
    assert found["averageExecutionTime"] >= 0
    assert [(n["nodeId"], n["count"], n["average"]) for n in found["nodeExecutionTime"]] == [
        ("a", 5, 40.0),
        ("b", 5, 60.0),
    ]
    assert found["days"][0]["total"] == 6
    everything = (await world.admin.get("/api/metrics")).json()
    assert everything["totalExecutions"] == 6
    assert everything["nodeExecutionTime"] == []


async def test_health_says_what_is_missing(world: World) -> None:
    good = await world.client().get("/api/health")
    assert (good.status_code, good.json()["status"]) == (200, "ok")
    world.orchestrator.available = False
    degraded = await world.client().get("/api/health")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")


async def test_expressions_and_node_types_are_served(world: World) -> None:
    checked = await world.admin.post(
        "/api/expressions/check",
        json={"expression": "trigger.body.n > 2", "scope": {"trigger": {"body": {"n": 3}}}},
    )
    assert checked.json()["ok"] is True
    assert checked.json()["result"] is True
    wrong = await world.admin.post("/api/expressions/check", json={"expression": "nobody.x"})
    assert wrong.json()["ok"] is False
    assert wrong.json()["column"] == 1
    types = (await world.admin.get("/api/node-types")).json()["items"]
    execute = next(each for each in types if each["variant"] == "execute_migrations")
    assert "connectionId" in execute["configSchema"]["properties"]
    assert execute["effect"] == "writes"
