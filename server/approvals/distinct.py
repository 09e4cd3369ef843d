"""Different people: nobody consents twice in a run to a request that asks for somebody else.

Without it whoever has a high role can walk a chain of approvals alone. Asked when the request is
made, so that it is known at once if nobody is left, and again at each vote: of two requests that
are open at once, the first vote decides where a person's consent counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.models import ApprovalVote, WorkflowApproval

ELSEWHERE = "you have approved another step of this run: somebody else has to decide here"


async def approved_elsewhere(
    session: AsyncSession, execution_id: str, node_id: str
) -> frozenset[str]:
    """The people who have approved at another node of the run."""
    people = await session.scalars(
        select(ApprovalVote.user_id)
        .join(WorkflowApproval, WorkflowApproval.id == ApprovalVote.approval_id)
        .where(
            WorkflowApproval.execution_id == execution_id,
            WorkflowApproval.node_id != node_id,
            ApprovalVote.vote == "approve",
        )
    )
    return frozenset(people)


async def closed_to(
    session: AsyncSession, user_id: str, approvals: Iterable[WorkflowApproval]
) -> frozenset[str]:
    """The ids of those open requests that this person may not approve any more."""
    found = set()
    for approval in approvals:
        if approval.is_distinct and approval.status == "pending":
            others = await approved_elsewhere(session, approval.execution_id, approval.node_id)
            if user_id in others:
                found.add(approval.id)
    return frozenset(found)
