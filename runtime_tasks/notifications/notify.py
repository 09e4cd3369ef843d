"""One notification from a step: compose, hold back in a dry run or when throttled, deliver."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from runtime_tasks.context import current, reveal
from runtime_tasks.notifications.delivery import Delivery, deliver
from runtime_tasks.notifications.message import Message, compose, plain
from runtime_tasks.notifications.throttle import alert_key, once_per
from runtime_tasks.secrets import Secret


def notify(
    provider: str,
    send: Callable[[Message], str],
    *,
    target: Secret | str,
    message: Any,
    template: str = "",
    details: Any = None,
    throttle: float = 0,
    also: Any = None,
    must_deliver: bool = False,
) -> Delivery:
    """Tell ``target``. ``send`` may be called several times; it returns what came back.

    ``also`` is what makes two alerts different besides their target, words and facts.
    """
    context = current()

    def attempt() -> str:
        composed = compose(
            template,
            message,
            details=details,
            link=run_link(),
            execution=context.execution_id,
            node=context.node_id,
        ).mapped(context.named)
        if context.dry_run:
            context.log.info("%s, not sent in a test run: %s", provider, composed.summary)
            return "not sent: this is a test run"
        return send(composed)

    if throttle <= 0 or context.dry_run:
        return deliver(provider, attempt, must_deliver=must_deliver)

    def throttled() -> str:
        composed = compose(template, message, details=details)
        said = (composed.summary, repr(composed.facts), repr(plain(also)))
        key = alert_key(provider, reveal(target), *said)
        with once_per(key, throttle) as first:
            return attempt() if first else "not sent again: the same alert went out before"

    return deliver(provider, throttled, must_deliver=must_deliver)


def run_link() -> str | None:
    """The run in dataroll's pages, when ``DATAROLL_PUBLIC_URL`` says where they are."""
    public = os.environ.get("DATAROLL_PUBLIC_URL", "").rstrip("/")
    return f"{public}/executions/{current().execution_id}" if public else None
