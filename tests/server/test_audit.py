"""The audit log: chained, append-only, complete, and checkable without us."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cli.audit import audit
from server.audit.verify import verify
from tests.server.conftest import World


async def export(world: World) -> list[dict[str, Any]]:
    answer = await world.admin.get("/api/audit/export")
    return [json.loads(line) for line in answer.text.splitlines()]


async def some_work(world: World) -> None:
    workflow = await world.published("name: Café ☕\ntrigger: manual\nnodes: {}\n")
    await world.admin.patch(f"/api/workflows/{workflow['id']}", json={"name": "Ω"})
    await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})


async def test_the_log_says_who_did_what_to_which_version_from_where(world: World) -> None:
    await some_work(world)
    entries = (await world.admin.get("/api/audit")).json()["items"]
    assert [entry["action"] for entry in entries] == [
        "execution.start",
        "workflow.change",
        "workflow.publish",
        "workflow.create",
        "team.create",
    ]
    published = entries[2]
    assert published["actor"] == "admin@localhost"
    assert published["version"] == 1
    assert published["ip"] == "127.0.0.1"
    assert published["userAgent"].startswith("python-httpx")
    started = entries[0]
    only = await world.admin.get("/api/audit", params={"executionId": started["executionId"]})
    assert [entry["action"] for entry in only.json()["items"]] == ["execution.start"]


async def test_an_export_verifies_and_every_kind_of_tampering_is_found(
    world_on_both: World,
) -> None:
    world = world_on_both
    await some_work(world)
    entries = await export(world)
    assert verify(json.dumps(e) for e in entries).wrong == []
    changed = [dict(e) for e in entries]
    changed[1]["actor"] = "somebody@else.test"
    assert "was changed" in verify(json.dumps(e) for e in changed).wrong[0]
    missing = [e for e in entries if e["seq"] != 2]
    assert "entry 2 should stand here" in verify(json.dumps(e) for e in missing).wrong[0]
    swapped = [entries[0], entries[2], entries[1], *entries[3:]]
    assert verify(json.dumps(e) for e in swapped).wrong
    assert verify(["{}", "nonsense"]).wrong


async def test_the_database_refuses_to_change_or_delete_entries(world_on_both: World) -> None:
    world = world_on_both
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with world.database.writing() as session:
                await session.execute(text(statement))


async def test_the_command_verifies_an_export(world: World, tmp_path: Any) -> None:
    await some_work(world)
    path = tmp_path / "audit.jsonl"
    path.write_text((await world.admin.get("/api/audit/export")).text)
    good = CliRunner().invoke(audit, ["verify", str(path)])
    assert good.exit_code == 0, good.output
    assert "5 entries" in good.output
    path.write_text(path.read_text().replace("workflow.publish", "workflow.change", 1))
    bad = CliRunner().invoke(audit, ["verify", str(path)])
    assert bad.exit_code == 1
    assert "was changed after it was written" in bad.output


async def test_what_is_refused_leaves_no_entry(world: World) -> None:
    before = len(await export(world))
    await world.admin.post("/api/workflows", json={"name": ""})
    await world.admin.delete("/api/workflows/unknown")
    viewer = await world.person("viewer")
    await viewer.post("/api/workflows", json={"name": "No"})
    assert len(await export(world)) == before
