"""Triggers start a run. Their configuration is read at publish; at run time they hand on
what the run was started with.

Several triggers may start one workflow: each is a node, and each run begins at all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from runtime_tasks.errors import Cancelled
from runtime_tasks.javascript.logic import truthy
from runtime_tasks.output import Output
from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import Cron, Timezone, step
from runtime_tasks.steps.cron import check_cron, check_timezone
from runtime_tasks.steps.marks import Checked, widget

EVENTS = (
    "migration.executed",
    "migration.failed",
    "migration.rolled_back",
    "connection.tested",
    "deployment",
    "execution.finished",
    "execution.failed",
)
"""What can happen in dataroll that an event trigger may wait for; docs/triggers.md says with
which payload. A name that ends in ``.*`` stands for all of its kind."""


Filter = Annotated[Any, widget("expression", lambda_of="trigger")]
"""An expression over what comes with the trigger: ``trigger.body``, of a webhook ``trigger.headers``."""


def check_event(name: str) -> str:
    """``name`` if something in dataroll is called that. Raises ValueError."""
    kinds = {event.partition(".")[0] + ".*" for event in EVENTS if "." in event}
    if name not in EVENTS and name not in kinds:
        raise ValueError(f"there is no such event; there are {', '.join(EVENTS)}")
    return name


def check_header(name: str) -> str:
    """``name`` if a header can be called that, or nothing. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9-]{0,100}", name):
        raise ValueError("a header is called like X-Webhook-Secret")
    return name


class TriggerOutput(Output):
    body: Any = None
    """What came with the trigger: the webhook's JSON body, the event's payload, or null."""


@step("trigger", "manual", label="Manual", starts=True, can_fail=False)
def manual_trigger(*, description: str = "") -> TriggerOutput:
    """Somebody starts the workflow by hand.

    ``description``: for people who read the workflow.
    """
    return TriggerOutput()


@step("trigger", "scheduled", label="Scheduled", starts=True, can_fail=False)
def scheduled_trigger(
    *,
    cron: Annotated[Cron, Checked(check_cron)] = "",
    timezone: Annotated[Timezone, Checked(check_timezone)] = "UTC",
    catch_up: Literal["skip", "latest"] = "skip",
    description: str = "",
) -> TriggerOutput:
    """The workflow starts by the clock: a five-field cron expression in a timezone.

    ``cron``: minute, hour, day of month, month, day of week, such as ``0 2 * * *``.
    ``timezone``: an IANA name, such as Europe/Paris.
    ``catchUp``: what becomes of times that passed while nothing was there to start the run (the
    worker stood still, the trigger was paused): skip lets them pass, latest starts one run for
    the last of them.
    ``description``: for people who read the workflow.
    """
    return TriggerOutput()


@step("trigger", "webhook", label="Webhook", starts=True, can_fail=False)
def webhook_trigger(
    *,
    path: str = "",
    secret: SecretText = "",
    scheme: Literal["standard", "github", "gitlab", "shared-secret"] = "standard",
    header: str = "",
    filter: Filter = None,  # noqa: A002 - the key of the definition
    received: Annotated[Any, widget("hidden")] = None,
    description: str = "",
) -> TriggerOutput:
    """An HTTP call with a valid signature starts the workflow.

    ``path``: a name for people; the address holds a key that only dataroll knows.
    ``secret``: what the sender signs with; without it one is made with the key.
    ``scheme``: how the sender signs.
    ``header``: where a shared secret comes, when its sender cannot choose ours.
    ``filter``: an expression over ``trigger.body`` and ``trigger.headers``; what does not pass
    starts nothing.
    ``description``: for people who read the workflow.
    """
    return passed(filter, received)


@step("trigger", "event", label="Event", starts=True, can_fail=False)
def event_trigger(
    *,
    event: Annotated[str, widget("event", examples=list(EVENTS))] = "",
    filter: Filter = None,  # noqa: A002 - the key of the definition
    received: Annotated[Any, widget("hidden")] = None,
    description: str = "",
) -> TriggerOutput:
    """Something that happened in dataroll starts the workflow.

    ``event``: what has to happen.
    ``filter``: an expression over ``trigger.body``, the event's payload; what does not pass starts
    nothing.
    ``description``: for people who read the workflow.
    """
    return passed(filter, received)


def passed(condition: Callable[[Any], Any] | None, received: Any) -> TriggerOutput:
    """The payload of what was ``received``, if it passes the trigger's filter.

    The server has asked the filter before it started the run; an automation of
    Prefect's cannot, and whoever starts a run by hand brings no payload.
    """
    received = {"body": None, "headers": {}, **(received or {})}
    body = received["body"]
    if body is not None and condition is not None and not truthy(condition(received)):
        raise Cancelled("what started this run does not pass the trigger's filter")
    return TriggerOutput(body=body)
