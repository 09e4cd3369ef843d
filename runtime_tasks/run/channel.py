"""The flow process's line to the dataroll server: connections, secrets, approvals, heartbeat.

Every call carries the worker's token and is scoped to one execution; the
server answers 404 for anything that this execution has no business with.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.errors import ConnectionNotFound, SecretNotFound, StepError

PATIENCE = 120.0
"""Seconds for which calls are repeated while the server does not answer."""


class ServerUnreachable(StepError):
    """The dataroll server did not answer for two minutes."""


@dataclass(frozen=True)
class ServerChannel:
    url: str
    token: str
    execution_id: str

    @classmethod
    def from_environment(cls, execution_id: str) -> ServerChannel | None:
        """None where this process was not started by a dataroll worker."""
        url, token = os.environ.get("DATAROLL_API_URL"), os.environ.get("DATAROLL_WORKER_TOKEN")
        return cls(url.rstrip("/"), token, execution_id) if url and token else None

    @classmethod
    def introduce(cls, flow_run_id: str) -> dict[str, Any] | None:
        """Who a run is in dataroll that a schedule has started; None without a server."""
        channel = cls.from_environment(f"flow-run:{flow_run_id}")
        if channel is None:
            return None
        answer = channel._request("GET", f"flow-runs/{flow_run_id}", None, PATIENCE)
        return dict(answer.json()) if answer.status_code == 200 else None

    def connection(self, connection_id: str) -> Connection:
        answer = self._call("GET", f"connections/{connection_id}")
        if answer.status_code == 404:
            raise ConnectionNotFound(f"this run knows no connection '{connection_id}'")
        return connection_from_json(_json(answer))

    def secret(self, name: str) -> str:
        answer = self._call("GET", f"secrets/{name}")
        if answer.status_code == 404:
            raise SecretNotFound(f"no value is set for the secret '{name}'")
        return str(_json(answer)["value"])

    def connections(self) -> list[Connection]:
        return [connection_from_json(item) for item in _json(self._call("GET", "connections"))]

    def request_approval(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Register the request; repeating it gives the same one."""
        return dict(_json(self._call("POST", "approvals", body)))

    def approval(self, node_id: str) -> dict[str, Any]:
        return dict(_json(self._call("GET", f"approvals/{node_id}")))

    def heartbeat(self) -> bool:
        """Say that the process lives. True when the run is to be cancelled."""
        answer = self._call(
            "POST", "heartbeat", {"process": f"{socket.gethostname()}:{os.getpid()}"}, patience=0
        )
        return answer.status_code == 200 and bool(answer.json().get("cancelRequested"))

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> httpx.Response:
        return self._request(method, f"executions/{self.execution_id}/{path}", body, patience)

    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, patience: float
    ) -> httpx.Response:
        url = f"{self.url}/api/worker/{path}"
        give_up = time.monotonic() + patience
        pause = 0.2
        while True:
            try:
                answer = httpx.request(
                    method,
                    url,
                    json=body,
                    headers={"Authorization": f"Bearer {self.token}"},
                    timeout=10,
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                return answer
            if time.monotonic() + pause > give_up:
                raise ServerUnreachable(
                    f"the dataroll server did not answer ({method} {path})"
                ) from None
            time.sleep(pause)
            pause = min(pause * 2, 5)


def connection_from_json(body: Mapping[str, Any]) -> Connection:
    migrations = body.get("migrations") or {}
    return Connection(
        id=body["id"],
        name=body["name"],
        url=body["url"],
        environment=body.get("environment", "development"),
        migrations=MigrationSource(
            path=migrations.get("path"),
            git_url=migrations.get("gitUrl"),
            ref=migrations.get("ref"),
            subfolder=migrations.get("subfolder"),
        ),
        tool=body.get("tool", "auto"),
    )


def _json(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json()
    try:
        detail = answer.json().get("detail") or answer.json().get("title")
    except ValueError:
        detail = None
    raise StepError(f"the dataroll server refused: {detail or answer.status_code}")
