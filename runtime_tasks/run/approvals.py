"""Approvals of a run: every open request shares one pause of the flow.

Two pauses at once break a Prefect run, and Prefect's resume knows no user.
So each approval node registers its request with the dataroll server, the flow
pauses while any request is open, and when it is resumed it asks the server
what was decided. A decision counts only with the server's signature; a resume
without one ends the waiting nodes as failed.
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

from prefect.flow_runs import apause_flow_run

from runtime_tasks.context import ApprovalDecision, ApprovalRequest, Outcome
from runtime_tasks.errors import Cancelled, Refused
from runtime_tasks.run.journal import plain

if TYPE_CHECKING:
    from runtime_tasks.run import WorkflowRun

GRACE = 900
"""Seconds that Prefect's own pause outlasts the last deadline: the server expires first."""


@dataclass
class OpenRequest:
    request: ApprovalRequest
    answer: Future[ApprovalDecision] = field(default_factory=Future)
    deadline: float = 0


@dataclass
class Approvals:
    run: WorkflowRun
    open: dict[str, OpenRequest] = field(default_factory=dict)
    approved_plans: dict[str, str] = field(default_factory=dict)
    """Plan hash by connection id, from approvals that said yes."""
    pausing: asyncio.Task[None] | None = None

    def ask(self, request: ApprovalRequest) -> ApprovalDecision:
        """Called in the approval node's thread: register, wait, return the decision."""
        if self.run.dry_run:
            return self._as_the_test_says(request)
        if self.run.channel is None:
            return self._through_prefect_alone(request)
        plans = [dict(plan) for plan in self.run.plans.values()]
        self.run.channel.request_approval(
            {
                "nodeId": request.node_id,
                "approvers": list(request.approvers),
                "required": request.required,
                "timeout": request.timeout,
                "message": request.message,
                "skipIfCreator": request.skip_if_creator,
                "digest": self.run.digest,
                "plans": plain(plans),
                "planHash": self.plan_hash(),
            }
        )
        return self._bound(self._wait(request))

    def _bound(self, decision: ApprovalDecision) -> ApprovalDecision:
        """The decision with the plans that it is about; a yes lets execute run only those."""
        decision = replace(decision, plans=self._plan_hashes())
        if decision.outcome == "approved":
            self.approved_plans.update(decision.plans)
        return decision

    def plan_hash(self) -> str:
        """One hash over the plans that the approver sees, by connection."""
        text = json.dumps(self._plan_hashes(), sort_keys=True)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def _plan_hashes(self) -> dict[str, str]:
        return {name: str(plan.get("planHash", "")) for name, plan in self.run.plans.items()}

    def _wait(self, request: ApprovalRequest) -> ApprovalDecision:
        entry = OpenRequest(request, deadline=time.time() + request.timeout)
        self.open[request.node_id] = entry
        self.run.loop.call_soon_threadsafe(self._start_pausing)
        return entry.answer.result()

    def _start_pausing(self) -> None:
        if self.pausing is None or self.pausing.done():
            self.pausing = self.run.loop.create_task(self._pause_while_open())

    async def _pause_while_open(self) -> None:
        try:
            resumes = await self._settle(resumes=None)
            while self.open:
                timeout = max(entry.deadline for entry in self.open.values()) - time.time() + GRACE
                await apause_flow_run(
                    timeout=int(max(timeout, GRACE)), poll_interval=1, key=str(uuid.uuid4())
                )
                resumes = await self._settle(resumes)
        except BaseException as error:
            # Fail closed: whoever still waits must not wait for ever.
            for entry in self.open.values():
                entry.answer.set_exception(Refused(f"the approval could not be kept: {error}"))
            self.open.clear()
            if not isinstance(error, Exception):
                raise

    async def _settle(self, resumes: int | None) -> int:
        """Answer the requests that the server has decided; returns its count of resumes.

        ``resumes`` is the count before the pause. If it has not moved, somebody
        else resumed the flow, and every request that is still open fails.
        """
        count = 0
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
                count = max(count, int(answer.get("resumes", 0)))
                if answer["status"] == "pending":
                    continue
                decision = self._verified(node_id, answer)
            except Exception as error:
                entry.answer.set_exception(error)
            else:
                entry.answer.set_result(decision)
            del self.open[node_id]
        if resumes is not None and count <= resumes and self.open:
            for node_id in list(self.open):
                self.open.pop(node_id).answer.set_exception(
                    Refused(
                        "the flow was resumed in Prefect without a decision in dataroll;"
                        " approve or reject in dataroll instead"
                    )
                )
        return count

    def _verified(self, node_id: str, answer: Mapping[str, Any]) -> ApprovalDecision:
        if answer["status"] == "cancelled":
            raise Cancelled("the run was cancelled while it waited for approval")
        signed = signed_decision(answer)
        expected = {
            "execution": self.run.execution_id,
            "node": node_id,
            "digest": self.run.digest,
            "planHash": self.plan_hash(),
        }
        for name, value in expected.items():
            if signed.get(name) != value:
                raise Refused(f"the decision was made for another {name}; it does not count here")
        if signed["outcome"] not in ("approved", "rejected", "expired"):
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

    def _through_prefect_alone(self, request: ApprovalRequest) -> ApprovalDecision:
        if os.environ.get("DATAROLL_ALLOW_PREFECT_RESUME") != "1":
            raise Refused(
                "there is no dataroll server to decide; set DATAROLL_ALLOW_PREFECT_RESUME=1"
                " to let whoever resumes the flow in Prefect approve it"
            )
        return self._bound(self._wait(request))


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
    except (InvalidSignature, ValueError):
        raise Refused("the decision does not carry the dataroll server's signature") from None
    return dict(json.loads(text))
