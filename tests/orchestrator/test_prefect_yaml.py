"""The committed prefect.yaml: in step with the templates, and taken by Prefect as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

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
