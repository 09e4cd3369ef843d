"""``dataroll up`` as a person starts it: what it prints, how it ends, what it finds again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.api_client import ApiClient
from cli.demo import free_ports

pytestmark = [pytest.mark.road, pytest.mark.slow]


@dataclass
class Started:
    """A started ``dataroll up``: what it said until it was ready, and the client of its admin."""

    said: list[str]
    admin: ApiClient
    process: subprocess.Popen[str]

    @property
    def ready(self) -> str:
        return self.said[-1]


@contextmanager
def started(
    environment: dict[str, str], *, ending: signal.Signals = signal.SIGINT
) -> Iterator[Started]:
    """Everything, from the command to Ctrl-C. Its own session, so that nobody else gets the key."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "up"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line.rstrip())
            if "ready after" in line:
                break
        assert said, "it said nothing"
        assert "ready after" in said[-1], "\n".join(said)
        token = (Path(environment["DATAROLL_HOME"]) / "admin.token").read_text().strip()
        url = f"http://127.0.0.1:{environment['DATAROLL_PORT']}"
        yield Started(said, ApiClient(url, token), process)
    finally:
        if process.poll() is None:
            process.send_signal(ending)
        process.communicate(timeout=60)


def processes_of(home: Path) -> dict[int, str]:
    """Command lines of the processes that belong to an installation, by their ids."""
    mark = f"DATAROLL_HOME={home}\0".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() + b"\0":
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = words.strip()
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
    return found


def kill_the_worker(home: Path) -> None:
    """With kill -9: the flow process that it started is nobody's child from then on."""
    [worker] = [
        pid for pid, words in processes_of(home).items() if words.endswith(" -m cli worker")
    ]
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + 60
    while not any(
        words.endswith(" -m cli worker") and pid != worker
        for pid, words in processes_of(home).items()
    ):
        assert time.monotonic() < end, "no other worker was started"
        time.sleep(0.2)


def left_behind(home: Path, seconds: float) -> dict[int, str]:
    """What still belongs to the installation after at most this long."""
    end = time.monotonic() + seconds
    while (found := processes_of(home)) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_a_second_start_finds_the_waiting_run_and_takes_it_to_its_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    port, prefect_port = free_ports(2)
    environment = {
        **os.environ,
        "DATAROLL_HOME": str(home),
        "DATAROLL_PORT": str(port),
        "DATAROLL_PREFECT_PORT": str(prefect_port),
    }
    with started(environment, ending=signal.SIGKILL) as first:
        assert sum("http" in line for line in first.said) == 1, "one URL"
        assert re.search(rf"http://127\.0\.0\.1:{port}/\S+", first.ready)
        (run,) = first.admin.get("/api/executions")["items"]
        approval = first.admin.wait_for_approval(run["id"])
        kill_the_worker(home)
    # Killed, and yet nothing of it is left: not even the process of the waiting run.
    assert first.process.returncode == -signal.SIGKILL
    assert left_behind(home, 30) == {}

    with started(environment) as second:
        assert not any("sample" in line for line in second.said), "the sample is added once"
        (workflow,) = second.admin.get("/api/workflows")["items"]
        assert workflow["name"] == "Safe Production Migration"
        waiting = second.admin.wait_for_approval(run["id"])
        assert waiting["id"] == approval["id"]
        second.admin.post(f"/api/approvals/{approval['id']}/approve", {"comment": "good morning"})
        ended = second.admin.wait_for_run(run["id"])
        statuses = {node["nodeId"]: node["status"] for node in ended["nodeExecutions"]}
        assert ended["status"] == "success", ended["error"]
        assert statuses["execute-1"] == statuses["notify-1"] == "success"
        assert statuses["error-handler-1"] == "skipped"
        messages = (home / "inbox.jsonl").read_text().splitlines()
        assert len(messages) == 1
    assert second.process.returncode == 0
    assert left_behind(home, 0) == {}
