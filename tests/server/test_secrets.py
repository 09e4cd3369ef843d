"""Fifty canaries: planted where secrets belong, looked for everywhere else."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from runtime_tasks.redaction import Redactor
from server.models import Base
from server.secret_box import SecretBox, open_box
from server.worker import reads as reads_module
from tests.server.conftest import World, running

NAMES = [f"secret{n}" for n in range(20)]
WORKFLOW = (
    'version: "1.0"\nname: Canaries\ntrigger: manual\nvariables:\n'
    + "".join(f"  {name}: {{type: secret}}\n" for name in NAMES)
    + "nodes:\n  t: {type: trigger, label: T}\nedges: []\n"
)


def canary() -> str:
    """With characters that every encoding writes differently."""
    return f'canary/{secrets.token_hex(6)}+ü?&"{secrets.token_hex(4)}'


def forms(text: str) -> dict[str, bytes]:
    raw = text.encode()
    shifts = {f"base64+{n}": base64.b64encode(b"x" * n + raw)[4:-4] for n in range(3)}
    return {"plain": raw, "url": quote(text, safe="").encode(), **shifts}


async def plant(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    """Canaries by where they were planted, and the workflow that may use them."""
    planted: dict[str, str] = {}
    workflow = await world.published(WORKFLOW)
    for number, name in enumerate(NAMES):
        planted[name] = value = canary()
        body = {"name": name, "type": "secret", "value": value}
        if number % 2:
            body["workflowId"] = workflow["id"]
        made = await world.admin.post("/api/variables", json=body)
        assert made.status_code == 201, made.text
    for number in range(20):
        planted[f"connection{number}"] = value = canary()
        url = f"postgresql://user:{quote(value, safe='')}@127.0.0.1:1/db"
        made = await world.admin.post("/api/connections", json={"name": f"c{number}", "url": url})
        assert made.status_code == 201, made.text
        planted[f"id{number}"] = made.json()["id"]
    for number in range(10):
        planted[f"password{number}"] = value = canary()
        made = await world.admin.post(
            "/api/users",
            json={"email": f"u{number}@example.test", "name": "U", "password": value},
        )
        assert made.status_code == 201, made.text
    ids = {key: planted.pop(key) for key in list(planted) if key.startswith("id")}
    assert len(planted) == 50
    return planted, {"workflow": workflow, "connections": ids}


@pytest.mark.slow
async def test_no_canary_is_found_where_it_does_not_belong(
    tmp_path: Path, any_compiler: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    home = tmp_path / "home"
    seen: list[bytes] = []
    async with running(home) as world:
        planted, made = await plant(world)
        workflow_id = made["workflow"]["id"]
        started = await world.admin.post(f"/api/workflows/{workflow_id}/execute", json={})
        execution_id = started.json()["id"]
        run_id = await world.dispatch(execution_id)

        # The worker gets every one of them.
        base = f"/api/worker/executions/{execution_id}"
        for name in NAMES:
            answer = await world.worker.get(f"{base}/secrets/{name}")
            assert answer.json()["value"] == planted[name]
        connections = (await world.worker.get(f"{base}/connections")).json()
        assert len(connections) == 20

        # A careless flow tells all of it, in every dress.
        world.orchestrator.begin(run_id)
        for name, value in planted.items():
            if name.startswith("password"):
                continue
            text = f"{value} {quote(value, safe='')} " + " ".join(
                base64.b64encode(b"x" * n + value.encode()).decode() for n in range(3)
            )
            world.orchestrator.settle(
                run_id,
                f"node-{name}",
                "failed",
                input={"in": text},
                output={"out": [text], text: 1},
                error={"message": text},
                reason=text,
            )
            world.orchestrator.log(run_id, text)
        everything = " ".join(v for k, v in planted.items() if not k.startswith("password"))
        world.orchestrator.finish(run_id, "failed", error=everything, output={"all": everything})
        await world.mirror(run_id)

        for number in range(3):
            tested = await world.admin.post(
                f"/api/connections/{made['connections'][f'id{number}']}/test"
            )
            seen.append(tested.content)
        for number in range(3):
            refused = await world.client().post(
                "/api/auth/login",
                json={"email": f"u{number}@example.test", "password": planted["secret1"]},
            )
            seen.append(refused.content)
        bad = await world.admin.post(
            "/api/connections", json={"name": "x", "url": f"oracle://u:{planted['secret0']}@h/d"}
        )
        assert bad.status_code == 422
        seen.append(bad.content)
        document = (await world.admin.get("/api/openapi.json")).json()
        for path, item in document["paths"].items():
            if "get" not in item or item["get"]["x-policy"] == "worker":
                continue
            url = path.format(
                workflow_id=workflow_id,
                execution_id=execution_id,
                team_id=await world.team_id(),
                connection_id=made["connections"]["id1"],
                variable_id="x",
                approval_id="x",
                template_id="simple_migration",
                trigger_id="x",
                version=1,
            )
            answer = await world.admin.get(url, params={"to": 1} if "compare" in url else {})
            seen.append(answer.content)
        async with world.database.reading() as session:
            for table in Base.metadata.sorted_tables:
                rows = await session.execute(select(table))
                seen += [repr(tuple(row)).encode() for row in rows]
        seen.append(repr(world.orchestrator.requests).encode())
    seen.append(caplog.text.encode())
    seen += [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    haystack = b"\n".join(seen)
    found = [
        (name, form)
        for name, value in planted.items()
        for form, needle in forms(value).items()
        if needle in haystack
    ]
    assert found == []
    # The search itself works: what is allowed to stand there is found.
    assert execution_id.encode() in haystack


async def test_a_run_gets_only_the_secrets_it_declares_and_only_while_it_lives(
    world: World,
) -> None:
    workflow = await world.published(WORKFLOW)
    await world.admin.post(
        "/api/variables", json={"name": "undeclared", "type": "secret", "value": "x-y-z"}
    )
    await world.admin.post(
        "/api/variables", json={"name": "secret1", "type": "secret", "value": "the-team's"}
    )
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id = started.json()["id"]
    base = f"/api/worker/executions/{execution_id}/secrets"
    assert (await world.worker.get(f"{base}/undeclared")).status_code == 404
    assert (await world.worker.get(f"{base}/secret1")).json() == {"value": "the-team's"}
    own = await world.admin.put(
        f"/api/workflows/{workflow['id']}/variables/secret1", json={"value": "the-workflow's"}
    )
    assert own.json()["isSet"] is True
    assert "the-workflow's" not in own.text
    assert (await world.worker.get(f"{base}/secret1")).json() == {"value": "the-workflow's"}
    run_id = await world.dispatch(execution_id)
    world.orchestrator.finish(run_id, "success")
    await world.mirror(run_id)
    assert (await world.worker.get(f"{base}/secret1")).status_code == 404


async def test_what_the_worker_reads_is_in_the_audit_log_without_its_value(
    world_on_both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_both
    workflow = await world.published(WORKFLOW)
    value, url = canary(), f"postgresql://user:{secrets.token_hex(8)}@127.0.0.1:1/db"
    await world.admin.post(
        "/api/variables", json={"name": "secret1", "type": "secret", "value": value}
    )
    connection = (await world.admin.post("/api/connections", json={"name": "c", "url": url})).json()
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    execution_id = started.json()["id"]
    base = f"/api/worker/executions/{execution_id}"
    await world.worker.post(f"{base}/heartbeat", json={"process": "0@host:7"})
    assert (await world.worker.get(f"{base}/secrets/secret1")).json() == {"value": value}
    assert (await world.worker.get(f"{base}/secrets/undeclared")).status_code == 404
    assert (await world.worker.get(f"{base}/connections/c")).status_code == 200
    assert (await world.worker.get(f"{base}/connections")).status_code == 200
    log = await world.admin.get("/api/audit", params={"executionId": execution_id})
    reads = [entry for entry in log.json()["items"] if entry["actor"] == "worker"]
    assert [(entry["action"], entry["subjectId"], entry["details"]) for entry in reads] == [
        ("connection.read-all", execution_id, {"names": ["c"], "process": "0@host:7"}),
        ("connection.read", connection["id"], {"name": "c", "process": "0@host:7"}),
        ("secret.read", execution_id, {"name": "secret1", "process": "0@host:7"}),
    ]
    assert {(entry["version"], entry["ip"]) for entry in reads} == {(1, "127.0.0.1")}
    assert value not in log.text
    assert url not in log.text

    # What cannot be noted is not given.
    async def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(reads_module, "record", full_disk)
    for path in ("secrets/secret1", "connections/c", "connections"):
        answer = await world.worker.get(f"{base}/{path}")
        assert answer.status_code == 500
        assert value not in answer.text
        assert url not in answer.text


async def test_many_nodes_that_read_at_once_all_get_their_secret(world_on_both: World) -> None:
    """More than there are connections to the database, and each is read and noted."""
    world = world_on_both
    workflow = await world.published(WORKFLOW)
    await world.admin.post(
        "/api/variables", json={"name": "secret1", "type": "secret", "value": "for everybody"}
    )
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    path = f"/api/worker/executions/{started.json()['id']}/secrets/secret1"
    worker = world.process_of(await world.dispatch(started.json()["id"]))
    answers = await asyncio.wait_for(
        asyncio.gather(*(worker.get(path) for _ in range(60))), timeout=25
    )
    assert {answer.status_code for answer in answers} == {200}
    log = await world.admin.get("/api/audit", params={"action": "secret.read", "limit": 200})
    assert len(log.json()["items"]) == 60


async def test_a_published_workflow_keeps_a_secret_that_its_draft_has_dropped(
    world: World,
) -> None:
    workflow = await world.published(WORKFLOW)
    path = f"/api/workflows/{workflow['id']}"
    await world.admin.put(f"{path}/variables/secret1", json={"value": "still needed"})
    bare = {"definition": {"content": "name: Bare\nnodes: {}\n", "format": "yaml"}}
    assert (await world.admin.patch(path, json=bare)).status_code == 200
    started = await world.admin.post(f"{path}/execute", json={})
    secret = await world.worker.get(
        f"/api/worker/executions/{started.json()['id']}/secrets/secret1"
    )
    assert secret.json() == {"value": "still needed"}


async def test_a_worker_gets_no_connection_of_another_team(world: World) -> None:
    workflow = await world.published(WORKFLOW)
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    foreign = await world.admin.post(
        "/api/connections", json={"name": "theirs", "url": "sqlite:////x.db", "teamId": other}
    )
    team = workflow["teamId"]
    started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
    base = f"/api/worker/executions/{started.json()['id']}/connections"
    assert (await world.worker.get(f"{base}/{foreign.json()['id']}")).status_code == 404
    assert (await world.worker.get(f"{base}/theirs")).status_code == 404
    own = await world.admin.post(
        "/api/connections", json={"name": "ours", "url": "sqlite:////y.db", "teamId": team}
    )
    answer = await world.worker.get(f"{base}/{own.json()['id']}")
    assert answer.json()["url"] == "sqlite:////y.db"
    assert (await world.worker.get(f"{base}/ours")).json()["id"] == own.json()["id"]


def test_keys_rotate_and_old_secrets_stay_readable(tmp_path: Path) -> None:
    box = open_box(tmp_path, {})
    sealed = box.encrypt("water")
    (tmp_path / "secret.key").read_text()
    from cryptography.fernet import Fernet

    new_key, old_key = Fernet.generate_key().decode(), (tmp_path / "secret.key").read_text().strip()
    both = SecretBox([new_key, old_key])
    assert both.decrypt(sealed) == "water"
    assert SecretBox([new_key]).decrypt(both.rotate(sealed)) == "water"
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("around", ["", "x", "xy", "some longer text before "])
def test_a_secret_is_masked_inside_base64_of_more(around: str) -> None:
    redactor = Redactor(["correct horse battery"])
    encoded = base64.b64encode(f"{around}correct horse battery and after".encode()).decode()
    assert base64.b64encode(b"orse bat").decode()[1:-2] not in redactor.text(encoded)
    assert redactor.text(encoded) != encoded


def test_short_secrets_are_left_alone() -> None:
    assert Redactor(["a"]).text("banana") == "banana"
