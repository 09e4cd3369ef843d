"""The warm process: what a fork does before it becomes Prefect's engine."""

from __future__ import annotations

import socket
import threading

import pytest

from cli.demo import free_ports
from server.orchestrator.warm.server import wait_for_prefect


def test_a_new_process_waits_until_prefect_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    waiting = threading.Thread(target=wait_for_prefect, daemon=True)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    with socket.create_server(("127.0.0.1", port)):
        waiting.join(30)
        assert not waiting.is_alive()


def test_without_an_address_there_is_nobody_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    wait_for_prefect()
