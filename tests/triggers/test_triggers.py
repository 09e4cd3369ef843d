"""Triggers through the API: made, paused, drawn, removed; and what the orchestrator is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from server.models import Workflow
from server.orchestrator.protocol import Deployment, Schedule
from tests.triggers.conftest import World, waiting

DRAWN = """\
version: "1.0"
name: Drawn
trigger: scheduled
variables:
  hook: {type: secret}
nodes:
  nightly: {type: trigger, label: Nightly, trigger: scheduled, cron: "0 2 * * *", timezone: Europe/Zurich}
  pushed: {type: trigger, label: Pushed, trigger: webhook, scheme: github, secret: "{{ hook }}"}
  after: {type: trigger, label: After, trigger: event, event: execution.finished}
  by-hand: {type: trigger, label: By hand, trigger: manual}
edges: []
"""


async def deployed(world: World, workflow_id: str) -> str:
    """Put the workflow on the orchestrator, as publishing on Prefect does."""
    deployment = Deployment(
        workflow_id=workflow_id,
        slug="slug",
        flow_name="Flow",
        name="v1",
        version=1,
        directory=Path("."),
        entrypoint="flow.py:flow",
        parameters_schema={},
    )
    deployment_id = await world.orchestrator.deploy(deployment)
    async with world.database.writing() as session:
        workflow = await session.get(Workflow, workflow_id)
        assert workflow is not None
        workflow.deployment_id = deployment_id
    return deployment_id


async def test_a_schedule_reaches_the_orchestrator_pauses_resumes_and_goes(world: World) -> None:
    first = await waiting(world, "scheduled", {"cron": "0 2 * * *"})
    deployment = await deployed(world, first["workflowId"])
    base = f"/api/workflows/{first['workflowId']}/triggers"
    config = {"cron": "30 6 * * mon", "timezone": "Asia/Tokyo"}
    made = await world.admin.post(base, json={"type": "scheduled", "config": config})
    assert made.status_code == 201
    second = made.json()

    def told() -> dict[str, Schedule]:
        return {each.slug: each for each in world.orchestrator.deployments[deployment].schedules}

    assert told() == {
        first["id"]: Schedule(first["id"], "0 2 * * *", "UTC"),
        second["id"]: Schedule(second["id"], "30 6 * * mon", "Asia/Tokyo"),
    }
    await world.admin.patch(f"{base}/{second['id']}", json={"isActive": False})
    assert [told()[each["id"]].active for each in (first, second)] == [True, False]
    await world.admin.patch(f"{base}/{second['id']}", json={"isActive": True})
    assert told()[second["id"]].active
    changed = await world.admin.patch(
        f"{base}/{first['id']}", json={"config": {"cron": "5 5 * * *"}}
    )
    assert changed.json()["config"]["cron"] == "5 5 * * *"
    assert told()[first["id"]].cron == "5 5 * * *"
    assert (await world.admin.delete(f"{base}/{first['id']}")).status_code == 204
    assert list(told()) == [second["id"]]


async def test_a_webhook_made_here_listens_for_prefects_events_at_once(world: World) -> None:
    first = await waiting(world, "webhook", {})
    deployment = await deployed(world, first["workflowId"])
    base = f"/api/workflows/{first['workflowId']}/triggers"
    for available in (False, True):
        world.orchestrator.available = available
        made = await world.admin.post(base, json={"type": "webhook", "config": {}})
        assert made.status_code == 201
    assert list(world.orchestrator.listened.values()) == [deployment]


async def test_when_the_orchestrator_is_away_nothing_changes(world: World) -> None:
    trigger = await waiting(world, "scheduled", {"cron": "0 2 * * *"})
    await deployed(world, trigger["workflowId"])
    base = f"/api/workflows/{trigger['workflowId']}/triggers"
    world.orchestrator.available = False
    paused = await world.admin.patch(f"{base}/{trigger['id']}", json={"isActive": False})
    made = await world.admin.post(base, json={"type": "scheduled", "config": {"cron": "1 1 * * *"}})
    gone = await world.admin.delete(f"{base}/{trigger['id']}")
    assert {paused.status_code, made.status_code, gone.status_code} == {503}
    [left] = (await world.admin.get(base)).json()["items"]
    assert (left["id"], left["isActive"]) == (trigger["id"], True)


@pytest.mark.parametrize(
    ("type_", "config", "field"),
    [
        ("scheduled", {}, "config.cron"),
        ("scheduled", {"cron": "0 0 31 2 *"}, "config.cron"),
        ("scheduled", {"cron": "0 0 0 * * *"}, "config.cron"),
        ("scheduled", {"cron": "0 0 * * *", "timezone": "Mars"}, "config.timezone"),
        ("scheduled", {"cron": "0 0 * * *", "colour": "red"}, "config.colour"),
        ("webhook", {"scheme": "rot13"}, "config.scheme"),
        ("webhook", {"filter": "trigger.body.ref ==="}, "config.filter"),
        ("webhook", {"filter": "process.exit()"}, "config.filter"),
        ("webhook", {"secret": "mine"}, "config.secret"),
        ("event", {"event": "nothing.happened"}, "config.event"),
        ("event", {}, "config.event"),
    ],
)
async def test_a_configuration_that_is_wrong_names_its_field(
    world: World, type_: str, config: dict[str, str], field: str
) -> None:
    workflow = await world.published(DRAWN)
    answer = await world.admin.post(
        f"/api/workflows/{workflow['id']}/triggers", json={"type": type_, "config": config}
    )
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_publishing_makes_a_trigger_of_each_trigger_node(compiling_world: World) -> None:
    world = compiling_world
    workflow = await world.published(DRAWN)
    base = f"/api/workflows/{workflow['id']}/triggers"
    rows = {row["nodeId"]: row for row in (await world.admin.get(base)).json()["items"]}
    assert {node: (row["type"], row["config"]) for node, row in rows.items()} == {
        "nightly": ("scheduled", {"cron": "0 2 * * *", "timezone": "Europe/Zurich"}),
        "pushed": ("webhook", {"scheme": "github", "secret": "{{ hook }}"}),
        "after": ("event", {"event": "execution.finished"}),
        "by-hand": ("manual", {}),
    }
    await world.admin.patch(f"{base}/{rows['nightly']['id']}", json={"isActive": False})
    refused = await world.admin.patch(
        f"{base}/{rows['nightly']['id']}", json={"config": {"cron": "1 1 * * *"}}
    )
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:dataroll:drawn")
    assert (await world.admin.delete(f"{base}/{rows['after']['id']}")).status_code == 409

    changed = DRAWN.replace('"0 2 * * *"', '"0 3 * * *"').replace("  after:", "  afterwards:")
    await world.admin.patch(
        f"/api/workflows/{workflow['id']}",
        json={"definition": {"content": changed, "format": "yaml"}},
    )
    await world.admin.post(f"/api/workflows/{workflow['id']}/publish", json={})
    again = {row["nodeId"]: row for row in (await world.admin.get(base)).json()["items"]}
    assert again.keys() == {"nightly", "pushed", "afterwards", "by-hand"}
    assert again["nightly"]["id"] == rows["nightly"]["id"]
    assert again["nightly"]["isActive"] is False
    assert again["nightly"]["config"]["cron"] == "0 3 * * *"


async def test_a_drawn_webhook_gets_its_key_by_rotation_and_its_secret_from_the_variable(
    compiling_world: World,
) -> None:
    world = compiling_world
    from tests.triggers.conftest import body_of, github

    workflow = await world.published(DRAWN)
    base = f"/api/workflows/{workflow['id']}"
    rows = (await world.admin.get(f"{base}/triggers")).json()["items"]
    pushed = next(row for row in rows if row["nodeId"] == "pushed")
    assert pushed["keyPrefix"] is None
    shown = (await world.admin.post(f"{base}/triggers/{pushed['id']}/rotate")).json()
    body = body_of({"ref": "x"})
    url = f"/api/webhooks/{shown['key']}"
    before = await world.client().post(url, content=body, headers=github(shown["secret"], body))
    assert before.status_code == 202
    await world.admin.put(f"{base}/variables/hook", json={"value": "the one on GitHub"})
    body = body_of({"ref": "y"})
    own = await world.client().post(url, content=body, headers=github(shown["secret"], body))
    signed = github("the one on GitHub", body, guid="g-2")
    named = await world.client().post(url, content=body, headers=signed)
    assert (own.status_code, named.status_code) == (401, 202)


async def test_roles_decide_who_may_look_and_who_may_change(world: World) -> None:
    trigger = await waiting(world, "webhook", {})
    base = f"/api/workflows/{trigger['workflowId']}/triggers"
    viewer = await world.person("viewer")
    assert (await viewer.get(base)).status_code == 200
    one = f"{base}/{trigger['id']}"
    for answer in (
        await viewer.post(base, json={"type": "webhook", "config": {}}),
        await viewer.patch(one, json={"isActive": False}),
        await viewer.delete(one),
        await viewer.post(f"{one}/rotate"),
        await viewer.post("/api/events", json={}),
    ):
        assert answer.status_code == 403
    assert (await world.client().get(base)).status_code == 401
    assert (await world.admin.get(f"{base}/nothing")).status_code == 404


async def test_the_preview_shows_five_times(world: World) -> None:
    answer = await world.admin.post(
        "/api/schedules/preview", json={"cron": "30 2 * * *", "timezone": "Europe/Zurich"}
    )
    assert answer.status_code == 200
    times = [datetime.fromisoformat(time) for time in answer.json()["next"]]
    assert len(times) == 5
    assert times == sorted(times)
    assert all(time.utcoffset() for time in times)
    for body, field in (
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "0 2 * * *", "timezone": "Nowhere"}, "timezone"),
    ):
        refused = await world.admin.post("/api/schedules/preview", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == field
