"""The flow process's line to the dataroll server: connections, secrets, approvals, heartbeat.

Every call carries the token of this flow run, which opens one execution; the
server answers 404 for anything that this execution has no business with.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import httpx

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.errors import ConnectionNotFound, SecretNotFound, StepError
from runtime_tasks.run_token import own_run_token

PATIENCE = 120.0
"""Seconds for which calls are repeated while the server does not answer."""
LONG_PATIENCE = 1800.0


class ServerUnreachable(StepError):
    """The dataroll server did not answer for two minutes."""


@dataclass(frozen=True)
class ServerChannel:
    url: str
    token: str = field(repr=False)
    execution_id: str
    attempt: int = 0
    """How often the run had been started again. The server listens to the latest attempt only."""
    nonce: str = field(default_factory=lambda: secrets.token_hex(4))
    """Tells two processes of one attempt apart: the server lets the first one run the flow."""

    @classmethod
    def from_environment(
        cls, execution_id: str, flow_run_id: object, *, attempt: int = 0
    ) -> ServerChannel | None:
        """None where this process was not started by a dataroll worker."""
        url, token = os.environ.get("DATAROLL_API_URL"), own_run_token(flow_run_id)
        return cls(url.rstrip("/"), token, execution_id, attempt) if url and token else None

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.url}/api/worker/",
            headers={
                "Authorization": f"Bearer {self.token}",
                "X-Dataroll-Attempt": str(self.attempt),
            },
            timeout=10,
            # Reading the certificates takes longer than all calls of a short run.
            verify=self.url.startswith("https:"),
        )

    @property
    def process(self) -> str:
        return f"{self.attempt}@{self.nonce}.{socket.gethostname()}:{os.getpid()}"

    def begin(self, flow_run_id: str) -> dict[str, Any] | None:
        """Who this run is: ``{executionId, parameters, stop, begun, calledBack}``; None where the
        server knows nothing of this flow. What Prefect hands the process counts for nothing then:
        whoever reaches Prefect can write it. Repeating it gives the same."""
        body = {"flowRunId": flow_run_id, "process": self.process}
        answer = self._request("POST", "adopt", body, patience=LONG_PATIENCE)
        return None if answer.status_code == 404 else dict(_json(answer))

    def suspend(self, node_ids: list[str]) -> bool:
        """Say that this process ends until one of these approvals is decided. False when one is."""
        body = {"process": self.process, "nodeIds": node_ids}
        return bool(_json(self._call("POST", "suspend", body))["suspended"])

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
        return dict(_json(self._call("POST", "approvals", body, patience=LONG_PATIENCE)))

    def approval(self, node_id: str) -> dict[str, Any]:
        """How it was decided. A consent is not lost because the server is being moved."""
        return dict(_json(self._call("GET", f"approvals/{node_id}", patience=LONG_PATIENCE)))

    def heartbeat(self) -> bool:
        """Say that the process lives. True when the run is to be cancelled, or is over already."""
        answer = self._call("POST", "heartbeat", {"process": self.process}, patience=0)
        if answer.status_code == 404:
            # The server holds this run for ended: going on would change things behind its back.
            return True
        return answer.status_code == 200 and bool(answer.json().get("cancelRequested"))

    def news(self, flow_run_id: str) -> None:
        """Say that there is something new in the run's journal: a hint, and not repeated."""
        self._request("POST", "news", {"flowRunId": flow_run_id}, patience=0)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> httpx.Response:
        return self._request(
            method, f"executions/{self.execution_id}/{path}", body, patience=patience
        )

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        patience: float = PATIENCE,
    ) -> httpx.Response:
        give_up = time.monotonic() + patience
        pause = 0.2
        while True:
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 409 and is_superseded(answer):
                make_way()
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                return answer
            if time.monotonic() + pause > give_up:
                raise ServerUnreachable(
                    f"the dataroll server did not answer ({method} {path})"
                ) from None
            time.sleep(pause)
            pause = min(pause * 2, 5)


def is_superseded(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json().get("type") == "urn:dataroll:superseded")
    except ValueError:
        return False


def make_way() -> NoReturn:
    """This process was taken for dead, and another one runs the flow now: end, at once.

    Nothing may be tidied up: every word to Prefect would be about the other one's
    run. Exit code 0, because the worker reports any other as a crash of the run.
    """
    print("another process runs this flow now; ending", file=sys.stderr, flush=True)
    os._exit(0)


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
