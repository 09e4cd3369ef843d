"""Bodies of /api/approvals."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from server.schemas import Answer, Body, Json, LongText, ShortText

ApprovalStatus = Literal["pending", "approved", "rejected", "expired", "cancelled"]


class Vote(Body):
    comment: LongText = ""
    plan_hash: str | None = Field(
        None, max_length=100, description="Of the plan that was read; another one is refused"
    )


class Comment(Body):
    text: LongText = Field(min_length=1)


class Delegate(Body):
    to: ShortText = Field(min_length=1, description="The id or the e-mail address of a member")


class Person(Answer):
    id: str
    email: str
    name: str


class VoteAnswer(Answer):
    user: Person
    vote: Literal["approve", "reject"]
    comment: str
    created_at: datetime


class CommentAnswer(Answer):
    id: str
    user: Person
    text: str
    created_at: datetime


class DelegationAnswer(Answer):
    by: Person
    to: Person
    created_at: datetime


class ApprovalAnswer(Answer):
    id: str
    execution_id: str
    workflow_id: str
    workflow_name: str | None
    node_id: str
    status: ApprovalStatus
    message: str
    approvers: list[Person]
    asked: list[str] = Field(description="The approvers as the definition names them")
    required: int
    rule: str
    skip_if_creator: bool
    distinct: bool = Field(description="Who has approved another step of the run may not here")
    requested_by: Person | None = Field(description="Who started the run")
    created_at: datetime
    timeout: datetime
    expires_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    rejection_reason: str | None
    decided_at: datetime | None
    comment: str
    digest: str
    plan_hash: str
    plans: Json = Field(description="What will run, as the dry runs of this run have seen it")
    votes: list[VoteAnswer]
    comments: list[CommentAnswer]
    delegations: list[DelegationAnswer]
    may_vote: bool
    may_not_vote_because: str | None = None
