"""How far dataroll lags behind: from a state in the flow process to the WebSocket, and from the
request to the first node.

    .venv/bin/python -m benchmarks.mirror [--together 20] [--postgres URL]

One installation, everything real and on this machine, so the clocks are one clock. A node's time
of settling is the flow process's own; the run's end is Prefect's. Medians and p95 in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from cli.api_client import ApiClient
from cli.demo import running
from cli.inbox import Inbox
from cli.installation import Installation

NODES = 5
WORKFLOW = "\n".join(
    [
        'version: "1.0"',
        "name: Lag",
        "trigger: manual",
        "nodes:",
        "  n0: {type: trigger, label: Start}",
        *(f"  n{n}: {{type: delay, label: Wait {n}, seconds: 0.5}}" for n in range(1, NODES)),
        "edges:",
        *(f"  - {{source: n{n - 1}, target: n{n}}}" for n in range(1, NODES)),
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--together", type=int, default=20)
    parser.add_argument("--alone", type=int, default=5)
    parser.add_argument("--postgres", help="dataroll's own database, instead of SQLite")
    given = parser.parse_args()
    environment = {"DATAROLL_DATABASE_URL": given.postgres} if given.postgres else {}
    with (
        tempfile.TemporaryDirectory(prefix="dataroll-bench-") as folder,
        Inbox() as inbox,
        running(Path(folder), inbox, **environment) as installation,
    ):
        api = ApiClient(installation.settings.public_url, installation.admin_token)
        made = api.post(
            "/api/workflows",
            {"name": "Lag", "definition": {"content": WORKFLOW, "format": "yaml"}},
        )
        api.post(f"/api/workflows/{made['id']}/publish", {})
        measured(installation, api, made["id"], 1)  # the first run warms everything up
        heading()
        alone = [measured(installation, api, made["id"], 1) for _ in range(given.alone)]
        show(f"1 run, {given.alone} times", merged(alone))
        together = measured(installation, api, made["id"], given.together)
        show(f"{given.together} runs together", together)
        stop_warm_server(installation)
        cold = [measured(installation, api, made["id"], 1) for _ in range(3)]
        show("1 run, python -m prefect.engine, 3 times", merged(cold))


def heading() -> None:
    load = os.getloadavg()[0]
    print(f"\nload average {load:.1f} on {os.cpu_count()} processors; milliseconds, median / p95\n")
    print(f"{'':42}{'node → WebSocket':>20}{'end → WebSocket':>20}{'request → first node':>24}")


def show(title: str, figures: dict[str, list[float]]) -> None:
    cells = (described(figures[key]) for key in ("node", "end", "first"))
    print("{:42}{:>20}{:>20}{:>24}".format(title, *cells), flush=True)


def measured(
    installation: Installation, api: ApiClient, workflow_id: str, count: int
) -> dict[str, list[float]]:
    """Start ``count`` runs at once and listen until all are over."""
    figures: dict[str, list[float]] = {"node": [], "end": [], "first": []}
    ticket = api.post("/api/auth/live-ticket")["token"]
    url = installation.settings.public_url.replace("http", "ws", 1) + f"/api/live?ticket={ticket}"
    with connect(url, max_size=None) as socket:
        started: dict[str, datetime] = {}

        def start() -> None:
            asked = datetime.now(UTC)
            made = api.post(f"/api/workflows/{workflow_id}/execute", {})
            started[made["id"]] = asked
            topic = f"execution:{made['id']}"
            socket.send(json.dumps({"type": "subscribe", "topic": topic, "seq": 0}))

        starters = [threading.Thread(target=start) for _ in range(count)]
        for starter in starters:
            starter.start()
        over: set[str] = set()
        first: set[str] = set()
        end = time.monotonic() + 300
        while len(over) < count and time.monotonic() < end:
            message: dict[str, Any] = json.loads(socket.recv(timeout=300))
            now = datetime.now(UTC)
            if message.get("type") != "event":
                continue
            execution_id = message["topic"].partition(":")[2]
            data = message.get("data") or message.get("payload") or {}
            if data.get("nodeId") and data.get("startedAt") and execution_id not in first:
                first.add(execution_id)
                figures["first"].append(since(data["startedAt"], started[execution_id], True))
            if data.get("nodeId") and data.get("completedAt") and data["status"] == "success":
                figures["node"].append(since(data["completedAt"], now))
            if "workflowId" in data and data.get("completedAt") and execution_id not in over:
                over.add(execution_id)
                figures["end"].append(since(data["completedAt"], now))
    return figures


def since(text: str, now: datetime, back: bool = False) -> float:
    moment = datetime.fromisoformat(text)
    return (moment - now if back else now - moment).total_seconds() * 1000


def merged(measurements: Sequence[dict[str, list[float]]]) -> dict[str, list[float]]:
    return {key: [value for one in measurements for value in one[key]] for key in measurements[0]}


def described(values: Sequence[float]) -> str:
    if not values:
        return "nothing measured"
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{statistics.median(ordered):.0f} / {p95:.0f}"


def stop_warm_server(installation: Installation) -> None:
    """Without it the engine command becomes ``python -m prefect.engine`` itself."""
    home = f"DATAROLL_HOME={installation.home}\0".encode()
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
            if (
                b"server.orchestrator.warm.server" in command
                and home in (entry / "environ").read_bytes()
            ):
                os.kill(int(entry.name), signal.SIGTERM)
        except (OSError, ValueError):
            continue


if __name__ == "__main__":
    main()
