"""Drafts, versions, publishing, and what two people at once may do to them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from server.database import Database
from server.models import Workflow, WorkflowDefinition, WorkflowExecution
from server.orchestrator.protocol import OrchestratorUnavailable
from server.workflows import publish, service
from server.workflows.publisher import Deferred
from tests.server.conftest import World

TEXT = """\
# The comment stays.
version: "1.0"
name: Keep it
description: As it is
trigger: manual
tags: [one, two]
nodes:
  trigger-1: {type: trigger, label: Start}   # here too
  wait-1: {type: delay, label: Wait, seconds: 5}
edges:
  - {source: trigger-1, target: wait-1}
"""
CHANGED = TEXT.replace("seconds: 5", "seconds: 6").replace("label: Wait", "label: Pause")


async def make(world: World, content: str = TEXT, **fields: Any) -> dict[str, Any]:
    made = await world.admin.post(
        "/api/workflows", json={"definition": {"content": content}, **fields}
    )
    assert made.status_code == 201, made.text
    result: dict[str, Any] = made.json()
    return result


async def change(world: World, workflow_id: str, content: str) -> dict[str, Any]:
    answer = await world.admin.patch(
        f"/api/workflows/{workflow_id}", json={"definition": {"content": content}}
    )
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def rows(world: World, workflow_id: str) -> list[Any]:
    """Everything of the workflow that publishing could touch."""
    async with world.database.reading() as session:
        workflow = (
            await session.execute(
                select(*Workflow.__table__.columns).where(Workflow.id == workflow_id)
            )
        ).one()
        versions = await session.execute(
            select(*WorkflowDefinition.__table__.columns)
            .where(WorkflowDefinition.workflow_id == workflow_id)
            .order_by(WorkflowDefinition.version)
        )
        return [tuple(workflow), *(tuple(row) for row in versions)]


async def test_name_and_tags_come_from_the_definition(world: World) -> None:
    workflow = await make(world)
    assert workflow["name"] == "Keep it"
    assert workflow["tags"] == ["one", "two"]
    assert workflow["slug"] == "keep-it"
    assert [node["id"] for node in workflow["definition"]["nodes"]] == ["trigger-1", "wait-1"]
    assert workflow["problems"] == []


async def test_a_bare_workflow_starts_with_its_trigger(world: World) -> None:
    made = await world.admin.post(
        "/api/workflows", json={"name": 'Say "hi": now', "trigger": "webhook"}
    )
    assert made.json()["name"] == 'Say "hi": now'
    assert made.json()["trigger"] == "webhook"
    assert made.json()["definition"]["nodes"][0]["data"] == {"trigger": "webhook"}


async def test_a_definition_with_mistakes_is_saved_and_not_published(world: World) -> None:
    workflow = await make(world, TEXT + "# BROKEN\n")
    assert workflow["problems"][0]["code"] == "unknown-name"
    answer = await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["line"] == 3
    assert world.publisher.published == []


async def test_export_gives_back_the_same_bytes(world: World) -> None:
    workflow = await make(world)
    exported = await world.admin.get(f"/api/workflows/{workflow['id']}/export")
    assert exported.content == TEXT.encode()
    again = await world.admin.post("/api/workflows/import", json={"content": exported.text})
    assert again.status_code == 201
    assert again.json()["definition"]["content"] == TEXT
    assert again.json()["slug"] != workflow["slug"]


async def test_a_published_version_never_changes(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    published = await world.admin.post(f"{url}/publish", json={"changelog": "first"})
    assert published.status_code == 200
    assert published.json()["isPublished"] is True
    (before,) = (await rows(world, workflow["id"]))[1:]
    changed = await change(world, workflow["id"], CHANGED)
    assert (changed["version"], changed["publishedVersion"]) == (2, 1)
    first, draft = (await rows(world, workflow["id"]))[1:]
    assert first == before
    again = await change(world, workflow["id"], CHANGED + "\n")
    assert again["version"] == 2
    listed = (await world.admin.get(f"{url}/versions")).json()["items"]
    assert [(v["version"], v["isLive"]) for v in listed] == [(2, False), (1, True)]
    compared = (await world.admin.get(f"{url}/versions/1/compare", params={"to": 2})).json()
    assert compared["nodes"] == [
        {"node": "wait-1", "change": "changed", "fields": ["label", "seconds"]}
    ]
    assert "+  wait-1: {type: delay, label: Pause, seconds: 6}" in compared["text"]
    assert draft != first


async def test_a_run_keeps_the_version_it_was_started_with(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.post(f"{url}/publish", json={})
    first = (await world.admin.post(f"{url}/execute", json={})).json()["id"]
    await change(world, workflow["id"], CHANGED)
    second = await world.admin.post(f"{url}/publish", json={})
    assert [run["id"] for run in second.json()["inFlight"]] == [first]
    later = (await world.admin.post(f"{url}/execute", json={})).json()["id"]
    async with world.database.reading() as session:
        runs = {
            run.id: (run.version, run.deployment_id)
            for run in await session.scalars(select(WorkflowExecution))
        }
    assert runs == {first: (1, "deployment-keep-it-1"), later: (2, "deployment-keep-it-2")}


async def test_an_earlier_version_is_published_again(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.post(f"{url}/publish", json={})
    await change(world, workflow["id"], CHANGED)
    await world.admin.post(f"{url}/publish", json={})
    back = await world.admin.post(f"{url}/versions/1/publish")
    assert back.status_code == 200
    assert back.json()["publishedVersion"] == 1
    assert back.json()["version"] == 2
    assert [version for _, version in world.publisher.published] == [1, 2, 1]


@pytest.mark.parametrize("failure", [OrchestratorUnavailable("down"), RuntimeError("disk full")])
async def test_when_the_orchestrator_fails_nothing_is_published(
    world: World, failure: Exception
) -> None:
    workflow = await make(world)
    before = await rows(world, workflow["id"])
    world.publisher.fails = failure
    answer = await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    assert answer.status_code in (500, 503)
    assert "disk full" not in answer.text
    assert await rows(world, workflow["id"]) == before
    assert (
        await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    ).status_code == 200


async def test_when_our_own_tables_fail_the_publisher_takes_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.post(f"{url}/publish", json={})
    await change(world, workflow["id"], CHANGED)
    before = await rows(world, workflow["id"])

    async def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(publish, "record", full_disk)
    answer = await world.admin.post(f"{url}/publish", json={})
    assert answer.status_code == 500
    assert await rows(world, workflow["id"]) == before
    assert [version for _, version in world.publisher.published] == [1, 2]
    assert world.publisher.undone == [workflow["id"]]


async def test_of_two_who_save_at_once_the_second_is_told(world_on_both: World) -> None:
    world = world_on_both
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    seen = (await world.admin.get(url)).headers["ETag"]
    first = await world.admin.patch(url, json={"name": "Mine"}, headers={"If-Match": seen})
    assert first.status_code == 200
    assert first.headers["ETag"] != seen
    second = await world.admin.patch(url, json={"name": "Theirs"}, headers={"If-Match": seen})
    assert second.status_code == 412
    assert second.json()["currentETag"] == first.headers["ETag"]
    assert (await world.admin.get(url)).json()["name"] == "Mine"


@pytest.mark.parametrize("kind", ["workflows", "connections", "variables", "triggers"])
async def test_of_two_at_the_very_same_moment_one_is_told(world_on_both: World, kind: str) -> None:
    world = world_on_both
    bodies: dict[str, list[dict[str, Any]]] = {
        "workflows": [{"name": "First"}, {"name": "Mine"}, {"name": "Theirs"}],
        "connections": [
            {"name": "First", "url": "sqlite:////x.db"},
            {"name": "Mine"},
            {"name": "Theirs"},
        ],
        "variables": [{"name": "v", "value": "a"}, {"value": "b"}, {"value": "c"}],
        "triggers": [{"type": "webhook"}, {"isActive": True}, {"isActive": False}],
    }
    path = f"/api/{kind}"
    if kind == "triggers":
        path = f"/api/workflows/{(await make(world))['id']}/triggers"
    made = await world.admin.post(path, json=bodies[kind][0])
    assert made.status_code == 201, made.text
    headers = {"If-Match": made.headers["ETag"]}
    answers = await asyncio.gather(
        *(
            world.admin.patch(f"{path}/{made.json()['id']}", json=body, headers=headers)
            for body in bodies[kind][1:] * 3
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]


ALL_OR_NOTHING: dict[str, tuple[str, dict[str, Any]]] = {
    "publish": ("PATCH", {"isPublished": True}),
    "change and publish": (
        "PATCH",
        {"definition": {"content": CHANGED}, "name": "Renamed", "isPublished": True},
    ),
    "unpublish": ("PATCH", {"isPublished": False}),
    "change and unpublish": ("PATCH", {"name": "Renamed", "isPublished": False}),
    "delete": ("DELETE", {}),
}


async def _published_with_a_draft(world: World) -> tuple[str, list[Any]]:
    workflow = await make(world)
    await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    await change(world, workflow["id"], TEXT + "# a second version\n")
    return f"/api/workflows/{workflow['id']}", await rows(world, workflow["id"])


async def _ask(world: World, url: str, what: str) -> int:
    method, body = ALL_OR_NOTHING[what]
    return (await world.admin.request(method, url, json=body or None)).status_code


@pytest.mark.parametrize("what", ALL_OR_NOTHING)
async def test_without_the_orchestrator_a_workflow_stays_as_it_was(
    world_on_both: World, what: str
) -> None:
    world = world_on_both
    url, before = await _published_with_a_draft(world)
    audited = (await world.admin.get("/api/audit")).json()
    world.publisher.fails = OrchestratorUnavailable("down")
    assert await _ask(world, url, what) == 503
    assert await rows(world, url.rpartition("/")[2]) == before
    assert (await world.admin.get("/api/audit")).json() == audited
    assert await _ask(world, url, what) in (200, 204)
    assert await rows(world, url.rpartition("/")[2]) != before


@pytest.mark.parametrize("what", ALL_OR_NOTHING)
async def test_when_our_tables_cannot_be_written_the_orchestrator_goes_back(
    world: World, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, before = await _published_with_a_draft(world)

    async def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(service if what == "delete" else publish, "record", full_disk)
    assert await _ask(world, url, what) == 500
    assert await rows(world, url.rpartition("/")[2]) == before
    assert world.publisher.undone + world.publisher.restored == [url.rpartition("/")[2]]


async def test_a_change_and_its_publication_are_one_version(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.post(f"{url}/publish", json={})
    answer = await world.admin.patch(
        url,
        json={"definition": {"content": CHANGED}, "changelog": "Slower", "isPublished": True},
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["publishedVersion"]) == (2, 2)
    assert answer.json()["definition"]["content"] == CHANGED
    version = (await world.admin.get(f"{url}/versions/2")).json()
    assert (version["changelog"], version["isLive"]) == ("Slower", True)
    assert version["source"] == f"# version 2\n{CHANGED}"
    wrong = await world.admin.patch(
        url, json={"definition": {"content": "# BROKEN"}, "isPublished": True}
    )
    assert wrong.status_code == 422
    assert (await world.admin.get(url)).json()["definition"]["content"] == CHANGED


async def test_what_goes_live_after_a_review_keeps_its_draft(world: World) -> None:
    workflow = await make(world)
    world.publisher.fails = Deferred("on its branch", code="awaiting-review")
    answer = await world.admin.patch(
        f"/api/workflows/{workflow['id']}",
        json={"definition": {"content": CHANGED}, "isPublished": True},
    )
    assert answer.status_code == 409
    found = (await world.admin.get(f"/api/workflows/{workflow['id']}")).json()
    assert found["definition"]["content"] == CHANGED
    assert found["isPublished"] is False


async def test_two_servers_publish_one_after_the_other(postgresql_url: str) -> None:
    """What one waits for the orchestrator with, the other waits for."""
    first, second = Database(postgresql_url), Database(postgresql_url)
    inside: list[int] = []
    most: list[int] = []

    async def publish_slowly(database: Database) -> None:
        async with database.alone("publish:w1"):
            inside.append(1)
            most.append(len(inside))
            await asyncio.sleep(0.02)
            inside.pop()

    await asyncio.gather(*(publish_slowly(each) for each in (first, second) * 3))
    assert most == [1] * 6
    with pytest.raises(RuntimeError):
        async with first.alone("publish:w1"):
            raise RuntimeError
    await asyncio.wait_for(publish_slowly(second), 10)
    await first.close()
    await second.close()


async def test_a_deleted_workflow_leaves_its_runs(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.post(f"{url}/publish", json={})
    execution_id = (await world.admin.post(f"{url}/execute", json={})).json()["id"]
    busy = await world.admin.delete(url)
    assert busy.status_code == 409
    await world.admin.post(f"/api/executions/{execution_id}/cancel")
    assert (await world.admin.delete(url)).status_code == 204
    assert (await world.admin.get(url)).status_code == 404
    assert world.publisher.unpublished == [workflow["id"]]
    run = (await world.admin.get(f"/api/executions/{execution_id}")).json()
    assert run["workflowName"] == "Keep it"
    assert (await make(world))["slug"] == "keep-it"


async def test_unpublishing_stops_new_runs(world: World) -> None:
    workflow = await make(world)
    url = f"/api/workflows/{workflow['id']}"
    await world.admin.patch(url, json={"isPublished": True})
    assert (await world.admin.post(f"{url}/execute", json={})).status_code == 202
    off = await world.admin.post(f"{url}/unpublish")
    assert off.json()["isPublished"] is False
    assert (await world.admin.post(f"{url}/execute", json={})).status_code == 409


async def test_lists_filter_and_page(world: World) -> None:
    for number in range(5):
        await make(world, name=f"Number {number}", tags=["even"] if number % 2 == 0 else ["odd"])
    first = (await world.admin.get("/api/workflows", params={"limit": 2})).json()
    assert [each["name"] for each in first["items"]] == ["Number 4", "Number 3"]
    second = (
        await world.admin.get("/api/workflows", params={"limit": 4, "cursor": first["nextCursor"]})
    ).json()
    assert [each["name"] for each in second["items"]] == ["Number 2", "Number 1", "Number 0"]
    assert second["nextCursor"] is None
    even = (await world.admin.get("/api/workflows", params={"tag": "even"})).json()
    assert len(even["items"]) == 3
    found = (await world.admin.get("/api/workflows", params={"search": "number 3"})).json()
    assert len(found["items"]) == 1
    wrong = await world.admin.get("/api/workflows", params={"cursor": "%%%"})
    assert wrong.status_code == 422


async def test_a_template_becomes_a_workflow(world: World) -> None:
    listed = (await world.admin.get("/api/workflow-templates")).json()["items"]
    assert len(listed) >= 11
    made = await world.admin.post(
        f"/api/workflows/from-template/{listed[0]['id']}", json={"name": "From a template"}
    )
    assert made.status_code == 201
    assert made.json()["name"] == "From a template"
    assert made.json()["definition"]["nodes"]
