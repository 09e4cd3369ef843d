"""Approvals of a run: every open request shares one pause of the flow.

Two pauses at once break a Prefect run, and Prefect's resume knows no user.
So each approval node registers its request with the dataroll server, the flow
pauses while any request is open, and when it is resumed it asks the server
what was decided. A decision counts only with the server's signature; a resume
without one ends the waiting nodes as failed.

Where every open request says ``mode: suspend`` and nothing else is at work, the
process ends instead. The server starts the run again when one is decided, and
the nodes find themselves in the journal.

A request is bound to the plans of the dry runs that lead to it, and to no
others: they have settled before it is made, so a run that is started again
from its journal binds it to the same ones.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import httpx
from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause, PrefectHTTPStatusError
from prefect.flow_runs import apause_flow_run
from prefect.states import Running

from runtime_tasks.context import ApprovalDecision, ApprovalRequest, Outcome
from runtime_tasks.errors import Cancelled, Refused
from runtime_tasks.run.channel import ServerUnreachable
from runtime_tasks.run.journal import plain
from runtime_tasks.run.node import LeftOpen
from runtime_tasks.secrets import unread

if TYPE_CHECKING:
    from runtime_tasks.run import WorkflowRun

GRACE = 900
"""Seconds that Prefect's own pause outlasts the last deadline: the server expires first."""
QUICK = 120.0
"""Seconds for which a paused flow looks every second; afterwards it looks every SLOW seconds."""
SLOW = 4.0
LOOK = 2.0
"""Seconds between two looks of a run that would suspend while other nodes are still at work."""
BARE_RESUME = (
    "the flow was resumed in Prefect without a decision in dataroll;"
    " approve or reject in dataroll instead"
)


@dataclass
class OpenRequest:
    request: ApprovalRequest
    plans: dict[str, str]
    """The hash of each plan that the approver sees, by connection id."""
    answer: Future[ApprovalDecision] = field(default_factory=Future)
    deadline: float = 0
    again: bool = False
    """An earlier process of this run had asked already."""


