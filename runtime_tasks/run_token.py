"""The credential of one flow run: good for what that run's process asks, and for nothing else.

It is made from the worker's token and the flow run's id, so the worker needs nobody to make one,
and the server nothing to keep to know one again::

    token = run_token(worker_token, flow_run_id)       # "run.<id>.<hex>"
    flow_run_of(token, worker_token)                   # the id, or None where it is none of ours

A process that holds one cannot find out the worker's token, nor another run's.
"""

from __future__ import annotations

import hmac
import os

RUN_TOKEN = "DATAROLL_RUN_TOKEN"  # noqa: S105 - names of variables
WORKER_TOKEN = "DATAROLL_WORKER_TOKEN"  # noqa: S105
KIND = "run"


def run_token(worker_token: str, flow_run_id: object) -> str:
    made = hmac.digest(worker_token.encode(), f"dataroll run {flow_run_id}".encode(), "sha256")
    return f"{KIND}.{flow_run_id}.{made.hex()}"


def flow_run_of(token: str, worker_token: str) -> str | None:
    """The flow run that the token was made for."""
    kind, _, rest = token.partition(".")
    flow_run_id, _, _ = rest.rpartition(".")
    if kind != KIND or not flow_run_id:
        return None
    expected = run_token(worker_token, flow_run_id)
    return flow_run_id if hmac.compare_digest(token.encode(), expected.encode()) else None


def own_run_token(flow_run_id: object) -> str | None:
    """This process's token, if it was given one for this run. One that still has the worker's
    token, because somebody started the flow by hand beside a server, makes it here."""
    given = os.environ.get(RUN_TOKEN, "")
    if given.startswith(f"{KIND}.{flow_run_id}."):
        return given
    worker_token = os.environ.get(WORKER_TOKEN)
    return run_token(worker_token, flow_run_id) if worker_token else None
