"""Parts of a real installation are killed while runs run; nothing is lost and nothing runs twice.

``DATAROLL_TEST_KILLS`` says how often the server is killed; CI has the time for the default,
``DATAROLL_TEST_KILLS=50`` is the long walk.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli.supervisor
from cli.demo import running
from cli.inbox import Inbox
from tests.orchestrator.installed import FINISHED, Installed

KILLS = int(os.environ.get("DATAROLL_TEST_KILLS", "10"))
pytestmark = [pytest.mark.long, pytest.mark.timeout(600 + KILLS * 60)]

STEPS = """\
version: "1.0"
name: Steps
trigger: manual
variables:
  number: {type: number, default: 1}
nodes:
  start: {type: trigger, label: Start}
  first: {type: delay, label: First, seconds: 1}
  other: {type: delay, label: Other, seconds: 2}
  even: {type: condition, label: Even?, condition: "{{ number % 2 == 0 }}"}
  broken:
    {type: action, label: Broken, action: http_request, url: "http://127.0.0.1:9/"}
  fine: {type: delay, label: Fine, seconds: 1}
  join: {type: delay, label: Join, seconds: 0.5}
edges:
  - {source: start, target: first}
  - {source: start, target: other}
  - {source: first, target: even}
  - {source: even, target: fine, label: "Yes"}
  - {source: even, target: broken, label: "No"}
  - {source: fine, target: join}
  - {source: other, target: join}
"""
ASKING = """\
version: "1.0"
name: Asking
trigger: manual
nodes:
  start: {type: trigger, label: Start}
  ask: {type: approval, label: Ask, approvers: ["role:owner"], timeout: 600}
  after: {type: delay, label: After, seconds: 0.5}
edges:
  - {source: start, target: ask}
  - {source: ask, target: after, label: Approved}
"""
LONG = """\
version: "1.0"
name: Long
trigger: manual
nodes:
  start: {type: trigger, label: Start}
  long: {type: delay, label: Long, seconds: 300}
edges:
  - {source: start, target: long}
