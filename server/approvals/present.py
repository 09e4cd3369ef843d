"""Requests with the people in them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Caller
from server.approvals import schemas
from server.approvals.distinct import ELSEWHERE, closed_to
from server.approvals.service import refuse_vote
from server.errors import ApiError
from server.executions.queries import workflow_names
from server.models import ApprovalComment, ApprovalDelegation, ApprovalVote, User, WorkflowApproval

_PLAIN = (
    "id",
    "execution_id",
    "workflow_id",
    "node_id",
    "status",
    "message",
    "asked",
    "required",
    "rule",
    "skip_if_creator",
    "created_at",
    "timeout",
    "expires_at",
    "approved_by",
    "approved_at",
    "rejection_reason",
    "decided_at",
    "comment",
    "digest",
    "plan_hash",
    "plans",
)


async def answers(
    session: AsyncSession, caller: Caller, approvals: Sequence[WorkflowApproval]
) -> list[schemas.ApprovalAnswer]:
    ids = [approval.id for approval in approvals]
    votes = (
        await session.scalars(
            select(ApprovalVote)
            .where(ApprovalVote.approval_id.in_(ids))
            .order_by(ApprovalVote.created_at, ApprovalVote.id)
        )
    ).all()
    comments = (
        await session.scalars(
            select(ApprovalComment)
            .where(ApprovalComment.approval_id.in_(ids))
            .order_by(ApprovalComment.id)
        )
    ).all()
    delegations = (
        await session.scalars(
            select(ApprovalDelegation)
            .where(ApprovalDelegation.approval_id.in_(ids))
            .order_by(ApprovalDelegation.id)
        )
    ).all()
    names = await workflow_names(session, {approval.workflow_id for approval in approvals})
    wanted = {row.user_id for row in votes} | {row.user_id for row in comments}
    wanted |= {user for row in delegations for user in (row.from_user_id, row.to_user_id)}
    for approval in approvals:
        wanted |= {*approval.approvers, approval.requested_by or ""}
    users = await session.scalars(select(User).where(User.id.in_(sorted(wanted))))
    people = {user.id: schemas.Person.model_validate(user) for user in users}
    closed = await closed_to(session, caller.user_id, approvals)
    result = []
    for approval in approvals:
        own_votes = [row for row in votes if row.approval_id == approval.id]
        because = _because(approval, own_votes, caller)
        if because is None and approval.id in closed:
            because = ELSEWHERE
        result.append(
            schemas.ApprovalAnswer.model_validate(
                {key: getattr(approval, key) for key in _PLAIN}
                | {
                    "distinct": approval.is_distinct,
                    "workflow_name": names.get(approval.workflow_id),
                    "approvers": [people[i] for i in approval.approvers if i in people],
                    "requested_by": people.get(approval.requested_by or ""),
                    "votes": [
                        {
                            "user": people[row.user_id],
                            "vote": row.vote,
                            "comment": row.comment,
                            "created_at": row.created_at,
                        }
                        for row in own_votes
                    ],
                    "comments": [
                        {
                            "id": row.id,
                            "user": people[row.user_id],
                            "text": row.text,
                            "created_at": row.created_at,
                        }
                        for row in comments
                        if row.approval_id == approval.id
                    ],
                    "delegations": [
                        {
                            "by": people[row.from_user_id],
                            "to": people[row.to_user_id],
                            "created_at": row.created_at,
                        }
                        for row in delegations
                        if row.approval_id == approval.id
                    ],
                    "may_vote": because is None,
                    "may_not_vote_because": because,
                }
            )
        )
    return result


def _because(approval: WorkflowApproval, votes: list[ApprovalVote], caller: Caller) -> str | None:
    try:
        refuse_vote(approval, caller.user_id)
    except ApiError as error:
        return error.detail
    if any(vote.user_id == caller.user_id for vote in votes):
        return "you have voted on this request already"
    return None
