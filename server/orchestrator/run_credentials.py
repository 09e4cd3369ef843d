"""What a run's process is given: the token of its flow run, and none of the worker's own keys."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.workers.process import ProcessJobConfiguration

from runtime_tasks.run_token import RUN_TOKEN, WORKER_TOKEN, run_token

NOT_FOR_RUNS = (
    WORKER_TOKEN,
    "DATAROLL_ADMIN_TOKEN",
    "DATAROLL_SECRET_KEY",
    "DATAROLL_APPROVAL_KEY",
    "DATAROLL_DATABASE_URL",
    "DATAROLL_OIDC_CLIENT_SECRET",
    "DATAROLL_APPROVAL_WEBHOOK_SECRET",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
)
"""`dataroll up` gives worker and server one environment; a run has no business with these."""


def take_away(environment: MutableMapping[str, str]) -> None:
    """Leave in ``environment`` only what a run may know: children inherit it."""
    for name in NOT_FOR_RUNS:
        environment.pop(name, None)


def configuration_with(worker_token: str) -> type[ProcessJobConfiguration]:
    """Prefect's configuration of a process, which then also carries the run's token."""

    class Configuration(ProcessJobConfiguration):
        def prepare_for_flow_run(self, flow_run: FlowRun, *args: Any, **named: Any) -> None:
            super().prepare_for_flow_run(flow_run, *args, **named)
            self.env[RUN_TOKEN] = run_token(worker_token, flow_run.id)

    return Configuration