"""


SHORT = LONG.replace("name: Long", "name: Short").replace("seconds: 300", "seconds: 15")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    # The supervisor's patience with a child that dies again and again is not what is tested.
    before, cli.supervisor.LONGEST_PAUSE = cli.supervisor.LONGEST_PAUSE, 0.2
    folder: Path = tmp_path_factory.mktemp("installation")
    try:
        with Inbox() as inbox, running(folder, inbox) as installation:
            yield Installed(installation)
    finally:
        cli.supervisor.LONGEST_PAUSE = before


@pytest.fixture(scope="module")
def workflows(installed: Installed) -> dict[str, str]:
    assert installed.robin
    return {
        name: installed.publish(content, name)["id"]
        for name, content in {
            "Steps": STEPS,
            "Asking": ASKING,
            "Long": LONG,
            "Short": SHORT,
        }.items()
    }


def settle(installed: Installed, executions: list[str], seconds: float = 90) -> float:
    """Wait until all are over and equal Prefect; how long the equality took after the last end."""
    end = time.monotonic() + seconds
    for execution_id in executions:
        installed.wait(execution_id, seconds=max(end - time.monotonic(), 1))
    over = time.monotonic()
    while differences := installed.differences(executions):
        assert time.monotonic() < over + 30, differences
        time.sleep(0.5)
    return time.monotonic() - over


def test_a_server_that_is_killed_again_and_again_loses_nothing(
    installed: Installed, workflows: dict[str, str], record_property: pytest.RecordProperty
) -> None:
    chance = random.Random(11)
    executions: list[str] = []
    asking: list[str] = []
    kills = 0
    started = time.monotonic()

    def approve() -> None:
        """A person who presses the button until it has worked."""
        for execution_id in asking:
            installed.wait(execution_id, "waiting", seconds=300)
            while installed.execution(execution_id)["status"] not in FINISHED:
                for approval in installed.patient(
                    lambda: installed.api.get("/api/approvals", status="pending")
                )["items"]:
                    if approval["executionId"] == execution_id:
                        installed.patient(
                            lambda approval=approval: installed.api.post(  # type: ignore[misc]
                                f"/api/approvals/{approval['id']}/approve", {}
                            )
                        )
                time.sleep(0.5)

    asking += [installed.start(workflows["Asking"], key=f"asking-{n}") for n in range(2)]
    person = threading.Thread(target=approve)
    person.start()
    while kills < KILLS:
        if len(executions) < KILLS // 2 + 2:
            number = len(executions)
            executions.append(
                installed.start(
                    workflows["Steps"], key=f"steps-{number}", variables={"number": number}
                )
            )
        # Sometimes while it works, sometimes while it starts.
        time.sleep(chance.uniform(0.1, 4))
        kills += installed.kill("-m", "cli", "server")
    lag = settle(installed, [*executions, *asking], seconds=180)
    person.join(60)
    assert not person.is_alive()
    runs = [installed.execution(execution_id) for execution_id in executions]
    assert [run["status"] for run in runs] == [
        "success" if number % 2 == 0 else "failed" for number in range(len(runs))
    ]
    asked = [installed.execution(execution_id) for execution_id in asking]
    assert [(run["status"], run["error"]) for run in asked] == [("success", None)] * len(asked)
    # Asked for twice by clients that never got an answer, and yet started once.
    assert len({run["prefectFlowRunId"] for run in runs}) == len(executions)
    count = installed.prefect.post("flow_runs/count", json={}).json()
    assert count == len(executions) + len(asking)
    record_property("kills", kills)
    print(
        f"\n{kills} kills during {len(executions) + len(asking)} runs in"
        f" {time.monotonic() - started:.0f} s; equal to Prefect {lag:.1f} s after the last ended"
    )


def test_a_prefect_that_is_restarted_during_runs_loses_nothing(
    installed: Installed, workflows: dict[str, str]
) -> None:
    executions = [
        installed.start(workflows["Steps"], variables={"number": number}) for number in range(3)
    ]
    waiting = installed.start(workflows["Asking"])
    installed.wait(waiting, "waiting")
    installed.wait(executions[-1], "running", "success", node="start")
    started = time.monotonic()
    assert installed.kill("cli.prefect_server", "server", "start")
    # While it is down a run is asked for, and kept.
    asked = installed.start(workflows["Steps"], variables={"number": 2})
    assert installed.execution(asked)["status"] == "pending"
    approval = installed.api.wait_for_approval(waiting)
    installed.patient(lambda: installed.api.post(f"/api/approvals/{approval['id']}/approve"))
    everything = [*executions, asked, waiting]
    for execution_id in everything:
        installed.wait(execution_id, seconds=150)
    end = time.monotonic() + 30
    while differences := installed.differences(everything):
        assert time.monotonic() < end, differences
        time.sleep(0.5)
    assert installed.execution(waiting)["status"] == "success", installed.execution(waiting)
    assert installed.execution(asked)["status"] == "success", installed.execution(asked)
    runs = [installed.execution(e) for e in executions]
    assert [run["status"] for run in runs] == ["success", "failed", "success"], [
        run["error"] for run in runs
    ]
    print(f"\nPrefect killed: all equal again after {time.monotonic() - started:.0f} s")


def test_a_run_whose_process_was_killed_is_found_and_started_again_from_its_journal(
    installed: Installed, workflows: dict[str, str]
) -> None:
    execution_id = installed.start(workflows["Long"])
    installed.wait(execution_id, "running", node="long")
    first = installed.flow_process(execution_id)
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    log = installed.installation.home / "logs" / "server.log"
    named = f"the process of {execution_id} died"
    while named not in log.read_text():
        assert time.monotonic() < killed + 60, "nobody noticed"
        time.sleep(0.2)
    print(f"\nfound after {time.monotonic() - killed:.1f} s")
    while installed.flow_process(execution_id, default=first) == first:
        assert time.monotonic() < killed + 120, "it was not started again"
        time.sleep(0.5)
    installed.api.post(f"/api/executions/{execution_id}/cancel")
    assert installed.wait(execution_id, seconds=60)["status"] == "cancelled"


def test_a_killed_worker_costs_its_run_nothing(
    installed: Installed, workflows: dict[str, str]
) -> None:
    execution_id = installed.start(workflows["Short"])
    installed.wait(execution_id, "running", node="long")
    process = installed.flow_process(execution_id)
    assert installed.kill("-m", "cli", "worker")
    run = installed.wait(execution_id, seconds=90)
    assert run["status"] == "success", run
    assert installed.flow_process(execution_id) == process, "it was started again"
    assert installed.differences([execution_id]) == {}
    # The next worker takes the next run.
    after = installed.start(workflows["Steps"], variables={"number": 2})
    assert installed.wait(after)["status"] == "success"
