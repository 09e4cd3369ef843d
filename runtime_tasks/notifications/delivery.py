"""Sending, and what happens when it does not work: it is tried again, and then it is said.

::

    deliver("slack", lambda: post(Call("POST", url, json=payload)))     # Delivery(delivered=False, …)

A notification tells about a run; it must not change what became of it. So nothing raised while
sending fails the node, unless its author asked for that with ``mustDeliver``. What is tried
again: no connection, no answer, 408, 425, 429 (as long as ``Retry-After`` says) and 5xx. What is
not: any other answer, an address that is refused, a configuration that makes no sense.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtime_tasks.context import current
from runtime_tasks.errors import Cancelled, StepError
from runtime_tasks.notifications.exchange import Answer, Call, exchange

PAUSES = (1.0, 4.0, 10.0)
"""Seconds between the attempts."""
LONGEST_PAUSE = 60.0
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class NotDelivered(StepError):
    """The other side said no, or nothing."""

    def __init__(self, message: str, *, again: bool, pause: float = 0) -> None:
        super().__init__(message)
        self.again = again
        self.pause = pause
        """Seconds the other side asked us to wait."""


@dataclass(frozen=True)
class Delivery:
    delivered: bool
    detail: str = ""
    attempts: int = 0


def deliver(provider: str, send: Callable[[], str], *, must_deliver: bool = False) -> Delivery:
    """Call ``send`` until it works; it returns what to say about it. Raises only StepError, and
    that only when ``must_deliver``; and Cancelled when the run is cancelled meanwhile."""
    context = current()
    failure: StepError
    attempts = 0
    while True:
        attempts += 1
        try:
            return Delivery(delivered=True, detail=send(), attempts=attempts)
        except Cancelled:
            raise
        except StepError as error:
            failure = error
        except Exception as error:  # a defect here must not undo what a migration did
            failure = NotDelivered(f"a defect: {type(error).__name__}", again=False)
        pauses = PAUSES[attempts - 1 : attempts]
        if not (pauses and worth_another_try(failure)):
            break
        asked = failure.pause if isinstance(failure, NotDelivered) else 0
        if asked > LONGEST_PAUSE:
            break
        context.log.info("%s: %s; trying again", provider, failure)
        context.sleep(max(pauses[0], asked))
    if must_deliver:
        raise failure
    context.log.warning("%s: not delivered: %s", provider, failure)
    return Delivery(delivered=False, detail=str(failure), attempts=attempts)


def worth_another_try(error: StepError) -> bool:
    return error.again if isinstance(error, NotDelivered) else error.retryable


def post(call: Call) -> Answer:
    """The answer to ``call``, if it is a good one. Raises NotDelivered otherwise."""
    answer = exchange(call)
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise NotDelivered(
            f"answered {answer.status}, a redirect; those are not followed", again=False
        )
    raise NotDelivered(
        f"answered {answer.status}",
        again=answer.status in TRY_AGAIN,
        pause=_seconds(answer.headers.get("retry-after", "")),
    )


def _seconds(text: str) -> float:
    return min(float(text), 86400.0) if text.isascii() and text.isdigit() else 0
