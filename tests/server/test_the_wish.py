"""The wish's models and endpoints, word by word: every field, every path, every filter.

The tables are written as the wish has them, in its own names; what dataroll calls otherwise
stands beside it with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from server.models import Base
from tests.server.conftest import World

MODELS = {
    "workflows": """id teamId name description definitionId version isPublished publishedAt tags
        trigger createdBy createdAt updatedAt""",
    "workflow_definitions": """id workflowId content format nodes edges version changelog createdAt
        createdBy""",
    "workflow_executions": """id workflowId status triggeredBy triggeredAt startedAt completedAt
        context output error""",
    "node_executions": """id executionId nodeId nodeType nodeName status input output error
        startedAt completedAt duration retryCount retryable""",
    "workflow_triggers": "id workflowId type config isActive createdAt updatedAt",
    "workflow_variables": """id workflowId name type defaultValue description isSecret createdAt
        updatedAt""",
    "workflow_approvals": """id executionId nodeId status approvers approvedBy approvedAt
        rejectionReason timeout expiresAt""",
}
UNIQUE = {"workflow_variables": {"workflow_id", "name"}, "workflows": {"definition_id"}}

DEFINITION = """\
version: "1.0"
name: Wished for
description: As the wish has it
trigger: manual
tags: [nightly]
variables:
  targetEnv: {type: string, default: production, description: Target environment}
  hook: {type: secret}
nodes:
  start: {type: trigger, label: Start}
  ask: {type: approval, label: Ask, approvers: ["role:owner"], timeout: 60}
edges:
  - {source: start, target: ask}
