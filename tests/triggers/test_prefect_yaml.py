"""prefect.yaml: current, taken by Prefect itself, and its events start runs with their payload."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from click.testing import CliRunner

from cli import main
from server.orchestrator.prefect import PrefectOrchestrator
from server.orchestrator.protocol import Deployment

ROOT = Path(__file__).parents[2]


def test_flows_and_prefect_yaml_are_what_the_templates_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    files = sorted(str(file) for file in Path("templates/workflows").glob("*.yaml"))
    result = CliRunner().invoke(main, ["compile", "--check", "--prefect", "prefect.yaml", *files])
    assert result.exit_code == 0, result.output


def test_schedules_and_triggers_are_the_definitions() -> None:
    deployments = {
        each["entrypoint"].rpartition(":")[2]: each
        for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    }
    assert deployments["weekly_audit"]["schedules"] == [
        {"cron": "0 18 * * fri", "timezone": "UTC", "slug": "friday", "active": True}
    ]
    [trigger] = deployments["deployment_pipeline"]["triggers"]
    assert trigger["match"] == {"prefect.resource.id": "dataroll.workflow.deployment-pipeline"}
    assert "triggers" not in deployments["prod_safe"]


@pytest.mark.slow
async def test_an_event_at_prefect_starts_the_deployment_with_its_payload(
    prefect: str, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(base_url=f"{prefect}/", timeout=30) as api:
        pool = await api.post("work_pools/", json={"name": "dataroll", "type": "process"})
        assert pool.status_code in (201, 409)
        deployed = await asyncio.to_thread(
            subprocess.run,
            [*(sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all")],
            cwd=ROOT,
            env=os.environ | {"PREFECT_API_URL": prefect, "PREFECT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        found = await api.post("deployments/filter", json={})
        names = {each["entrypoint"].rpartition(":")[2]: each for each in found.json()}
        assert len(names) >= 12
        assert [s["schedule"]["cron"] for s in names["scheduled"]["schedules"]] == ["0 7 * * *"]
        payload = {"ref": "refs/heads/main", "text": 'a "quoted" {{ word }}'}
        await post_event(api, "deployment-pipeline", payload)
        [run] = await runs_of(api, names["deployment_pipeline"]["id"])
        assert run["parameters"]["trigger"] == {"type": "webhook", "body": payload}


@pytest.mark.slow
async def test_prefect_listens_for_the_live_version_and_no_other(prefect: str) -> None:
    orchestrator = PrefectOrchestrator()
    one, two = [await orchestrator.deploy(deployment(number)) for number in (1, 2)]
    for wanted in (one, one, two):
        await orchestrator.listen_for("pushed", wanted)
        assert (await orchestrator.listening())["pushed"] == wanted
    async with httpx.AsyncClient(base_url=f"{prefect}/", timeout=30) as api:
        payload = {"ref": "refs/heads/main", "text": 'a "quoted" {{ word }}'}
        await post_event(api, "pushed", payload)
        [run] = await runs_of(api, two)
        state = await orchestrator.get(run["id"])
        assert state is not None
        assert state.parameters["trigger"] == {"type": "webhook", "body": payload}
        assert not state.scheduled
    await orchestrator.listen_for("pushed", None)
    assert "pushed" not in await orchestrator.listening()


def deployment(version: int) -> Deployment:
    return Deployment(
        workflow_id="w",
        slug="pushed",
        flow_name="Pushed",
        name=f"pushed-v{version}",
        version=version,
        directory=Path("/nowhere"),
        entrypoint="pushed.py:pushed",
        parameters_schema={"type": "object", "properties": {"trigger": {"type": "object"}}},
    )


async def post_event(api: httpx.AsyncClient, slug: str, payload: Any) -> None:
    event = {
        "occurred": datetime.now(UTC).isoformat(),
        "event": "dataroll.webhook.received",
        "resource": {"prefect.resource.id": f"dataroll.workflow.{slug}"},
        "payload": payload,
        "id": str(uuid4()),
    }
    sent = await api.post("events", json=[event])
    assert sent.status_code == 204


async def runs_of(api: httpx.AsyncClient, deployment_id: str) -> list[Any]:
    """The deployment's runs, once there is one."""
    for _ in range(200):
        runs = await api.post(
            "flow_runs/filter", json={"deployments": {"id": {"any_": [deployment_id]}}}
        )
        if found := list(runs.json()):
            return found
        await asyncio.sleep(0.3)
    return []
