"""Ask, vote, expire: one decision, made once, by the database's clock.

Every change starts by locking the request's row and looking whether it is
still pending, so of approve, reject, expire and cancel exactly one wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import RANK, SERVER, Actor, Caller
from server.approvals.distinct import ELSEWHERE, approved_elsewhere, closed_to
from server.approvals.signing import Signer, decision_text
from server.approvals.voters import Required, voters_for
from server.audit.record import record
from server.errors import Conflict, Forbidden
from server.executions.starter import started_by_a_stranger, starter_of
from server.ids import new_id
from server.live.events import append
from server.models import (
    ApprovalVote,
    ApprovalVoter,
    Membership,
    User,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
    database_now,
)

Outcome = Literal["approved", "rejected", "expired"]

PLAN_CHANGED = (
    "the plan changed after the approval was asked for: the approval is void; start a new run"
)


async def request_approval(
    session: AsyncSession,
    execution: WorkflowExecution,
    *,
    node_id: str,
    approvers: list[str],
    required: Required,
    timeout_seconds: float,
    message: str = "",
    skip_if_creator: bool = False,
    distinct: bool = False,
    notify: Mapping[str, Any] | None = None,
    digest: str = "",
    plans: Any = (),
    plan_hash: str = "",
) -> WorkflowApproval:
    """The node's request; asking again gives the same one. Raises Invalid when nobody may vote.

    Asking again with another plan makes a request that is still open void: what
    has been read and voted on is not what would run. The execution's row is
    locked by the caller, so a run that is being cancelled opens no new request.
    """
    await _check_digest(session, execution, digest)
    known = await find_request(session, execution.id, node_id)
    if known is not None:
        if known.status == "pending" and (known.plan_hash, known.digest) != (plan_hash, digest):
            await cancel(session, SERVER, known.id, why=PLAN_CHANGED)
        return known
    started_by = await _starter(session, execution)
    voters = await voters_for(
        session,
        execution.team_id,
        approvers,
        required=required,
        started_by=started_by,
        skip_if_creator=skip_if_creator,
        by_a_stranger=started_by_a_stranger(execution),
        approved_before=await approved_elsewhere(session, execution.id, node_id)
        if distinct
        else (),
    )
    now: datetime = (await session.execute(select(database_now()))).scalar_one()
    expires = now + timedelta(seconds=timeout_seconds)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "id": new_id(),
        "created_at": now,
        "execution_id": execution.id,
        "node_id": node_id,
        "team_id": execution.team_id,
        "workflow_id": execution.workflow_id,
        "status": "pending" if execution.cancel_requested_at is None else "cancelled",
        "approvers": list(voters.ids),
        "asked": approvers,
        "required": voters.required,
        "rule": str(required),
        "timeout": expires,
        "expires_at": expires,
        "message": message,
        "skip_if_creator": skip_if_creator,
        "is_distinct": distinct,
        "notify": dict(notify or {}),
        "requested_by": started_by,
        "digest": digest,
        "plans": list(plans),
        "plan_hash": plan_hash,
        "comment": "",
    }
    made = await session.execute(
        insert(WorkflowApproval)
        .values(values)
        .on_conflict_do_nothing(index_elements=["execution_id", "node_id"])
        .returning(WorkflowApproval.id)
    )
    is_new = made.first() is not None
    approval = await find_request(session, execution.id, node_id)
    assert approval is not None  # noqa: S101 - inserted above, by us or somebody else
    if is_new:
        session.add_all(ApprovalVoter(user_id=i, approval_id=approval.id) for i in voters.ids)
        await tell(session, approval)
        await record(
            session,
            SERVER,
            "approval.request",
            "approval",
            approval.id,
            team_id=approval.team_id,
            execution_id=approval.execution_id,
            version=execution.version,
            node=node_id,
            approvers=list(voters.ids),
            required=voters.required,
            planHash=plan_hash,
        )
    return approval


async def _check_digest(session: AsyncSession, execution: WorkflowExecution, digest: str) -> None:
    """The flow that asks is the version that was published, as far as it says so itself."""
    definition = await session.get(WorkflowDefinition, execution.definition_id)
    if definition is not None and definition.digest and digest and definition.digest != digest:
        raise Conflict(
            f"the flow that asks is not version {execution.version} of the workflow: publish again",
            code="another-flow",
        )


async def find_request(
    session: AsyncSession, execution_id: str, node_id: str
) -> WorkflowApproval | None:
    query = select(WorkflowApproval).where(
        WorkflowApproval.execution_id == execution_id, WorkflowApproval.node_id == node_id
    )
    return (await session.scalars(query)).one_or_none()


async def all_open(
    session: AsyncSession, execution: WorkflowExecution, node_ids: list[str]
) -> bool:
    """Whether the run waits for each of these approvals, and is not to end."""
    waiting = await session.scalars(
        select(WorkflowApproval.node_id).where(
            WorkflowApproval.execution_id == execution.id, WorkflowApproval.status == "pending"
        )
    )
    return execution.cancel_requested_at is None and set(node_ids) <= set(waiting)


async def _starter(session: AsyncSession, execution: WorkflowExecution) -> str | None:
    """The person who started the run; null when a schedule or a webhook did."""
    user = await session.get(User, starter_of(execution) or "")
    return None if user is None else user.id


async def vote(
    session: AsyncSession,
    caller: Caller,
    approval_id: str,
    *,
    approve: bool,
    comment: str = "",
    plan_hash: str | None = None,
) -> WorkflowApproval:
    """Cast a vote; the last one needed decides. The caller may see the request already.

    Raises Forbidden for those who were not asked or have approved elsewhere, and Conflict for a second
    vote, a late one, and one for another plan than the one on the table.
    """
    await _lock_run_of(session, approval_id)
    approval = await lock(session, approval_id)
    refuse_vote(approval, caller.user_id)
    if approve and await closed_to(session, caller.user_id, [approval]):
        raise Forbidden(ELSEWHERE, code="not-twice")
    if await _is_over(session, approval):
        raise Conflict("this request has expired", code="expired")
    if plan_hash is not None and plan_hash != approval.plan_hash:
        raise Conflict(
            "the plan is another one than you have seen: read it again", code="plan-changed"
        )
    twice = await session.scalar(
        select(ApprovalVote.id).where(
            ApprovalVote.approval_id == approval.id, ApprovalVote.user_id == caller.user_id
        )
    )
    if twice is not None:
        raise Conflict("you have voted on this request already", code="already-voted")
    session.add(
        ApprovalVote(
            approval_id=approval.id,
            user_id=caller.user_id,
            vote="approve" if approve else "reject",
            comment=comment,
            plan_hash=approval.plan_hash,
        )
    )
    await session.flush()
    outcome: Outcome | None = "rejected" if not approve else None
    if approve and await _is_enough(session, approval):
        outcome = "approved"
    if outcome is not None:
        await _decide(session, approval, outcome, caller.user_id)
    await tell(session, approval)
    await record(
        session,
        caller.actor,
        "approval.approve" if approve else "approval.reject",
        "approval",
        approval.id,
        team_id=approval.team_id,
        execution_id=approval.execution_id,
        node=approval.node_id,
        comment=comment or None,
        planHash=approval.plan_hash,
        decided=outcome,
    )
    return approval


def refuse_vote(approval: WorkflowApproval, user_id: str) -> None:
    """Raises what stands between this person and a vote, as far as the request itself says."""
    if approval.status != "pending":
        raise Conflict(f"this request is {approval.status} already", code="already-decided")
    if user_id not in approval.approvers:
        own = approval.requested_by == user_id
        reason = (
            "you started this run: somebody else has to decide"
            if own
            else "you are not among the approvers of this request"
        )
        raise Forbidden(reason, code="not-an-approver")


async def _lock_run_of(session: AsyncSession, approval_id: str) -> None:
    """Votes of one run come one after the other: a person's two would not know of each other."""
    of = select(WorkflowApproval.execution_id).where(WorkflowApproval.id == approval_id)
    await session.execute(
        select(WorkflowExecution.id)
        .where(WorkflowExecution.id == of.scalar_subquery())
        .with_for_update()
    )


