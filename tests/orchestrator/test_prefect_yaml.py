"""The committed prefect.yaml: taken by Prefect as it is, and its flows run without our server."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from cli.inbox import Inbox
from tests.migrations.projects import SHOP, write

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_prefect_deploys_every_committed_flow(prefect_server: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "generated", tmp_path / "generated")
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    pool = {"name": "dataroll", "type": "process"}
    assert httpx.post(f"{prefect_server}/work_pools/", json=pool).status_code in (201, 409)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": str(ROOT),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = httpx.post(f"{prefect_server}/deployments/filter", json={}).json()
    committed = {d["entrypoint"]: d for d in found if d["name"] == "committed"}
    wanted = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert set(committed) == {entry["entrypoint"] for entry in wanted}
    for entry in wanted:
        deployed = committed[entry["entrypoint"]]
        [step] = deployed["pull_steps"]
        where = step["prefect.deployments.steps.set_working_directory"]
        assert where["directory"] == str(tmp_path)
        assert "execution" in deployed["parameter_openapi_schema"]["properties"]
        crons = [s["schedule"]["cron"] for s in deployed["schedules"]]
        assert crons == [s["cron"] for s in entry.get("schedules", [])]
    simple = committed["generated/simple_migration.py:simple_migration"]
    migrate_with_a_plain_worker(prefect_server, simple["id"], environment, tmp_path)


def migrate_with_a_plain_worker(
    prefect_server: str, deployment_id: str, environment: dict[str, str], folder: Path
) -> None:
    """Prefect's own worker, connections and secrets from its environment, no dataroll anywhere."""
    asked = httpx.post(
        f"{prefect_server}/deployments/{deployment_id}/create_flow_run",
        json={"parameters": {"database": "shop"}, "state": {"type": "SCHEDULED"}},
    )
    run_id = asked.raise_for_status().json()["id"]
    migrations = write(folder / "migrations", SHOP)
    with Inbox() as inbox:
        worker = subprocess.run(
            [
                *(sys.executable, "-m", "prefect", "--no-prompt", "worker", "start"),
                *("--pool", "dataroll", "--run-once"),
            ],
            cwd=folder,
            env={
                **{k: v for k, v in environment.items() if not k.startswith("DATAROLL_")},
                "DATAROLL_CONNECTION_SHOP": f"sqlite:///{folder / 'shop.db'}",
                "DATAROLL_CONNECTION_SHOP__MIGRATIONS": str(migrations),
                "DATAROLL_SECRET_SLACKWEBHOOK": inbox.url,
                "DATAROLL_ALLOW_ADDRESSES": "127.0.0.2/32",
            },
            capture_output=True,
            text=True,
        )
    said = worker.stdout[-5000:] + worker.stderr[-5000:]
    assert worker.returncode == 0, said
    run = httpx.get(f"{prefect_server}/flow_runs/{run_id}").json()
    assert run["state"]["type"] == "COMPLETED", (run["state"], said)
    with closing(sqlite3.connect(folder / "shop.db")) as shop:
        assert shop.execute("SELECT email FROM users").fetchall() == [("x",)]
    assert "3 migrations applied to shop" in str(inbox.messages)
