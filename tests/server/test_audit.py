"""The audit log: chained, append-only, complete, and checkable without us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cli.audit import audit
from server.approvals.signing import Signer
from server.audit.record import end_text, entry_hash
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
    lines = await export(world)
    *entries, end = lines
    assert len(entries) >= 5
    assert end["end"]["seq"] == entries[-1]["seq"]

    def wrong(*changed: dict[str, Any], **options: Any) -> list[str]:
        return verify((json.dumps(line) for line in changed), **options).wrong

    assert wrong(*lines, public_key=world.app.state.signer.public_key) == []
    edited = [dict(line) for line in lines]
    edited[1]["actor"] = "somebody@else.test"
    assert "was changed" in wrong(*edited)[0]
    # Hashed anew, it does not carry the one after it.
    edited[1]["hash"] = entry_hash(edited[1])
    assert "does not follow" in wrong(*edited)[0]
    assert "entry 2 should stand here" in wrong(entries[0], *entries[2:], end)[0]
    assert wrong(entries[0], entries[2], entries[1], *entries[3:], end)
    assert wrong(*entries, entries[-1], end)
    # The end of the file, or of the log.
    assert "says where it ends is missing" in wrong(*entries)[0]
    assert "which is missing" in wrong(*entries[:-1], end)[0]
    shorter = {"end": {**end["end"], "seq": entries[-2]["seq"], "hash": entries[-2]["hash"]}}
    assert "signature does not fit" in wrong(*entries[:-1], end | shorter)[0]
    assert "after the end" in wrong(*entries[:-1], end, entries[-1])[1]
    other = Signer.open(Path("/nowhere"), {"DATAROLL_APPROVAL_KEY": "A" * 43 + "="})
    forged = shorter | {
        "publicKey": other.public_key,
        "signature": other.sign(end_text(shorter["end"])),
    }
    assert wrong(*entries[:-1], forged) == []
    key = world.app.state.signer.public_key
    assert "another key" in wrong(*entries[:-1], forged, public_key=key)[0]
    # Even with the server's key, an earlier export remembers.
    known = verify(json.dumps(line) for line in lines).chains
    assert "of the earlier export" in wrong(*entries[:-1], forged, continues=known)[0]
    await world.admin.post("/api/workflows", json={"name": "More"})
    assert wrong(*(await export(world)), continues=known) == []
    assert verify(["{}", "nonsense", '{"end": {}}', '{"end": 1}', "[]", "7"]).wrong


async def test_entries_taken_out_of_the_end_of_the_table_are_missed(world: World) -> None:
    await some_work(world)
    async with world.database.writing() as session:
        await session.execute(text("DROP TRIGGER audit_log_no_delete"))
        await session.execute(text("DELETE FROM audit_log WHERE action = 'execution.start'"))
    problems = verify((await world.admin.get("/api/audit/export")).text.splitlines()).wrong
    assert len(problems) == 1
    assert "which is missing" in problems[0]


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
    assert f"signed by {world.app.state.signer.public_key}" in good.output
    kept = tmp_path / "earlier.jsonl"
    kept.write_text(path.read_text())
    await some_work(world)
    path.write_text((await world.admin.get("/api/audit/export")).text)
    options = ["--continues", str(kept), "--public-key", world.app.state.signer.public_key]
    later = CliRunner().invoke(audit, ["verify", str(path), *options])
    assert later.exit_code == 0, later.output
    back = CliRunner().invoke(audit, ["verify", str(kept), "--continues", str(path)])
    assert back.exit_code == 1
    assert "of the earlier export is not in this one" in back.output
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