async def lock(session: AsyncSession, approval_id: str) -> WorkflowApproval:
    approval = await session.scalar(
        select(WorkflowApproval)
        .where(WorkflowApproval.id == approval_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert approval is not None  # noqa: S101 - the route has found it
    return approval


async def _is_over(session: AsyncSession, approval: WorkflowApproval) -> bool:
    """By the database's clock, whatever this server's clock says."""
    over = select(
        exists().where(
            WorkflowApproval.id == approval.id, WorkflowApproval.expires_at <= database_now()
        )
    )
    return bool(await session.scalar(over))


async def _is_enough(session: AsyncSession, approval: WorkflowApproval) -> bool:
    """Enough approvals, at least one of them by somebody who did not start the run.

    Somebody who has since lost the right to approve in the team has no voice any more.
    """
    entitled = [role for role in RANK if RANK[role] >= RANK["approver"]]
    consents = set(
        await session.scalars(
            select(ApprovalVote.user_id)
            .join(User, User.id == ApprovalVote.user_id)
            .join(Membership, Membership.user_id == ApprovalVote.user_id)
            .where(
                ApprovalVote.approval_id == approval.id,
                ApprovalVote.vote == "approve",
                User.disabled_at.is_(None),
                Membership.team_id == approval.team_id,
                Membership.role.in_(entitled),
            )
        )
    ) & set(approval.approvers)
    others = consents - {approval.requested_by}
    return len(consents) >= approval.required and bool(others)


async def _decide(
    session: AsyncSession, approval: WorkflowApproval, outcome: Outcome, by: str | None
) -> bool:
    """Compare and set: false when somebody was faster."""
    now: datetime = (await session.execute(select(database_now()))).scalar_one()
    people, comment = await _voices(session, approval, outcome)
    signer: Signer = session.info["signer"]
    text = decision_text(
        execution=approval.execution_id,
        node=approval.node_id,
        digest=approval.digest,
        plan_hash=approval.plan_hash,
        outcome=outcome,
        by=people,
        comment=comment,
        decided_at=now.astimezone(UTC).isoformat(),
    )
    in_time = [] if outcome == "expired" else [WorkflowApproval.expires_at > database_now()]
    won = await session.execute(
        update(WorkflowApproval)
        .where(WorkflowApproval.id == approval.id, WorkflowApproval.status == "pending", *in_time)
        .values(
            status=outcome,
            decided_at=now,
            approved_by=by if outcome == "approved" else None,
            approved_at=now if outcome == "approved" else None,
            rejection_reason=comment if outcome == "rejected" else None,
            comment=comment,
            decision=text,
            signature=signer.sign(text),
        )
        .returning(WorkflowApproval.id)
        .execution_options(synchronize_session=False)
    )
    if won.first() is None:
        raise Conflict("this request has expired", code="expired")
    await session.refresh(approval)
    return True


async def _voices(
    session: AsyncSession, approval: WorkflowApproval, outcome: Outcome
) -> tuple[list[str], str]:
    """The addresses of those whose votes made the outcome, and what they wrote."""
    wanted = {"approved": "approve", "rejected": "reject"}.get(outcome, "")
    rows = (
        await session.execute(
            select(User.email, ApprovalVote.comment)
            .join(User, User.id == ApprovalVote.user_id)
            .where(ApprovalVote.approval_id == approval.id, ApprovalVote.vote == wanted)
            .order_by(ApprovalVote.created_at, ApprovalVote.id)
        )
    ).all()
    return [row.email for row in rows], "\n".join(row.comment for row in rows if row.comment)


async def expire_due(session: AsyncSession, limit: int = 1) -> list[str]:
    """Expire what is over; the ids of the executions to resume. Nobody answering is never a yes.

    One at a time, because each takes its team's audit log until the transaction ends.
    """
    due = (
        await session.scalars(
            select(WorkflowApproval)
            .where(
                WorkflowApproval.status == "pending",
                WorkflowApproval.expires_at <= database_now(),
            )
            .order_by(WorkflowApproval.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    ).all()
    for approval in due:
        await _decide(session, approval, "expired", None)
        await tell(session, approval)
    for approval in due:
        await record(
            session,
            SERVER,
            "approval.expire",
            "approval",
            approval.id,
            team_id=approval.team_id,
            execution_id=approval.execution_id,
            node=approval.node_id,
        )
    return [approval.execution_id for approval in due]


async def cancel(
    session: AsyncSession, actor: Actor, approval_id: str, *, why: str = ""
) -> WorkflowApproval:
    """Withdraw the request. The run is told and ends as cancelled; it is never a yes."""
    approval = await lock(session, approval_id)
    if approval.status != "pending":
        raise Conflict(f"this request is {approval.status} already", code="already-decided")
    now: datetime = (await session.execute(select(database_now()))).scalar_one()
    approval.status, approval.decided_at = "cancelled", now
    approval.rejection_reason = why or f"the request for approval was withdrawn by {actor.name}"
    await session.flush()
    await tell(session, approval)
    await record(
        session,
        actor,
        "approval.cancel",
        "approval",
        approval.id,
        team_id=approval.team_id,
        execution_id=approval.execution_id,
        node=approval.node_id,
        reason=why or None,
    )
    return approval


async def mark_resumed(session: AsyncSession, execution_id: str) -> None:
    """To be committed before the run is resumed: a flow that is resumed without a newer mark
    was resumed by somebody else. By the database's clock, so that it only moves forward."""
    await session.execute(
        update(WorkflowApproval)
        .where(WorkflowApproval.execution_id == execution_id, WorkflowApproval.status != "pending")
        .values(resumed_at=database_now())
    )


async def tell(session: AsyncSession, approval: WorkflowApproval) -> None:
    event = {
        "id": approval.id,
        "executionId": approval.execution_id,
        "workflowId": approval.workflow_id,
        "nodeId": approval.node_id,
        "status": approval.status,
        "expiresAt": approval.expires_at.isoformat() if approval.expires_at else None,
    }
    topic = f"execution:{approval.execution_id}"
    await append(session, topic, approval.team_id, "approval", event)
    await append(session, f"team:{approval.team_id}", approval.team_id, "approval", event)


async def last_resume(session: AsyncSession, execution_id: str) -> int:
    """When the resumer last resumed this run, in milliseconds since 1970; 0 if never."""
    at = await session.scalar(
        select(func.max(WorkflowApproval.resumed_at)).where(
            WorkflowApproval.execution_id == execution_id
        )
    )
    return int(at.timestamp() * 1000) if at else 0
