"""What steps raise.

::

    StepError                the node failed; the message is for the person who drew it
    ├── StepConfigError      its configuration makes no sense (never retried)
    ├── ExpressionFailed     an expression met a value it cannot work with (never retried)
    ├── ConnectionNotFound   no connection of that id is known here
    ├── SecretNotFound       no secret of that name is known here
    ├── Refused              safety said no: a changed plan, a lock held by somebody, a policy
    ├── OutcomeUnknown       it is not known whether the work was done (never retried)
    ├── TimedOut             it took longer than the node's timeout; says how far it got
    └── Cancelled            the run was cancelled; says what was done and what was not

Messages never hold a secret: whatever comes from a driver or an HTTP client
is scrubbed before it is raised, and raised ``from None``.
"""

from __future__ import annotations

from typing import Any


class StepError(Exception):
    """The node failed. ``details`` is JSON that lands in the node's error beside the message."""

    retryable = True

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class StepConfigError(StepError):
    retryable = False


class ExpressionFailed(StepError):
    retryable = False


class ConnectionNotFound(StepError):
    retryable = False


class SecretNotFound(StepError):
    retryable = False


class Refused(StepError):
    retryable = False


class OutcomeUnknown(StepError):
    retryable = False


class TimedOut(StepError):
    pass


class Cancelled(StepError):
    retryable = False
