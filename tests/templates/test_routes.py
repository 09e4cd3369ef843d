"""Templates through the API."""

from __future__ import annotations

from sqlalchemy import select

from server.models import WorkflowVariable
from tests.server.conftest import World, any_compiler, world

__all__ = ["any_compiler", "world"]


async def test_all_templates_are_listed_with_their_questions(world: World) -> None:
    items = (await world.admin.get("/api/workflow-templates")).json()["items"]
    assert len(items) == 11
    safe = next(item for item in items if item["id"] == "prod_safe")
    asked = {question["id"]: question for question in safe["questions"]}
    assert asked["database"]["default"] == "production"
    assert asked["approvers"]["default"] == ["role:approver"]
    assert asked["slackWebhook"]["default"] is None
    assert "Dry-Run" in safe["content"]
    one = await world.admin.get("/api/workflow-templates/prod_safe")
    assert one.json() == safe
    assert (await world.admin.get("/api/workflow-templates/nothing")).status_code == 404


async def test_a_workflow_is_made_from_answers_and_keeps_secrets_apart(world: World) -> None:
    connection = await world.admin.post(
        "/api/connections",
        json={
            "name": "orders",
            "environment": "production",
            "url": "sqlite:////nowhere.db",
            "migrations": {"path": "/srv/orders"},
        },
    )
    answers = {
        "database": "orders",
        "approvers": ["ann@example.test", "role:owner"],
        "slackWebhook": "https://hooks.example.test/hush",
    }
    made = await world.admin.post(
        "/api/workflows/from-template/prod_safe",
        json={"name": "Orders, safely", "answers": answers},
    )
    assert made.status_code == 201, made.text
    assert "hush" not in made.text
    workflow = made.json()
    assert workflow["name"] == "Orders, safely"
    shown = await world.admin.get(f"/api/workflows/{workflow['id']}")
    content = shown.json()["definition"]["content"]
    assert 'approvers: ["ann@example.test", "role:owner"]' in content
    assert 'default: "orders"' in content
    assert "hush" not in shown.text
    async with world.database.reading() as session:
        sealed = await session.scalar(
            select(WorkflowVariable.default_value).where(
                WorkflowVariable.workflow_id == workflow["id"],
                WorkflowVariable.name == "slackWebhook",
            )
        )
    assert sealed
    assert "hush" not in sealed
    assert world.app.state.secret_box.decrypt(sealed) == answers["slackWebhook"]
    assert connection.status_code == 201


async def test_wrong_answers_are_named_and_nothing_is_made(world: World) -> None:
    for answers, fields in (
        ({"database": "nowhere"}, {"answers.database"}),
        (
            {"cron": "x", "timezone": "y", "colour": 1},
            {"answers.cron", "answers.timezone", "answers.colour"},
        ),
    ):
        refused = await world.admin.post(
            "/api/workflows/from-template/scheduled", json={"answers": answers}
        )
        assert refused.status_code == 422
        assert {error["field"] for error in refused.json()["errors"]} == fields
    assert (await world.admin.get("/api/workflows")).json()["items"] == []


async def test_a_viewer_may_look_at_templates_and_not_use_them(world: World) -> None:
    viewer = await world.person("viewer")
    assert (await viewer.get("/api/workflow-templates")).status_code == 200
    made = await viewer.post("/api/workflows/from-template/prod_safe", json={})
    assert made.status_code == 403
