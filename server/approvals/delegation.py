"""Handing one's vote on one request to another person of the team.

The other person votes in one's place, so the number of votes stays as it was.
The person who started the run can be handed nothing: that would be a way to
consent to one's own run.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Caller
from server.approvals.distinct import closed_to
from server.approvals.service import lock, refuse_vote, tell
from server.approvals.voters import eligible
from server.audit.record import record
from server.errors import Conflict, Invalid
from server.models import ApprovalDelegation, ApprovalVote, ApprovalVoter, WorkflowApproval


async def delegate(
    session: AsyncSession, caller: Caller, approval_id: str, to: str
) -> WorkflowApproval:
    """``to`` is the id or the e-mail address of somebody who may approve in the team.

    Raises Forbidden for those who were not asked, Conflict for those who have
    voted, Invalid when the other person cannot stand in.
    """
    approval = await lock(session, approval_id)
    refuse_vote(approval, caller.user_id)
    voted = await session.scalar(
        select(ApprovalVote.id).where(
            ApprovalVote.approval_id == approval.id, ApprovalVote.user_id == caller.user_id
        )
    )
    if voted is not None:
        raise Conflict("you have voted on this request already", code="already-voted")
    found = await eligible(session, approval.team_id, to)
    if found is None:
        raise _refuse(f"nobody in the team who may approve is called '{to[:100]}'")
    if found == approval.requested_by:
        raise _refuse("they started the run, and nobody's vote is given to them")
    if await closed_to(session, found, [approval]):
        raise _refuse("they have approved another step of this run")
    if found in approval.approvers:
        raise _refuse("they are asked themselves already")
    before = await session.scalar(
        select(ApprovalDelegation).where(
            ApprovalDelegation.approval_id == approval.id,
            ApprovalDelegation.from_user_id == caller.user_id,
        )
    )
    if before is not None:  # handed on, handed back, and now handed on again
        await session.delete(before)
        await session.flush()
    session.add(
        ApprovalDelegation(approval_id=approval.id, from_user_id=caller.user_id, to_user_id=found)
    )
    approval.approvers = [found if i == caller.user_id else i for i in approval.approvers]
    await session.execute(
        update(ApprovalVoter)
        .where(ApprovalVoter.approval_id == approval.id, ApprovalVoter.user_id == caller.user_id)
        .values(user_id=found)
    )
    approval.reminded_at = None  # the one who is asked now has to be told
    await session.flush()
    await tell(session, approval)
    await record(
        session,
        caller.actor,
        "approval.delegate",
        "approval",
        approval.id,
        team_id=approval.team_id,
        execution_id=approval.execution_id,
        node=approval.node_id,
        to=found,
    )
    return approval


def _refuse(message: str) -> Invalid:
    return Invalid(message, errors=[{"field": "to", "message": message, "code": "no-delegate"}])
