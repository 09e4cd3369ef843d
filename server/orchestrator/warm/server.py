"""Forks engine processes on request. One per worker, single-threaded, everything imported."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runtime_tasks.lifeline import follow

PATIENCE = 600.0
"""Seconds for which a new process waits for Prefect."""
WARM = (
    "prefect",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.task_runners",
    "prefect.client.orchestration",
    "prefect.events.clients",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "runtime_tasks.run",
    "runtime_tasks.steps",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlparse",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
)


def serve(path: Path) -> None:
    """Listen on a Unix socket until SIGTERM, or until the worker that started us is gone."""
    for module in WARM:
        importlib.import_module(module)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old_mask = os.umask(0o177)
    listener.bind(str(path))
    os.umask(old_mask)
    listener.listen(64)
    parent = os.getppid()
    running: dict[int, socket.socket] = {}
    while os.getppid() == parent:
        ready, _, _ = select.select([listener], [], [], 0.05 if running else 1.0)
        if ready:
            connection, _ = listener.accept()
            try:
                request, descriptors = receive(connection)
            except (OSError, ValueError):
                connection.close()
                continue
            pid = os.fork()
            if pid == 0:
                listener.close()
                for other in running.values():
                    other.close()
                become_engine(request, descriptors, connection)
            for descriptor in descriptors:
                os.close(descriptor)
            running[pid] = connection
            say(connection, pid)
        reap(running)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    connection.settimeout(10)
    size, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
    left = int.from_bytes(size, "big")
    chunks = []
    while left:
        chunk = connection.recv(min(left, 65536))
        if not chunk:
            raise ValueError("the request broke off")
        chunks.append(chunk)
        left -= len(chunk)
    connection.settimeout(None)
    return json.loads(b"".join(chunks)), descriptors


def become_engine(
    request: dict[str, Any], descriptors: list[int], connection: socket.socket
) -> None:
    """In the fork: take on the client's surroundings and run Prefect's engine."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["prefect.engine"]
    watcher = threading.Thread(target=die_with, args=(connection,), daemon=True)
    watcher.start()
    follow()
    from prefect.context import refresh_global_settings_context

    # Prefect read its settings when it was imported, before this run's environment.
    refresh_global_settings_context()
    wait_for_prefect()
    runpy.run_module("prefect.engine", run_name="__main__")
    sys.exit(0)


def wait_for_prefect() -> None:
    """A run that is handed over while Prefect is being restarted waits for it, and does not die."""
    url = urlsplit(os.environ.get("PREFECT_API_URL", ""))
    if not url.hostname:
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            socket.create_connection((url.hostname, port), timeout=5).close()
        except OSError:
            time.sleep(1)
        else:
            return


def die_with(connection: socket.socket) -> None:
    """The client was killed: so are we. It never sends anything."""
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def reap(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            connection = running.pop(pid)
            say(connection, os.waitstatus_to_exitcode(status))
            connection.close()


def say(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(f"{number}\n".encode())
    except OSError:
        return


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
