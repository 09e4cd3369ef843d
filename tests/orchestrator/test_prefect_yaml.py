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
from click.testing import CliRunner

from cli.deploy import deploy
from cli.prefect_yaml import prefect_yaml
from compiler import compile_workflow

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates" / "workflows").glob("*.yaml"))

EVENT = """\
version: "1.0"
name: After Tests
trigger: event
nodes:
  passed: {{type: trigger, label: Passed, event: tests.passed{filter}}}
  wait: {{type: delay, label: Wait, seconds: 1}}
edges:
  - {{source: passed, target: wait}}
"""


def test_the_committed_file_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(
        deploy, ["--prefect-yaml", "--check", *(str(path) for path in TEMPLATES)]
    )
    assert result.exit_code == 0, result.output


def test_a_stale_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(deploy, ["--prefect-yaml", "--check", str(TEMPLATES[0])])
    assert result.exit_code == 1
    assert "stale" in result.output


def test_an_event_without_a_filter_becomes_an_automation_and_one_with_a_filter_does_not() -> None:
    plain = compile_workflow(EVENT.format(filter=""), "yaml")
    [entry] = yaml.safe_load(prefect_yaml([plain], Path("generated")))["deployments"]
    assert entry["triggers"][0]["expect"] == ["tests.passed"]
    filtered = compile_workflow(EVENT.format(filter=', filter: "{{ trigger.count > 0 }}"'), "yaml")
    [entry] = yaml.safe_load(prefect_yaml([filtered], Path("generated")))["deployments"]
    assert "triggers" not in entry


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_prefect_deploys_every_committed_flow(prefect_server: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "generated", tmp_path / "generated")
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    pool = {"name": "dataroll", "type": "process"}
    httpx.post(f"{prefect_server}/work_pools/", json=pool).raise_for_status()
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
