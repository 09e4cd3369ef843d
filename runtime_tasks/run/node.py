"""One node while it runs: its context, and what stands around each attempt.

The body of a generated task is left alone; this module wraps it, so that
every attempt finds its context, non-retryable errors are not retried, and
nothing that leaves the node holds a secret.
"""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prefect import Task, get_run_logger
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed

from runtime_tasks.connections import Connection
from runtime_tasks.context import ApprovalDecision, ApprovalRequest, LocalContext, using
from runtime_tasks.errors import Cancelled, StepError, TimedOut
from runtime_tasks.output import Output
from runtime_tasks.redaction import Redactor
from runtime_tasks.run.rules import NodeRecord
from runtime_tasks.run.tables import table_of

if TYPE_CHECKING:
    from runtime_tasks.run import WorkflowRun


LONG = 12
"""Letters of a password that is no word."""
SUSPENDED = "Suspended"
"""The name of the task run's state when the process leaves an approval to a later one."""


class LeftOpen(Exception):
    """This process ends while the approval is open; a later one asks again."""


class NodeResult:
    """A settled node as later nodes see it: ``.output``, ``.status``, ``.error``.

    A plain class: Prefect walks dataclasses and models in task arguments.
    """

    __slots__ = ("error", "output", "status")

    def __init__(self, record: NodeRecord | None) -> None:
        self.output = record.output if record else None
        self.status = record.status if record else "skipped"
        self.error = record.error if record else None


class NodeFailed(StepError):
    """What a failed node raises when the original error may not leave it."""


@dataclass
class NodeContext:
    """The :class:`~runtime_tasks.context.StepContext` of a node on Prefect."""

    run: WorkflowRun
    record: NodeRecord
    resumed: bool = False
    """The node had started before this process did, and it is not known how far it got."""
    deadline: float | None = None
    """When this attempt has to be over, on the monotonic clock."""
    revealed: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    """Those of them that are secrets of the workflow, and no passwords of connections."""
    _redactor: tuple[int, Redactor] | None = None
    """For how many secrets it was made, and it."""
    local: LocalContext = field(default_factory=LocalContext)

    @property
    def execution_id(self) -> str:
        return self.run.execution_id

    @property
    def node_id(self) -> str:
        return self.record.node_id

    @property
    def dry_run(self) -> bool:
        return self.run.dry_run

    @property
    def log(self) -> logging.Logger:
        return Discreet(get_run_logger(), self.scrub)  # type: ignore[return-value]

    def connection(self, connection_id: str) -> Connection:
        channel = self.run.channel
        source = channel if channel else self.local
        connection = source.connection(connection_id)
        self.revealed.update(passwords_of(connection.url))
        return connection

    def connections(self) -> list[Connection]:
        channel = self.run.channel
        found = channel.connections() if channel else self.local.connections()
        for connection in found:
            self.revealed.update(passwords_of(connection.url))
        return found

    def named(self, text: str) -> str:
        for connection_id, name in (self.run.execution.get("connections") or {}).items():
            text = text.replace(connection_id, name)
        return text

    def secret(self, name: str) -> str:
        channel = self.run.channel
        value = channel.secret(name) if channel else self.local.secret(name)
        if value:
            self.revealed.add(value)
            self.secrets.add(value)
        return value

    def progress(self, message: str, *, done: int | None = None, total: int | None = None) -> None:
        message = self.scrub(message)
        self.log.info(message if total is None else f"{message} ({done} of {total})")

    def record_input(self, given: Mapping[str, Any]) -> None:
        self.record.input = {name: given[name] for name in given}

    def check_cancelled(self) -> None:
        if self.run.cancel_requested:
            raise Cancelled("the run was cancelled")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise TimedOut(f"{self.node_id} took longer than its timeout allows")

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check_cancelled()
            time.sleep(min(left, 0.5))

    def approve(self, request: ApprovalRequest) -> ApprovalDecision:
        return self.run.approvals.ask(request, again=self.resumed)

    def record_plan(self, connection_id: str, plan: Mapping[str, Any]) -> None:
        self.run.plans.setdefault(self.node_id, {})[connection_id] = plan
        self.run.approvals.plan_made(connection_id, str(plan.get("planHash", "")))

    def approved_plan(self, connection_id: str) -> str | None:
        return self.run.approvals.approved_plan(self.node_id, connection_id)

    def artifact(self, key: str, *, markdown: str) -> None:
        """A node does not fail because Prefect could not show something."""
        from prefect.artifacts import create_markdown_artifact

        try:
            create_markdown_artifact(key=key, markdown=self.scrub(markdown))
        except Exception as error:
            self.log.warning("%s could not be shown in Prefect: %s", key, error)

    def scrub(self, text: str) -> str:
        """The text without any secret that this node has seen, however it is encoded."""
        return self.redactor.text(text)

    @property
    def redactor(self) -> Redactor:
        if self._redactor is None or self._redactor[0] != len(self.revealed):
            self._redactor = (len(self.revealed), Redactor(self.revealed))
        return self._redactor[1]


