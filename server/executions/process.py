"""Which process runs a flow: ``attempt@nonce.host:pid``; the first of the latest attempt counts.

A process that falls silent is taken for dead and the run is started again. If
it was only slow (a machine that slept, a network that broke), two processes
would run one flow; the number tells them apart, and the earlier one is sent home.
So is a second one of the same attempt: somebody in Prefect has started it.
"""

from __future__ import annotations

from server.models import WorkflowExecution


def attempt_of(execution: WorkflowExecution) -> int:
    """The latest attempt that is known; 0 before the first process has spoken."""
    number, at, _ = (execution.process or "").partition("@")
    return int(number) if at and number.isdecimal() else 0


def may_run(execution: WorkflowExecution, process: str, attempt: int) -> bool:
    """Whether this process of that attempt is the one to run the flow, and not one more."""
    if attempt != attempt_of(execution):
        return False
    known = execution.process
    return known in (None, process) or known == starting(attempt)


def starting(attempt: int) -> str:
    """What stands in ``process`` until the attempt's process has spoken."""
    return f"{attempt}@starting"


def next_attempt(execution: WorkflowExecution) -> int:
    """To be written into ``process`` before the run is started again: the old one is late then."""
    return attempt_of(execution) + 1
