"""What would be sent, shown before it is sent anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.notifications.conftest import Receiver
from tests.server.conftest import World, any_compiler, world

__all__ = ["any_compiler", "world"]

OWN = """\
title: Done in {{ details.connectionId }}
severity: success
facts:
  Applied: "{{ details.applied.length }}"
list: details.applied
"""


async def shown(world: World, **body: Any) -> Any:
    answer = await world.admin.post("/api/notifications/preview", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["payload"]


async def test_a_template_is_shown_as_each_provider_gets_it(
    world: World, receiver: Receiver
) -> None:
    slack = await shown(world, template="migration_success", message="In production")
    assert slack["blocks"][0]["text"]["text"] == "✅ Migrations applied"
    assert slack["blocks"][1]["text"]["text"] == "In production"
    mail = await shown(world, provider="email", template="report", message="Weekly")
    assert mail["subject"] == "Migration report: Weekly"
    assert "<h1>Report</h1>" in mail["html"]
    page = await shown(world, provider="pagerduty", template="migration_failed", message="Look")
    assert page["payload"]["summary"] == "Migration failed: Look"
    hook = await shown(world, provider="webhook", message="Alone")
    assert (hook["data"]["title"], hook["data"]["message"]) == ("", "Alone")
    assert receiver.requests == []


async def test_a_template_of_ones_own_is_tried_with_ones_own_details(world: World) -> None:
    details = {"connectionId": "orders", "applied": [{"name": "add_email"}]}
    payload = await shown(world, template=OWN, message="x", details=details)
    assert payload["blocks"][0]["text"]["text"] == "✅ Done in orders"
    assert "add_email" in payload["blocks"][-1]["text"]["text"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("nowhere", "there are: approval_requested"),
        ("title: x\ncolour: red\n", "colour: Extra inputs"),
        ("title: [\n", "no YAML"),
        ("../../../../etc/passwd", "there is no message template"),
    ],
)
async def test_a_wrong_template_is_named(world: World, template: str, problem: str) -> None:
    answer = await world.admin.post("/api/notifications/preview", json={"template": template})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "template"
    assert problem in error["message"]


async def test_the_templates_are_listed_and_a_broken_one_says_why(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours.yaml").write_text(OWN)
    (tmp_path / "broken.yaml").write_text("colour: red\n")
    monkeypatch.setenv("DATAROLL_MESSAGE_TEMPLATES", str(tmp_path))
    listed = (await world.admin.get("/api/notifications/templates")).json()["items"]
    found = {each["name"]: each for each in listed}
    assert {"migration_success", "migration_failed", "approval_requested", "pending_found"} < set(
        found
    )
    assert found["ours"]["facts"] == ["Applied"]
    assert "title: Field required" in found["broken"]["problem"]


async def test_strangers_are_shown_nothing(world: World) -> None:
    assert (await world.client().get("/api/notifications/templates")).status_code == 401
    answer = await world.client().post("/api/notifications/preview", json={})
    assert answer.status_code == 401
