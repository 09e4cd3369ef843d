"""Which process runs a flow: ``attempt@host:pid``, and the latest attempt is the one that counts.

A process that falls silent is taken for dead and the run is started again. If
it was only slow (a machine that slept, a network that broke), two processes
would run one flow; the number tells them apart, and the earlier one is sent home.
"""

from __future__ import annotations

from server.models import WorkflowExecution


def attempt_of(execution: WorkflowExecution) -> int:
    """The latest attempt that is known; 0 before the first process has spoken."""
    number, at, _ = (execution.process or "").partition("@")
    return int(number) if at and number.isdecimal() else 0


def next_attempt(execution: WorkflowExecution) -> int:
    """To be written into ``process`` before the run is started again: the old one is late then."""
    return attempt_of(execution) + 1
