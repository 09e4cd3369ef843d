"""What a step may ask of the run it is part of.

Steps are plain functions and know no Prefect. While a node runs,
:func:`current` gives its context: connections, secrets, approvals, the log.
Outside a run (the command line, a test) :class:`LocalContext` serves, which
reads ``DATAROLL_CONNECTION_<ID>`` and ``DATAROLL_SECRET_<NAME>`` from the
environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from runtime_tasks.connections import Connection, MigrationSource
from runtime_tasks.errors import ConnectionNotFound, Refused, SecretNotFound
from runtime_tasks.secrets import Secret, SecretName

if TYPE_CHECKING:
    import logging

Outcome = Literal["approved", "rejected", "expired"]
WaitMode = Literal["pause", "suspend"]
"""Whether the process waits, or ends and is started again after the decision."""


@dataclass(frozen=True)
class ApprovalRequest:
    """What the approval step asks for; who decides is the server's business."""

    node_id: str
    approvers: tuple[str, ...]
    """User ids, e-mail addresses or ``role:NAME``."""
    required: int | Literal["any", "all"]
    timeout: float
    """Seconds until the request expires."""
    message: str = ""
    skip_if_creator: bool = False
    distinct: bool = False
    """Whoever has approved another step of the run may not approve this one."""
    plans: tuple[Mapping[str, Any], ...] = ()
    """The plans that dry runs of this run have made so far: what the approver will see."""
    mode: WaitMode = "pause"
    notify_slack: Secret | str = ""
    """An incoming webhook where the request is told too; the server reads the secret."""
    notify_emails: tuple[str, ...] = ()
    """People who hear of the request besides those who may vote."""
    reminders: bool = True
    """Whether those who have not voted are told again at half time and near the end."""


@dataclass(frozen=True)
class ApprovalDecision:
    outcome: Outcome
    by: tuple[str, ...] = ()
    comment: str = ""
    decided_at: str | None = None
    """ISO 8601, UTC."""
    plans: Mapping[str, str] = field(default_factory=dict)
    """The hash of each plan that was decided about, by connection id."""


class StepContext(Protocol):
    """One node's view of its run."""

    @property
    def execution_id(self) -> str: ...

    @property
    def node_id(self) -> str: ...

    @property
    def dry_run(self) -> bool:
        """True in a test run: reads are real, writes become dry runs, nothing is sent."""

    @property
    def resumed(self) -> bool:
        """The node was at work when its process died; how far it got is not known."""

    @property
    def log(self) -> logging.Logger: ...

    def connection(self, connection_id: str) -> Connection:
        """The connection, its password included. Raises ConnectionNotFound."""

    def connections(self) -> list[Connection]:
        """Every connection this run may use."""

    def named(self, text: str) -> str:
        """``text`` for people: with the names of the run's connections instead of their ids."""

    def record_input(self, given: Mapping[str, Any]) -> None:
        """Keep what the step was called with: the node's input, its secrets unread."""

    def secret(self, name: str) -> str:
        """The secret's value. Raises SecretNotFound."""

    def progress(self, message: str, *, done: int | None = None, total: int | None = None) -> None:
        """Say how far the work is; shown live and kept in the node's log."""

    def check_cancelled(self) -> None:
        """Raise Cancelled when somebody cancelled the run, TimedOut when the node's time is over.

        Call it between statements: a step runs in a thread, which nothing else can end.
        """

    def sleep(self, seconds: float) -> None:
        """Wait, ending early with Cancelled when the run is cancelled."""

    def approve(self, request: ApprovalRequest) -> ApprovalDecision:
        """Ask for an approval and wait for the decision."""

    def record_plan(self, connection_id: str, plan: Mapping[str, Any]) -> None:
        """Keep the plan a dry run made, so that a later approval can be bound to it."""

    def approved_plan(self, connection_id: str) -> str | None:
        """The hash of the plan that was approved for this connection in this run, if any."""

    def artifact(self, key: str, *, markdown: str) -> None:
        """Show Markdown with the run in the orchestrator's UI. ``key``: a-z, 0-9 and dashes."""


def _logger() -> logging.Logger:
    import logging  # the compiler, which loads the steps, logs nothing

    return logging.getLogger("dataroll")


@dataclass
class LocalContext:
    """A context without a server: everything comes from the environment."""

    execution_id: str = "local"
    node_id: str = "local"
    dry_run: bool = False
    resumed: bool = False
    log: logging.Logger = field(default_factory=_logger)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    plans: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def connection(self, connection_id: str) -> Connection:
        """``DATAROLL_CONNECTION_<ID>`` is the URL; ``…__MIGRATIONS``, ``…__TOOL`` and
        ``…__ENVIRONMENT`` beside it are optional."""
        name = f"DATAROLL_CONNECTION_{environment_name(connection_id)}"
        url = self.environment.get(name)
        if not url:
            raise ConnectionNotFound(
                f"no connection '{connection_id}' is known here: set {name} to its database URL"
            )
        return Connection(
            id=connection_id,
            name=connection_id,
            url=url,
            environment=self.environment.get(f"{name}__ENVIRONMENT", "development"),
            migrations=MigrationSource(path=self.environment.get(f"{name}__MIGRATIONS")),
            tool=self.environment.get(f"{name}__TOOL", "auto"),
        )

    def connections(self) -> list[Connection]:
        prefix = "DATAROLL_CONNECTION_"
        names = [name for name in self.environment if name.startswith(prefix)]
        ids = [name.removeprefix(prefix) for name in names if "__" not in name]
        return [self.connection(connection_id) for connection_id in sorted(ids)]

    def named(self, text: str) -> str:
        return text

    def record_input(self, given: Mapping[str, Any]) -> None:
        return None

    def secret(self, name: str) -> str:
        variable = f"DATAROLL_SECRET_{environment_name(name)}"
        value = self.environment.get(variable)
        if value is None:
            raise SecretNotFound(f"no secret '{name}' is known here: set {variable}")
        return value

    def progress(self, message: str, *, done: int | None = None, total: int | None = None) -> None:
        self.log.info(message if total is None else f"{message} ({done} of {total})")

    def check_cancelled(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        import time

        time.sleep(seconds)

    def approve(self, request: ApprovalRequest) -> ApprovalDecision:
        raise Refused("an approval needs a dataroll server or Prefect to ask")

    def record_plan(self, connection_id: str, plan: Mapping[str, Any]) -> None:
        self.plans[connection_id] = plan

    def approved_plan(self, connection_id: str) -> str | None:
        return None

    def artifact(self, key: str, *, markdown: str) -> None:
        return None


_context: ContextVar[StepContext] = ContextVar("dataroll_step_context")


def current() -> StepContext:
    """The context of the node that is running, or a local one outside a run."""
    context = _context.get(None)
    return LocalContext() if context is None else context


@contextmanager
def using(context: StepContext) -> Iterator[StepContext]:
    """Make ``context`` the current one for the length of the block."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


def environment_name(name: str) -> str:
    """``prod-db`` → ``PROD_DB``; ``slackWebhook`` → ``SLACKWEBHOOK``."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def reveal(text: Secret | str) -> str:
    """The text with its secrets filled in. Never log, return or raise what this gives."""
    if isinstance(text, str):
        return text
    context = current()
    return "".join(
        context.secret(part.name) if isinstance(part, SecretName) else part for part in text.parts
    )