@dataclass
class Approvals:
    run: WorkflowRun
    open: dict[str, OpenRequest] = field(default_factory=dict)
    approved: dict[str, dict[str, str]] = field(default_factory=dict)
    """By node, the plan hash per connection id, of the approvals that said yes."""
    waiting: asyncio.Task[None] | None = None

    def ask(self, request: ApprovalRequest, *, again: bool = False) -> ApprovalDecision:
        """Called in the approval node's thread: register, wait, return the decision."""
        if self.run.dry_run:
            return self._as_the_test_says(request)
        plans = self.run.plans_before(request.node_id)
        hashes = {name: str(plan.get("planHash", "")) for name, plan in plans.items()}
        if self.run.channel is None:
            if os.environ.get("DATAROLL_ALLOW_PREFECT_RESUME") != "1":
                raise Refused(
                    "there is no dataroll server to decide; set DATAROLL_ALLOW_PREFECT_RESUME=1"
                    " to let whoever resumes the flow in Prefect approve it"
                )
        else:
            self.run.channel.request_approval(
                {
                    "nodeId": request.node_id,
                    "approvers": list(request.approvers),
                    "required": request.required,
                    "timeout": request.timeout,
                    "message": request.message,
                    "skipIfCreator": request.skip_if_creator,
                    "distinct": request.distinct,
                    "notify": {
                        "slack": unread(request.notify_slack),
                        "emails": list(request.notify_emails),
                        "reminders": request.reminders,
                    },
                    "digest": self.run.digest,
                    "plans": plain([dict(plan) for plan in plans.values()]),
                    "planHash": plan_hash(hashes),
                }
            )
        entry = OpenRequest(request, hashes, deadline=time.time() + request.timeout, again=again)
        decision = replace(self._wait(entry), plans=hashes)
        if decision.outcome == "approved":
            self.approved[request.node_id] = hashes
        return decision

    def approved_plan(self, node_id: str, connection_id: str) -> str | None:
        """The plan that ``node_id`` may run on the connection; None where no approval saw a plan.

        Raises Refused where an approval on the way to the node was about other connections only.
        """
        seen: list[dict[str, str]] = [
            self.approved[before]
            for before in self.run.rules.before(node_id)
            if self.approved.get(before)
        ]
        for hashes in reversed(seen):
            if connection_id in hashes:
                return hashes[connection_id]
        if seen:
            about = ", ".join(sorted({name for hashes in seen for name in hashes}))
            raise Refused(
                f"the approval was about a plan for {about}, and there is none for"
                f" {connection_id}: lead a dry run of this connection to the approval"
            )
        return None

    def plan_made(self, connection_id: str, made: str) -> None:
        """A dry run has made a plan: an open request that shows another one is void."""
        for entry in list(self.open.values()):
            if entry.plans.get(connection_id, made) != made:
                self.run.loop.call_soon_threadsafe(
                    self._void,
                    entry.request.node_id,
                    f"the plan for {connection_id} changed while the approval was open:"
                    " the approval is void; start a new run",
                )

    def _void(self, node_id: str, why: str) -> None:
        entry = self.open.pop(node_id, None)
        if entry is not None:
            entry.answer.set_exception(Refused(why))

    def let_go(self) -> None:
        """The process ends; a later one asks again."""
        for node_id in list(self.open):
            self.open.pop(node_id).answer.set_exception(LeftOpen())

    def _wait(self, entry: OpenRequest) -> ApprovalDecision:
        def begin() -> None:
            self.open[entry.request.node_id] = entry
            if self.waiting is None or self.waiting.done():
                self.waiting = self.run.loop.create_task(self._wait_while_open())

        # On the loop's own thread: the set of open requests is changed nowhere else.
        self.run.loop.call_soon_threadsafe(begin)
        return entry.answer.result()

    async def _wait_while_open(self) -> None:
        try:
            resumes = await self._settle(resumes=None)
            while self.open:
                if self.run.presence.uncalled and any(entry.again for entry in self.open.values()):
                    await self._void_uncalled()
                elif self._may_suspend():
                    await self.run.presence.suspend(self._seconds_left() + GRACE)
                    await asyncio.sleep(LOOK)
                    resumes = await self._settle(resumes=None)
                else:
                    await self._pause()
                    resumes = await self._settle(resumes)
        except BaseException as error:
            # Fail closed: whoever still waits must not wait for ever.
            for node_id in list(self.open):
                self._void(node_id, f"the approval could not be kept: {error}")
            if not isinstance(error, Exception):
                raise

    def _may_suspend(self) -> bool:
        return self.run.channel is not None and all(
            entry.request.mode == "suspend" for entry in self.open.values()
        )

    async def _void_uncalled(self) -> None:
        """Nobody but somebody in Prefect has called the run back: what is not decided now fails."""
        waited = [node_id for node_id, entry in self.open.items() if entry.again]
        await self._settle(resumes=None)
        for node_id in waited:
            self._void(node_id, BARE_RESUME)

    def _seconds_left(self) -> int:
        return max(int(max(e.deadline for e in self.open.values()) - time.time()), 0)

    async def _pause(self) -> None:
        """Pause the flow run until it is resumed, however often Prefect goes away meanwhile."""
        key = str(uuid.uuid4())  # a pause that has been resumed does not pause again
        while True:
            left = max((entry.deadline for entry in self.open.values()), default=0) - time.time()
            if left < -GRACE:
                raise Refused("it was paused, and nobody resumed it in time")
            try:
                async with asyncio.timeout(QUICK):
                    return await apause_flow_run(
                        timeout=int(max(left, 0)) + GRACE, poll_interval=1, key=key
                    )
            except (TimeoutError, httpx.TransportError):
                pass
            except Pause:
                # Prefect's client has asked twice, because the first answer was lost: it is paused.
                pass
            except RuntimeError:
                # Prefect takes the run for one that is about to begin, because another process of
                # it was handed out and sent home. It is asked again while the run is not over.
                pass
            except PrefectHTTPStatusError as error:
                if error.response.status_code < 500:
                    raise
            if await self._while_paused():
                key = str(uuid.uuid4())

    async def _while_paused(self) -> bool:
        """Look now and then, until the run is seen not to be paused. Whether Prefect had to be
        told that it goes on: the pause before that counts as fired."""
        until = max((entry.deadline for entry in self.open.values()), default=0) + GRACE
        while self.open and time.time() < until:
            await asyncio.sleep(SLOW)
            try:
                async with get_client() as client:
                    flow_run = await client.read_flow_run(self.run.flow_run_id)
                    state = flow_run.state
                    if state is not None and state.is_crashed() and await self._is_ours():
                        running: State[Any] = Running(message="its process lives, and waits")
                        await client.set_flow_run_state(flow_run.id, running, force=True)
                        return True
            except (httpx.TransportError, PrefectHTTPStatusError, ServerUnreachable):
                continue
            if state is not None and state.is_final():
                raise Refused(f"the run has ended in Prefect meanwhile: {state.name}")
            if state is None or not state.is_paused():
                return False
        return False

    async def _is_ours(self) -> bool:
        """Whether this process runs the flow, whatever Prefect says of its death.

        A worker that had given a start up while Prefect stood still says so late, and means an
        attempt before this one. Raises ServerUnreachable; does not return in a process that is late.
        """
        channel = self.run.channel
        if channel is None:
            return False
        if await asyncio.to_thread(channel.heartbeat):
            self.run.cancel()
            return False
        return True

    async def _settle(self, resumes: int | None) -> int:
        """Answer the requests that the server has decided; returns its mark of the last resume.

        ``resumes`` is the mark from before the pause. If it has not moved, somebody
        else resumed the flow, and every request that is still open fails.
        """
        mark = resumes or 0
        for node_id, entry in list(self.open.items()):
            channel = self.run.channel
            if channel is None:
                if resumes is None:
                    continue  # not paused yet: only a resume is an answer here
                entry.answer.set_result(ApprovalDecision("approved", ("prefect",)))
                del self.open[node_id]
                continue
            try:
                answer = await asyncio.to_thread(channel.approval, node_id)
                mark = max(mark, int(answer.get("resumes", 0)))
                if answer["status"] == "pending":
                    continue
                decision = self._verified(entry, answer)
            except Exception as error:
                if self.open.pop(node_id, None) is not None:
                    entry.answer.set_exception(error)
            else:
                if self.open.pop(node_id, None) is not None:
                    entry.answer.set_result(decision)
        if resumes is not None and mark <= resumes:
            for node_id in list(self.open):
                self._void(node_id, BARE_RESUME)
        return mark

    def _verified(self, entry: OpenRequest, answer: Mapping[str, Any]) -> ApprovalDecision:
        if answer["status"] == "cancelled":
            raise Cancelled(answer.get("reason") or "the request for approval was withdrawn")
        signed = signed_decision(answer)
        expected = {
            "execution": self.run.execution_id,
            "node": entry.request.node_id,
            "digest": self.run.digest,
            "planHash": plan_hash(entry.plans),
        }
        for name, value in expected.items():
            if name == "planHash" and signed.get(name) != value:
                raise Refused(
                    "the plan is another one than was approved: the approval is void;"
                    " start a new run"
                )
            if signed.get(name) != value:
                raise Refused(f"the decision was made for another {name}; it does not count here")
        if signed.get("outcome") not in ("approved", "rejected", "expired"):
            raise Refused("the decision holds no outcome that is known")
        return ApprovalDecision(
            outcome=cast(Outcome, signed["outcome"]),
            by=tuple(signed.get("by") or ()),
            comment=signed.get("comment") or "",
            decided_at=signed.get("decidedAt"),
        )

    def _as_the_test_says(self, request: ApprovalRequest) -> ApprovalDecision:
        said = (self.run.execution.get("approvals") or {}).get(request.node_id, "Approved")
        outcome = cast(Outcome, str(said).lower())
        return ApprovalDecision(outcome, ("test",), "answered by the test run")


def plan_hash(hashes: Mapping[str, str]) -> str:
    """One hash over the plans that the approver sees, given each one's by connection id."""
    text = json.dumps(dict(hashes), sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def signed_decision(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The decision, after its Ed25519 signature has been checked. Fails closed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = os.environ.get("DATAROLL_APPROVAL_PUBLIC_KEY")
    if not key:
        raise Refused("this worker has no key to check approvals with")
    text = answer.get("decision") or ""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        public.verify(base64.b64decode(answer.get("signature") or ""), text.encode())
        signed = json.loads(text)
    except (InvalidSignature, ValueError, TypeError, AttributeError):
        raise Refused("the decision does not carry the dataroll server's signature") from None
    if not isinstance(signed, dict):
        raise Refused("the decision is not what the dataroll server signs")
    return signed
