"""Two dataroll servers on one PostgreSQL and one Prefect: one run is one run, and everybody sees it.

Runs are asked for at both, one of the servers is killed on the way, and a browser at each of them
follows all of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cli.api_client import ApiClient
from cli.demo import free_ports, running
from cli.inbox import Inbox
from tests.orchestrator.installed import FINISHED, Installed
from tests.orchestrator.test_kills import STEPS

pytestmark = [pytest.mark.long, pytest.mark.database, pytest.mark.timeout(600)]

RUNS = 6


@contextmanager
def another_server(installed: Installed) -> Iterator[ApiClient]:
    """Same keys, same database, same Prefect, another port."""
    installation = installed.installation
    [port] = free_ports(1)
    environment = {
        **installation.environment,
        "DATAROLL_PORT": str(port),
        "DATAROLL_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    log = installation.home / "logs" / "server-2.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            # Under another name than the one that the test kills.
            [sys.executable, "-m", "cli.__main__", "server"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    api = ApiClient(f"http://127.0.0.1:{port}", installation.admin_token)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.3)
        yield api
    finally:
        process.terminate()
        process.wait(30)


@dataclass
class Browser:
    """Follows runs at one server, and comes back where it was cut off."""

    installed: Installed
    api: ApiClient
    url: str
    topics: dict[str, int] = field(default_factory=dict)
    seen: list[tuple[str, int, str, dict[str, Any]]] = field(default_factory=list)
    left: bool = False

    def follow(self) -> None:
        while not self.left:
            try:
                ticket = self.installed.patient(lambda: self.api.post("/api/auth/live-ticket"))
                address = self.url.replace("http", "ws", 1) + f"/api/live?ticket={ticket['token']}"
                with connect(address, max_size=None) as socket:
                    self._listen(socket)
            except (ConnectionClosed, OSError, httpx.HTTPError):
                time.sleep(0.3)

    def _listen(self, socket: Any) -> None:
        following: set[str] = set()
        while not self.left:
            for topic in set(self.topics) - following:
                following.add(topic)
                message = {"type": "subscribe", "topic": topic, "seq": self.topics[topic]}
                socket.send(json.dumps(message))
            try:
                message = json.loads(socket.recv(timeout=0.3))
            except TimeoutError:
                continue
            assert message["type"] in ("subscribed", "event"), message
            if message["type"] == "event":
                topic, number = message["topic"], message["seq"]
                assert number == self.topics[topic] + 1, "a gap, or twice the same"
                self.topics[topic] = number
                self.seen.append((topic, number, message["kind"], message["data"]))


def test_two_servers_mirror_every_run_once_and_tell_every_browser(
    postgresql_url: str, tmp_path: Path
) -> None:
    with (
        Inbox() as inbox,
        running(tmp_path, inbox, DATAROLL_DATABASE_URL=postgresql_url) as installation,
    ):
        installed = Installed(installation)
        with another_server(installed) as second:
            walk(installed, second)


def walk(installed: Installed, second: ApiClient) -> None:
    apis = (installed.api, second)
    workflow = installed.publish(STEPS, "Steps")
    urls = (installed.installation.settings.public_url, str(second.http.base_url).rstrip("/"))
    browsers = [Browser(installed, api, url) for api, url in zip(apis, urls, strict=True)]
    threads = [threading.Thread(target=browser.follow) for browser in browsers]
    for thread in threads:
        thread.start()
    executions = []
    for number in range(RUNS):
        # Asked at both with one key, as by a client that never got the first answer.
        [execution_id] = {
            start(installed, api, workflow["id"], number) for api in (apis[number % 2], *apis)
        }
        executions.append(execution_id)
        for browser in browsers:
            browser.topics[f"execution:{execution_id}"] = 0
        if number == RUNS // 2:
            assert installed.kill("-m", "cli", "server"), "the supervisor's own server"
    for execution_id in executions:
        installed.wait(execution_id, seconds=150)
    end = time.monotonic() + 30
    while differences := installed.differences(executions):
        assert time.monotonic() < end, differences
        time.sleep(0.5)
    for browser in browsers:
        while not everything_seen(installed, browser, executions):
            assert time.monotonic() < end, "a browser was not told everything"
            time.sleep(0.5)
    for browser in browsers:
        browser.left = True
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    # A last line of a log may come while they leave: then the one that went later has it.
    one, other = ({place(event): event for event in browser.seen} for browser in browsers)
    both = one.keys() & other.keys()
    assert {at: one[at] for at in both} == {at: other[at] for at in both}
    later = [one.get(at) or other[at] for at in one.keys() ^ other.keys()]
    assert all(kind == "log" for _, _, kind, _ in later), later
    # Each node settled once for whoever watched, and each run ended once.
    for execution_id in executions:
        told = [
            (kind, data.get("nodeId"), data["status"])
            for topic, _, kind, data in browsers[0].seen
            if topic == f"execution:{execution_id}" and kind in ("node", "execution")
        ]
        ends = Counter(entry for entry in told if entry[2] in (*FINISHED, "skipped"))
        assert ends, told
        assert max(ends.values()) == 1, ends
    assert installed.prefect.post("flow_runs/count", json={}).json() == RUNS
    audited = Counter(
        entry["action"]
        for entry in installed.api.get("/api/audit", limit=200)["items"]
        if entry["action"].startswith("execution.")
    )
    assert audited["execution.start"] == RUNS
    assert audited["execution.success"] + audited["execution.failed"] == RUNS


def start(installed: Installed, api: ApiClient, workflow_id: str, number: int) -> str:
    body = {"variables": {"number": number}}
    headers = {"Idempotency-Key": f"run-{number}"}
    started = installed.patient(
        lambda: api.post(f"/api/workflows/{workflow_id}/execute", body, **headers)
    )
    return str(started["id"])


def place(event: tuple[str, int, str, dict[str, Any]]) -> tuple[str, int]:
    return event[0], event[1]


def everything_seen(installed: Installed, browser: Browser, executions: list[str]) -> bool:
    return all(
        browser.topics[f"execution:{execution_id}"] >= installed.execution(execution_id)["liveSeq"]
        for execution_id in executions
    )
