"""Waiting."""

from __future__ import annotations

from runtime_tasks.context import current
from runtime_tasks.output import Output
from runtime_tasks.steps.catalogue import Seconds, step


class DelayOutput(Output):
    seconds: float


@step("delay", label="Delay")
def wait(*, seconds: Seconds = 0, minutes: float = 0, hours: float = 0) -> DelayOutput:
    """Wait before going on: seconds, minutes and hours add up.

    ``minutes``: are added to the seconds.
    ``hours``: are added to both.
    """
    total = seconds + 60 * minutes + 3600 * hours
    context = current()
    if not context.dry_run:
        context.sleep(total)
    return DelayOutput(seconds=total)


@step("action", "delay", label="Delay")
def delay(*, seconds: Seconds = 0, minutes: float = 0, hours: float = 0) -> DelayOutput:
    """Wait before going on: seconds, minutes and hours add up.

    ``minutes``: are added to the seconds.
    ``hours``: are added to both.
    """
    return wait(seconds=seconds, minutes=minutes, hours=hours)
