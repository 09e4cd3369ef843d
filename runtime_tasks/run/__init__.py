"""A run of a workflow on Prefect. The one package here that knows Prefect.

A generated flow reads::

    run = WorkflowRun(inputs=locals(), digest="sha256:…", version=3)
    async for _ in run:
        run(trigger_1)
        if run.ready(discover_1, succeeded(trigger_1)):
            run(discover_1)
    return await run.finish()

The loop's body is asked once without effect, to learn the edges, then at the
start, and again each time a node settles. ``ready`` answers by the rules in
:mod:`.rules`; ``run`` starts a node in a thread of its own and returns at once.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from prefect import Task, get_client, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, SyncClientContext
from prefect.futures import PrefectConcurrentFuture, PrefectFuture
from prefect.states import Cancelled as CancelledState
from prefect.states import Completed, Failed

from runtime_tasks.errors import Cancelled, OutcomeUnknown
from runtime_tasks.lifeline import follow, go_on_unheard
from runtime_tasks.run import journal, report
from runtime_tasks.run.approvals import Approvals
from runtime_tasks.run.channel import ServerChannel
from runtime_tasks.run.inputs import called_with, with_attributes
from runtime_tasks.run.node import SUSPENDED, NodeContext, NodeResult, attempt
from runtime_tasks.run.outcome import outcome_of, rejection
from runtime_tasks.run.patience import PATIENCE, PAUSE, is_absence, patiently
from runtime_tasks.run.presence import Presence
from runtime_tasks.run.rules import ANY_FAILED, Edge, NodeRecord, Rules
from runtime_tasks.steps.migrations import DryRunOutput

__all__ = ["WorkflowRun", "any_failed", "failed", "succeeded", "took"]

Node = Task[..., Any]


def succeeded(node: Node) -> Edge:
    """The unlabelled edge out of ``node``."""
    return Edge(node_id(node), "success")


def failed(node: Node) -> Edge:
    """The Failed edge out of ``node``."""
    return Edge(node_id(node), "failure")


def took(node: Node, branch: str) -> Edge:
    """The edge out of ``node`` with that label."""
    return Edge(node_id(node), branch)


def any_failed() -> Edge:
    """What leads into an error handler: some node failed without a Failed edge of its own."""
    return ANY_FAILED


class WorkflowRun:
    """One run. ``inputs`` are the flow's parameters by name."""

    def __init__(self, *, inputs: Mapping[str, Any], digest: str, version: int) -> None:
        flow_context = FlowRunContext.get()
        if flow_context is None or flow_context.flow_run is None or flow_context.flow is None:
            raise RuntimeError("a WorkflowRun lives inside a Prefect flow run")
        self.flow_run_id: UUID = flow_context.flow_run.id
        self._flow = flow_context.flow.fn
        self.take(inputs)
        self.digest = digest
        self.version = version
        self.rules = Rules()
        self.plans: dict[str, dict[str, Mapping[str, Any]]] = {}
        """The plans that dry runs have made, by node and connection id."""
        self.approvals = Approvals(self)
        channel = ServerChannel.from_environment(
            self.execution_id,
            self.flow_run_id,
            attempt=attempt_of(flow_context.flow_run.tags),
        )
        self.presence = Presence(self, channel)
        self.cancel_requested = False
        self.stopped: str | None = None
        """Why nothing new starts any more: a rejection, a cancellation."""
        self.loop = asyncio.get_running_loop()
        self._listening = True
        self._started_before: dict[str, dict[str, Any]] = {}
        self._results: dict[str, NodeResult] = {}
        self._names: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._writing: set[asyncio.Task[None]] = set()
        self._writer, self._painter = asyncio.Lock(), asyncio.Lock()
        self._idle = False
        self._beside: list[asyncio.Task[None]] = []
        """What goes on until the process ends: the final state, too, may have to wait for Prefect."""

    # What the flow's body asks and says.

    def ready(self, node: Node, *edges: Edge) -> bool:
        """Whether ``node`` may start now, given the edges that lead into it."""
        target = node_id(node)
        if self._listening:
            self.rules.edges[target] = edges
            return False
        if target in self.rules.records:
            return False
        if self.stopped:
            self._skip(node, self.stopped)
            return False
        match self.rules.decide(target):
            case "start":
                return True
            case "skip":
                self._skip(node, self.rules.why_not(target))
            case "break":
                self._skip(node, self.rules.why_not(target), broken=True)
        return False

    def __call__(
        self,
        node: Node,
        *,
        may_fail: bool = False,
        continue_on_error: bool = False,
        disabled: bool = False,
    ) -> None:
        """Start ``node``, once. ``may_fail`` tells the reader that it has a Failed edge."""
        target = node_id(node)
        if self._listening or target in self.rules.records:
            return
        if self.stopped:
            self._skip(node, self.stopped)
            return
        if disabled:
            self._skip(node, "it is disabled", disabled=True)
            return
        earlier = self._started_before.get(target)
        record = new_record(node, "running")
        record.continue_on_error = continue_on_error
        if earlier is not None and replayable(record, earlier):
            self._replay(node, journal.from_json(earlier, like=record))
            return
        record.started_at = datetime.now(UTC)
        self.rules.records[target] = record
        context = NodeContext(self, record, resumed=earlier is not None)
        self._in_flight.add(self.loop.create_task(self._run_node(node, context)))

    async def __aiter__(self) -> AsyncIterator[int]:
        follow()
        go_on_unheard()
        # One client for every node's thread: making one takes longer than most of what it is for.
        with SyncClientContext.get_or_create():
            async for turn in self._turns():
                yield turn

    async def _turns(self) -> AsyncIterator[int]:
        async with get_client() as client:
            self._client = client
            begun = await self.presence.begin()
            self._beside = [
                self.loop.create_task(work) for work in (self.presence.beat(), self.presence.tell())
            ]
            yield 0
            self._listening = False
            self._started_before = await journal.read(client, self.flow_run_id, self.presence.seal)
            for node in begun:  # its entry was taken away: it may have done anything
                self._started_before.setdefault(node, {"status": "running"})
            rounds = 1
            while True:
                self._changed.clear()
                before = len(self.rules.records)
                yield rounds
                rounds += 1
                self._stop_if_rejected()
                if len(self.rules.records) != before or self._changed.is_set():
                    continue
                if self._in_flight:
                    self._idle = True
                    await self._changed.wait()
                    self._idle = False
                    await self.presence.leave_if_asked()
                elif self.rules.ending:
                    break
                else:
                    self.rules.ending = True
            # What could not be written is in the log; it does not change what the run did.
            await self.written()

    async def finish(self) -> State[Any]:
        """The run's final state. ``success`` only if no node failed."""
        records = list(self.rules.records.values())
        status, reason = outcome_of(records, self.cancel_requested, self.stopped)
        await journal.write_outcome(self.flow_run_id, status, reason, self.presence.seal)
        await report.leave(status, reason, records, self.execution_id)
        # Prefect takes the final state next, and would give up sooner than we.
        await patiently(answer)
        data = {"status": status, "reason": reason}
        if status == "failed":
            return Failed(message=reason, data=data)
        if status == "cancelled":
            return CancelledState(message=reason, data=data)
        return Completed(message=reason, data=data)

    # What its presence asks and says.

    @property
    def channel(self) -> ServerChannel | None:
        """The line to the dataroll server; None where there is none, or it knows nothing of us."""
        return self.presence.channel

    def take(self, inputs: Mapping[str, Any]) -> None:
        """These are the run's parameters."""
        self.inputs = called_with(self._flow, inputs)
        self.execution: dict[str, Any] = dict(self.inputs.get("execution") or {})
        self.execution_id = str(self.execution.get("id") or f"flow-run:{self.flow_run_id}")
        self.execution.setdefault("id", self.execution_id)
        self.execution.setdefault("startedAt", datetime.now(UTC).isoformat())
        self.dry_run = bool(self.execution.get("dryRun"))

    def cancel(self) -> None:
        self.cancel_requested = True
        self.wake()

    def wake(self) -> None:
        """Have the body asked again."""
        self._changed.set()

    def waits_for_nothing_but(self, approvals: Sequence[str]) -> bool:
        return self._idle and len(self._in_flight) == len(approvals)

    async def written(self) -> None:
        """Everything that has settled is in the journal. What could not be written is in the
        log; it does not change what the run did."""
        while self._writing:
            await asyncio.wait(self._writing)

    async def let_go(self) -> None:
        """End the nodes that wait for an approval: a later process asks again."""
        self.approvals.let_go()
        await asyncio.gather(*self._in_flight)

    # How nodes settle.

    async def _run_node(self, node: Node, context: NodeContext) -> None:
        record = context.record
        this = asyncio.current_task()
        try:
            if not context.resumed:  # its mark is there already
                self._write(record)
            state = await self._outcome_of(node, context)
            if state.name == SUSPENDED:
                return  # another process will ask again
            await self._record_state(record, state)
        except Exception as error:
            record.status = "failed"
            record.error = {"type": type(error).__name__, "message": str(error), "details": {}}
        finally:
            if this is not None:
                self._in_flight.discard(this)
        self._settle(node, record)

    async def _outcome_of(self, node: Node, context: NodeContext) -> State[Any]:
        """Have Prefect run the node; again where Prefect was away before the body had begun."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return await finished(attempt(node, context).submit(**self._arguments(node)))
            except Exception as error:
                begun = context.record.retry_count > 0
                if begun or not is_absence(error) or time.monotonic() > give_up:
                    raise
            await asyncio.sleep(PAUSE)

    async def _record_state(self, record: NodeRecord, state: State[Any]) -> None:
        result = await state.result(raise_on_failure=False)  # type: ignore[misc]
        record.retry_count = max(record.retry_count - 1, 0)
        if state.is_completed():
            record.status = "success"
            record.error = None
            record.output = result
            record.branch = getattr(result, "branch", None)
            return
        if isinstance(result, Cancelled):
            record.status = "cancelled"
            self.stopped = self.stopped or str(result) or "the run was cancelled"
        elif isinstance(result, OutcomeUnknown):
            record.status = "unknown"
        else:
            record.status = "failed"
        if record.error is None:
            record.error = {
                "type": type(result).__name__,
                "message": state.message or str(result),
                "details": {},
            }
        record.reason = record.error["message"]

    def _settle(self, node: Node, record: NodeRecord) -> None:
        record.completed_at = record.completed_at or datetime.now(UTC)
        self.rules.records[record.node_id] = record
        self._results[python_name(node)] = NodeResult(record)
        if record.node_id not in self._started_before or (
            self._started_before[record.node_id]["status"] == "running"
        ):
            self._write(record)
        self._changed.set()

    def _replay(self, node: Node, record: NodeRecord) -> None:
        """Settle a node as it settled before the process died, its plans included."""
        if isinstance(record.output, DryRunOutput):
            plan = record.output.as_json()
            self.plans.setdefault(record.node_id, {})[record.output.connection_id] = plan
        self._settle(node, record)

    def plans_before(self, target: str) -> dict[str, Mapping[str, Any]]:
        """The newest plan per connection of the dry runs that lead to ``target``."""
        found: dict[str, Mapping[str, Any]] = {}
        for node in self.rules.before(target):
            found.update(self.plans.get(node, {}))
        return found

    def _skip(
        self, node: Node, reason: str, *, broken: bool = False, disabled: bool = False
    ) -> None:
        record = new_record(node, "skipped")
        record.reason, record.broken, record.disabled = reason, broken, disabled
        self._settle(node, record)
        marker = show_skipped.with_options(
            name=node.name, task_run_name=record.node_id, tags=node.tags
        )
        self._later(show(marker, reason), self._painter)

    def _stop_if_rejected(self) -> None:
        if self.cancel_requested:
            self.stopped = self.stopped or "the run was cancelled"
        for record in self.rules.records.values():
            taken = self.rules.taken(record)
            drawn = self.rules.outcomes_drawn(record.node_id)
            if record.status == "success" and taken == "Rejected" and "Rejected" not in drawn:
                record.reason = rejection(record)
                if self.stopped is None:
                    self.stopped = record.reason
                    self._changed.set()

    # What stands around a node.

    def _arguments(self, node: Node) -> dict[str, Any]:
        scope = {
            **self.inputs,
            "execution": with_attributes(self.execution, "id", "startedAt"),
            "currentUser": with_attributes(
                self.inputs.get("currentUser"), "id", "email", "name", "teamOwner"
            ),
            "trigger": self.inputs.get("trigger") or {},
            "variables": SimpleNamespace(**self.inputs),
            "failure": self._failure(),
            **self._results,
        }
        names = inspect.signature(node.fn).parameters
        # A node that was never reached has a result too: an empty one.
        return {name: scope.get(name, NodeResult(None)) for name in names}

    def _failure(self) -> dict[str, Any] | None:
        for record in self.rules.unhandled_failures():
            return {"node": record.node_id, "message": (record.error or {}).get("message")}
        return None

    def _write(self, record: NodeRecord) -> None:
        self._later(self._keep(journal.to_json(record)), self._writer)

    async def _keep(self, body: Mapping[str, Any]) -> None:
        await journal.write(self._client, self.flow_run_id, body, self.presence.seal)
        self.presence.news.set()

    def _later(self, work: Coroutine[Any, Any, Any], turn: asyncio.Lock) -> None:
        """Do it beside the run, one after the other: Prefect on SQLite answers 503 to a crowd."""
        write = self.loop.create_task(in_turn(work, turn))
        self._writing.add(write)
        write.add_done_callback(self._written)

    def _written(self, write: asyncio.Task[None]) -> None:
        self._writing.discard(write)
        if not write.cancelled() and (error := write.exception()):
            get_run_logger().warning("Prefect could not be told of a node: %s", error)


async def answer() -> None:
    """Raises while Prefect does not answer."""
    async with get_client() as client:
        if (absence := await client.api_healthcheck()) is not None:
            raise absence


async def in_turn(work: Coroutine[Any, Any, Any], turn: asyncio.Lock) -> None:
    async with turn:
        await work


def attempt_of(tags: Iterable[str]) -> int:
    """How often the run has been started again; the dataroll server tags it with the number."""
    numbers = [tag.removeprefix("attempt:") for tag in tags if tag.startswith("attempt:")]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def node_id(node: Node) -> str:
    return str(node.task_run_name)


def python_name(node: Node) -> str:
    return str(node.fn.__name__)


def new_record(node: Node, status: Any) -> NodeRecord:
    types = [tag.removeprefix("node-type:") for tag in node.tags if tag.startswith("node-type:")]
    return NodeRecord(node_id(node), types[0] if types else "action", node.name, status)


def replayable(record: NodeRecord, earlier: Mapping[str, Any]) -> bool:
    """Whether a journal entry settles its node again.

    A consent is never taken from the journal, which whoever reaches Prefect could
    write: an approval asks the server once more, for its signature.
    """
    if earlier["status"] == "running" or "truncated" in earlier:
        return False
    return record.node_type != "approval" or earlier["status"] not in ("success", "skipped")


@task(cache_policy=NO_CACHE)
def show_skipped(reason: str) -> State[Any]:
    """A skipped node, so that Prefect's UI shows it where people look for it."""
    return Completed(name="Skipped", message=reason)


async def show(marker: Task[..., Any], reason: str) -> None:
    await patiently(lambda: finished(marker.submit(reason)))


async def finished(future: PrefectFuture[Any]) -> State[Any]:
    """The final state of a submitted task; Prefect's own wait would block the loop."""
    wrapped: Future[State[Any]] = cast(PrefectConcurrentFuture[Any], future).wrapped_future
    return await asyncio.wrap_future(wrapped)
