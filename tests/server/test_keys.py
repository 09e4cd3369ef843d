"""dataroll rotate-key and dataroll doctor, as people run them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from cli import rotate_key as rotating
from cli.doctor import doctor
from cli.rotate_key import rotate_key
from server.models import TeamVariable
from server.secret_box import SecretBox
from tests.server.conftest import running


@pytest.fixture(autouse=True)
def nothing_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "UNDER_WAY", 0.0)


async def test_rotating_keeps_every_secret_and_forgets_the_old_key(
    tmp_path: Path, any_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    home = tmp_path / "home"
    text = "name: W\ntrigger: manual\nvariables: {own: {type: secret}, team: {type: secret}}\n"
    async with running(home) as world:
        workflow = await world.published(text)
        body = {"name": "team", "type": "secret", "value": "of the team"}
        await world.admin.post("/api/variables", json=body)
        own = {"value": "of the workflow"}
        await world.admin.put(f"/api/workflows/{workflow['id']}/variables/own", json=own)
        await world.admin.post(
            "/api/connections", json={"name": "c", "url": "postgresql://u:p@h/db"}
        )
        await world.admin.post(
            f"/api/workflows/{workflow['id']}/triggers", json={"type": "webhook"}
        )
    before = (home / "secret.key").read_text()
    monkeypatch.setenv("DATAROLL_HOME", str(home))
    monkeypatch.delenv("DATAROLL_SECRET_KEY", raising=False)
    result = await asyncio.to_thread(CliRunner().invoke, rotate_key, ["--forget-old"])
    assert result.exit_code == 0, result.output
    assert "4 secrets" in result.output
    assert (home / "secret.key").read_text() not in ("", before)
    assert before.strip() not in (home / "secret.key").read_text()
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    async with running(home) as world:
        started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
        base = f"/api/worker/executions/{started.json()['id']}"
        assert (await world.worker.get(f"{base}/secrets/own")).json() == own
        assert (await world.worker.get(f"{base}/secrets/team")).json()["value"] == "of the team"
        connections = (await world.worker.get(f"{base}/connections")).json()
        assert connections[0]["url"] == "postgresql://u:p@h/db"


async def test_a_server_that_runs_takes_up_the_new_key(
    tmp_path: Path, any_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    home = tmp_path / "home"
    monkeypatch.setenv("DATAROLL_HOME", str(home))
    monkeypatch.delenv("DATAROLL_SECRET_KEY", raising=False)
    async with running(home) as world:
        workflow = await world.published(
            "name: W\nvariables: {a: {type: secret}, b: {type: secret}}"
        )
        started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
        secrets = f"/api/worker/executions/{started.json()['id']}/secrets"
        await world.admin.put(f"/api/workflows/{workflow['id']}/variables/a", json={"value": "old"})
        done = await asyncio.to_thread(CliRunner().invoke, rotate_key, ["--forget-old"])
        assert done.exit_code == 0, done.output
        assert (await world.worker.get(f"{secrets}/a")).json() == {"value": "old"}
        await world.admin.put(f"/api/workflows/{workflow['id']}/variables/b", json={"value": "new"})
    # Nothing was stored under the key that is forgotten.
    async with running(home) as world:
        for name, value in (("a", "old"), ("b", "new")):
            assert (await world.worker.get(f"{secrets}/{name}")).json() == {"value": value}


async def test_what_a_request_stores_late_under_the_old_key_is_not_lost(
    tmp_path: Path, any_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    home = tmp_path / "home"
    monkeypatch.setenv("DATAROLL_HOME", str(home))
    monkeypatch.delenv("DATAROLL_SECRET_KEY", raising=False)
    async with running(home) as world:
        workflow = await world.published("name: W\nvariables: {a: {type: secret}}")
        started = await world.admin.post(f"/api/workflows/{workflow['id']}/execute", json={})
        body = {"name": "a", "type": "secret", "value": "early"}
        await world.admin.post("/api/variables", json=body)
        old = SecretBox((home / "secret.key").read_text().split())
        loop = asyncio.get_running_loop()

        async def store() -> None:
            async with world.database.writing() as session:
                [row] = await session.scalars(select(TeamVariable))
                row.value = old.encrypt("late")

        def wait(seconds: float) -> None:
            asyncio.run_coroutine_threadsafe(store(), loop).result(20)

        monkeypatch.setattr(rotating, "sleep", wait)
        done = await asyncio.to_thread(CliRunner().invoke, rotate_key, ["--forget-old"])
        assert done.exit_code == 0, done.output
        secret = f"/api/worker/executions/{started.json()['id']}/secrets/a"
        assert (await world.worker.get(secret)).json() == {"value": "late"}


def test_doctor_names_what_is_wrong_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret.key").write_text("x")
    (home / "secret.key").chmod(0o644)
    monkeypatch.setenv("DATAROLL_HOME", str(home))
    monkeypatch.setenv("DATAROLL_PUBLIC_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    result = CliRunner().invoke(doctor)
    assert result.exit_code == 1
    assert f"chmod 600 {home / 'secret.key'}" in result.output
    assert "start it with `dataroll up`" in result.output