def passwords_of(url: str) -> set[str]:
    """The password in a database URL, as written and decoded."""
    from urllib.parse import unquote

    before_host, at, _ = url.partition("://")[2].rpartition("@")
    _, colon, password = before_host.partition(":")
    return {password, unquote(password)} if at and colon and password else set()


def attempt(node: Task[..., Any], context: NodeContext) -> Task[..., Any]:
    """The node's task with its body wrapped: context, attempts counted, errors scrubbed."""
    inner: Callable[..., Any] = node.fn

    @functools.wraps(inner)
    def body(*args: Any, **kwargs: Any) -> Any:
        context.record.retry_count += 1
        if node.timeout_seconds is not None:
            context.deadline = time.monotonic() + node.timeout_seconds
        with using(context):
            try:
                output = without_secrets(context, inner(*args, **kwargs))
                if table := table_of(output):
                    key, markdown = table
                    context.artifact(key, markdown=markdown)
                return output
            except LeftOpen:
                return Completed(name=SUSPENDED, message="the run waits without a process")
            except StepError as error:
                note(context, error)
                if leaks(context, error):
                    raise clean(context, error) from None
                raise
            except Exception as error:
                note(context, error)
                if leaks(context, error):
                    raise clean(context, error) from None
                raise

    task = node.with_options(retry_condition_fn=worth_retrying)
    task.fn = body
    return task


class Discreet(logging.LoggerAdapter[Any]):
    """A logger that writes nothing down before it has been scrubbed."""

    def __init__(self, logger: Any, scrub: Callable[[str], str]) -> None:
        super().__init__(logger)
        self._scrub = scrub

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        if not self.isEnabledFor(level):
            return
        text = str(msg) % args if args else str(msg)
        if kwargs.pop("exc_info", None):
            text += "\n" + traceback.format_exc()
        self.logger.log(level, "%s", self._scrub(text), **kwargs)


def without_secrets(context: NodeContext, output: Any) -> Any:
    """A step's output goes to the journal, and from there to whoever reads the run: what was sent
    in confidence and has come back is taken out.

    Later nodes go on with what is left. A password that is a word, such as ``postgres``, would take
    parts out of other words, so here only long ones count.
    """
    redactor = Redactor(
        value for value in context.revealed if value in context.secrets or len(value) >= LONG
    )
    if isinstance(output, Output):
        before = output.as_json()
        after = redactor.json(before)
        return output if after == before else type(output).of_json(after)
    return redactor.json(output) if isinstance(output, str | dict | list) else output


def note(context: NodeContext, error: Exception) -> None:
    """Keep the error in the node's record: its class, message and details, scrubbed."""
    details = error.details if isinstance(error, StepError) else {}
    context.record.error = {
        "type": type(error).__name__,
        "message": context.scrub(str(error)) or type(error).__name__,
        "details": context.redactor.json(dict(details)),
    }


def leaks(context: NodeContext, error: Exception) -> bool:
    text = "".join(traceback.format_exception(error))
    return context.scrub(text) != text


def clean(context: NodeContext, error: Exception) -> NodeFailed:
    failed = NodeFailed(f"{type(error).__name__}: {context.scrub(str(error))}")
    failed.retryable = getattr(error, "retryable", True)
    return failed


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Prefect asks after each failure: errors that will not change are not tried again."""
    error = state.result(raise_on_failure=False)
    return not (isinstance(error, StepError) and not error.retryable)
