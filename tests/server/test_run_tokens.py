"""A run's process is let in where its own execution is concerned, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime_tasks.run.channel import ServerChannel
from runtime_tasks.run_token import RUN_TOKEN, WORKER_TOKEN, flow_run_of, run_token
from runtime_tasks.seal import Seal
from server.models import WorkflowExecution
from server.orchestrator.run_credentials import NOT_FOR_RUNS, configuration_with, take_away
from server.orchestrator.warm import client
from tests.server.conftest import World
from tests.server.things import make_things

RUN = "4f1b2c3d-0000-4000-8000-000000000001"
OTHER = "4f1b2c3d-0000-4000-8000-000000000002"


def test_a_token_is_one_runs_and_gives_the_workers_away_to_nobody() -> None:
    token = run_token("the worker's", RUN)
    assert flow_run_of(token, "the worker's") == RUN
    assert "worker's" not in token
    assert Seal.of_run(token) == Seal.of_run(run_token("the worker's", RUN))
    assert Seal.of_run(token) != Seal.of_run(run_token("the worker's", OTHER))
    mac = token.rpartition(".")[2]
    for wrong in (
        *("", "the worker's", "run", "run.", f"run.{RUN}", f"run.{RUN}.", f"run..{mac}", mac),
        *(f"run.{OTHER}.{mac}", f"job.{RUN}.{mac}", f"{token}0", token.upper(), f"run.é.{mac}"),
    ):
        assert flow_run_of(wrong, "the worker's") is None
    assert flow_run_of(token, "another worker's") is None


ASKED = (
    ("GET", "connections", None),
    ("GET", "connections/{connection_id}", None),
    ("GET", "secrets/hook", None),
    ("GET", "approvals/approval-1", None),
    ("POST", "approvals", {"nodeId": "n", "approvers": ["role:admin"], "timeout": 60}),
    ("POST", "suspend", {"process": "0@a:1", "nodeIds": ["n"]}),
    ("POST", "heartbeat", {"process": "0@a:1"}),
)


async def test_another_runs_token_opens_nothing(world: World) -> None:
    team = await world.team_id()
    mine, theirs = (await make_things(world, team), await make_things(world, team))
    ours = world.process_of(f"run-{mine.ids['execution_id']}")
    seen = []
    for method, path, body in ASKED:
        path = path.format(**mine.ids)
        own = await ours.request(
            method, f"/api/worker/executions/{mine.ids['execution_id']}/{path}", json=body
        )
        assert own.status_code not in (401, 403), own.text
        seen.append(own.status_code)
        foreign = await ours.request(
            method, f"/api/worker/executions/{theirs.ids['execution_id']}/{path}", json=body
        )
        assert foreign.status_code == 404, (path, foreign.text)
        assert "under way" in foreign.json()["detail"]
    assert {200, 201} <= set(seen)
    other = f"run-{theirs.ids['execution_id']}"
    for path in ("adopt", "news"):
        body = {"flowRunId": other, **({"process": "0@a:1"} if path == "adopt" else {})}
        assert (await ours.post(f"/api/worker/{path}", json=body)).status_code in (403, 422)
    async with world.database.reading() as session:
        execution = await session.get(WorkflowExecution, theirs.ids["execution_id"])
        assert execution is not None
        assert (execution.process, execution.heartbeat_at) == (None, None)


async def test_the_workers_own_token_opens_nothing_by_itself(world: World) -> None:
    things = await make_things(world, await world.team_id())
    worker = world.client(world.app.state.worker_token)
    for method, path, body in ASKED:
        path = f"/api/worker/executions/{things.ids['execution_id']}/{path.format(**things.ids)}"
        assert (await worker.request(method, path, json=body)).status_code == 401
    for path, body in (
        ("adopt", {"flowRunId": RUN, "process": "0@a:1"}),
        ("news", {"flowRunId": RUN}),
    ):
        assert (await worker.post(f"/api/worker/{path}", json=body)).status_code == 401


async def test_no_token_adopts_another_run(world: World) -> None:
    process = world.process_of(RUN)
    body = {"flowRunId": OTHER, "process": "0@a:1"}
    refused = await process.post("/api/worker/adopt", json=body)
    assert refused.status_code == 403
    assert (await process.post("/api/worker/news", json={"flowRunId": OTHER})).status_code == 403


def test_what_a_worker_leaves_to_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = dict.fromkeys(NOT_FOR_RUNS, "secret") | {"PATH": "/bin"}
    take_away(environment)
    assert environment == {"PATH": "/bin"}
    for name in NOT_FOR_RUNS:
        monkeypatch.delenv(name, raising=False)

    class Run:
        id, name, parameters, state, labels = RUN, "r", {}, None, {}
        deployment_id = work_pool_name = None

    configuration = configuration_with("the worker's")(command="true")
    monkeypatch.setattr(
        "prefect.workers.base.BaseJobConfiguration.prepare_for_flow_run", lambda *_, **__: None
    )
    configuration.prepare_for_flow_run(Run())  # type: ignore[arg-type]
    assert configuration.env[RUN_TOKEN] == run_token("the worker's", RUN)
    assert "the worker's" not in json.dumps(configuration.env)


@pytest.mark.parametrize("run_id", [RUN, ""])
def test_a_worker_of_prefects_own_loses_its_token_on_the_way(tmp_path: Path, run_id: str) -> None:
    """The engine command becomes an interpreter that says what it finds in its environment."""
    said = tmp_path / "said.json"
    engine = tmp_path / "prefect" / "engine.py"
    engine.parent.mkdir()
    (engine.parent / "__init__.py").touch()
    engine.write_text(f"import json, os; json.dump(dict(os.environ), open({str(said)!r}, 'w'))")
    subprocess.run(
        [sys.executable, "-S", "-E", client.__file__],
        check=True,
        cwd=tmp_path,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("DATAROLL_")},
            "PYTHONPATH": str(tmp_path),
            WORKER_TOKEN: "the worker's",
            "PREFECT__FLOW_RUN_ID": run_id,
        },
    )
    found = json.loads(said.read_text())
    assert WORKER_TOKEN not in found
    assert found.get(RUN_TOKEN) == (run_token("the worker's", RUN) if run_id else None)


def test_a_process_takes_the_token_that_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAROLL_API_URL", "http://localhost:1")
    monkeypatch.delenv(WORKER_TOKEN, raising=False)
    monkeypatch.setenv(RUN_TOKEN, run_token("the worker's", RUN))
    own = ServerChannel.from_environment("e", RUN)
    assert own is not None
    assert own.token == run_token("the worker's", RUN)
    assert own.token not in repr(own)
    assert ServerChannel.from_environment("e", OTHER) is None
    monkeypatch.delenv(RUN_TOKEN)
    monkeypatch.setenv(WORKER_TOKEN, "the worker's")
    by_hand = ServerChannel.from_environment("e", OTHER)
    assert by_hand is not None
    assert by_hand.token == run_token("the worker's", OTHER)