"""


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


@pytest.mark.parametrize("table", MODELS)
def test_every_model_has_its_fields(table: str) -> None:
    columns = Base.metadata.tables[table].columns
    missing = [name for name in MODELS[table].split() if snake(name) not in columns]
    assert missing == []
    unique = [
        {column.name for column in constraint.columns}
        for constraint in Base.metadata.tables[table].constraints
        if type(constraint).__name__ == "UniqueConstraint"
    ]
    unique += [{column.name} for column in columns if column.unique]
    assert table not in UNIQUE or UNIQUE[table] in unique


def holds(answer: Any, fields: str) -> None:
    missing = set(fields.split()) - answer.keys()
    assert not missing, f"{sorted(missing)} missing in {sorted(answer)}"


async def test_workflow_management(world_on_both: World) -> None:
    api = world_on_both.admin
    team = await world_on_both.team_id()

    # POST /api/workflows {teamId, name, description?, trigger}
    bare = {"teamId": team, "name": "Bare", "description": "Nothing yet", "trigger": "scheduled"}
    made = await api.post("/api/workflows", json=bare)
    assert made.status_code == 201, made.text
    holds(made.json(), MODELS["workflows"])
    assert {key: made.json()[key] for key in bare} == bare
    full = await api.post(
        "/api/workflows", json={"name": "Full", "definition": {"content": DEFINITION}}
    )
    url = f"/api/workflows/{full.json()['id']}"

    # GET /api/workflows, query: teamId, status, trigger type
    for query, names in {
        f"teamId={team}": {"Bare", "Full"},
        "status=draft": {"Bare", "Full"},
        "status=published": set(),
        "trigger=scheduled": {"Bare"},
        "triggerType=manual": {"Full"},
        "trigger=webhook": set(),
        "tag=nightly": {"Full"},
        "search=ful": {"Full"},
        f"teamId={team}&status=draft&trigger=manual&limit=1": {"Full"},
    }.items():
        listed = await api.get(f"/api/workflows?{query}")
        assert {each["name"] for each in listed.json()["items"]} == names, query
    assert (await api.get("/api/workflows?teamId=unknown")).status_code == 404
    assert (await api.get("/api/workflows?status=unknown")).json()["errors"][0]["field"] == (
        "query.status"
    )

    # GET /api/workflows/[id]
    found = (await api.get(url)).json()
    holds(found, MODELS["workflows"])
    holds(found["definition"], MODELS["workflow_definitions"].replace("workflowId", ""))
    assert found["definition"]["id"] == found["definitionId"]
    assert found["definition"]["format"] == "yaml"
    assert [node["id"] for node in found["definition"]["nodes"]] == ["start", "ask"]
    assert found["definition"]["edges"] == [{"source": "start", "target": "ask"}]
    for variable in found["variables"]:
        holds(variable, "name type defaultValue description isSecret")
    assert found["variables"][1]["defaultValue"] == "production"

    # PATCH /api/workflows/[id]: updates definition, publishes, etc.
    changed = await api.patch(
        url,
        json={
            "name": "Renamed",
            "description": None,
            "tags": ["weekly"],
            "definition": {"content": DEFINITION + "# more\n", "format": "yaml"},
            "changelog": "More",
            "isPublished": True,
        },
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["isPublished"] is True
    assert changed.json()["publishedAt"] is not None
    assert (changed.json()["name"], changed.json()["tags"]) == ("Renamed", ["weekly"])
    assert changed.json()["description"] is None
    assert changed.json()["definition"]["changelog"] == "More"

    # POST /api/workflows/[id]/publish: locks current version as published
    await api.patch(url, json={"definition": {"content": DEFINITION}})
    published = await api.post(f"{url}/publish", json={"changelog": "Less"})
    assert published.status_code == 200
    assert (published.json()["version"], published.json()["publishedVersion"]) == (2, 2)
    locked = await api.get(f"{url}/versions/2")
    assert locked.json()["isLive"] is True

    # POST /api/workflows/[id]/test {input, dryRun?}
    for body in ({"input": {"targetEnv": "x"}}, {"input": {}, "dryRun": True}):
        tested = await api.post(f"{url}/test", json=body)
        assert tested.status_code == 202, tested.text
        run = (await api.get(f"/api/executions/{tested.json()['id']}")).json()
        assert run["dryRun"] is True
    for run in (await api.get(f"{url}/executions")).json()["items"]:
        await api.post(f"/api/executions/{run['id']}/cancel")

    # DELETE /api/workflows/[id]
    assert (await api.delete(url)).status_code == 204
    assert (await api.get(url)).status_code == 404


async def test_workflow_execution(world_on_both: World) -> None:
    world, api = world_on_both, world_on_both.admin
    workflow = await world.published(DEFINITION)
    url = f"/api/workflows/{workflow['id']}"

    # POST /api/workflows/[id]/execute {context?, variables?, delaySeconds?}
    body = {"context": {"ticket": 7}, "variables": {"targetEnv": "staging"}, "delaySeconds": 60}
    late = await api.post(f"{url}/execute", json=body)
    assert late.status_code == 202, late.text
    holds(late.json(), "id status")
    found = (await api.get(f"/api/executions/{late.json()['id']}")).json()
    assert found["context"]["context"] == {"ticket": 7}
    assert found["context"]["variables"] == {"targetEnv": "staging"}
    assert found["startAt"] > found["triggeredAt"]
    started = await api.post(f"{url}/execute")
    run_id = await world.dispatch(started.json()["id"])
    world.orchestrator.begin(run_id)
    world.orchestrator.settle(run_id, "start", "success", input={"a": 1}, output={"b": 2})
    world.orchestrator.log(run_id, "first", node_id="start")
    world.orchestrator.log(run_id, "second")
    world.orchestrator.finish(run_id, "success", output={"all": "well"})
    await world.mirror(run_id)

    # GET /api/executions/[id]: current state, node execution details
    found = (await api.get(f"/api/executions/{started.json()['id']}")).json()
    holds(found, MODELS["workflow_executions"])
    assert found["status"] == "success"
    assert found["output"] == {"all": "well"}
    (node,) = [each for each in found["nodeExecutions"] if each["nodeId"] == "start"]
    holds(node, MODELS["node_executions"].replace("executionId", ""))
    assert (node["input"], node["output"], node["status"]) == ({"a": 1}, {"b": 2}, "success")

    # GET /api/executions/[id]/logs: detailed logs for each node
    logs = (await api.get(f"/api/executions/{found['id']}/logs")).json()["items"]
    assert [line["message"] for line in logs] == ["first", "second"]
    only = (await api.get(f"/api/executions/{found['id']}/logs?nodeId=start")).json()["items"]
    assert [line["message"] for line in only] == ["first"]

    # GET /api/workflows/[id]/executions: paginated list with filters
    for query, ids in {
        "": [found["id"], late.json()["id"]],
        "status=success": [found["id"]],
        "status=pending": [late.json()["id"]],
        "version=2": [],
        "triggeredBy=schedule": [],
        f"triggeredBy={found['triggeredBy']}&limit=200": [found["id"], late.json()["id"]],
        "since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z": [],
    }.items():
        page = (await api.get(f"{url}/executions?{query}")).json()
        assert [each["id"] for each in page["items"]] == ids, query
    first = (await api.get(f"{url}/executions?limit=1")).json()
    second = (await api.get(f"{url}/executions?limit=1&cursor={first['nextCursor']}")).json()
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [found["id"], late.json()["id"]]
    assert second["nextCursor"] is None

    # POST /api/executions/[id]/cancel
    cancelled = await api.post(f"/api/executions/{late.json()['id']}/cancel")
    assert cancelled.status_code == 202
    assert cancelled.json()["status"] == "cancelled"


async def test_triggers_and_templates(world_on_both: World) -> None:
    world, api = world_on_both, world_on_both.admin
    workflow = await world.published(DEFINITION)
    url = f"/api/workflows/{workflow['id']}/triggers"

    # POST /api/workflows/[id]/triggers {type, config}
    kinds = {
        "scheduled": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
        "webhook": {"scheme": "shared-secret"},
        "event": {"event": "deployment", "filter": "trigger.body.env == 'production'"},
    }
    made: dict[str, dict[str, Any]] = {}
    for kind, config in kinds.items():
        answer = await api.post(url, json={"type": kind, "config": config})
        assert answer.status_code == 201, answer.text
        holds(answer.json(), MODELS["workflow_triggers"])
        made[kind] = answer.json()

    # GET /api/workflows/[id]/triggers
    listed = (await api.get(url)).json()["items"]
    assert {trigger["type"] for trigger in listed} == set(kinds)

    # PATCH and DELETE /api/workflows/[id]/triggers/[triggerId]
    paused = await api.patch(f"{url}/{made['scheduled']['id']}", json={"isActive": False})
    assert paused.json()["isActive"] is False
    moved = await api.patch(
        f"{url}/{made['scheduled']['id']}", json={"config": {"cron": "0 3 * * *"}}
    )
    assert moved.json()["config"]["cron"] == "0 3 * * *"
    assert (await api.delete(f"{url}/{made['event']['id']}")).status_code == 204
    assert len((await api.get(url)).json()["items"]) == 2

    # POST /api/webhooks/[key]
    hook = made["webhook"]
    called = await world.client().post(
        f"/api/webhooks/{hook['key']}",
        json={"ref": "main"},
        headers={"X-Webhook-Secret": hook["secret"]},
    )
    assert called.status_code == 202, called.text
    run = (await api.get(f"/api/executions/{called.json()['id']}")).json()
    assert run["triggeredBy"] == "webhook"
    assert run["context"]["trigger"] == {"ref": "main"}

    # GET /api/workflow-templates, POST /api/workflows/from-template/[templateId]
    templates = (await api.get("/api/workflow-templates")).json()["items"]
    wished = {"Simple Migration", "Prod Safe", "Multi-Env", "Scheduled", "Approval Chain"}
    assert wished | {"Data Validation"} <= {template["name"] for template in templates}
    new = await api.post(f"/api/workflows/from-template/{templates[0]['id']}", json={"name": "New"})
    assert new.status_code == 201, new.text
    holds(new.json(), MODELS["workflows"])
