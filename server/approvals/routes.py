"""/api/approvals: what waits for consent, and giving or refusing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from server.access import Access, AccessDep, needs
from server.approvals import delegation, present, schemas, service
from server.audit.record import record
from server.models import ApprovalComment, ApprovalVoter, WorkflowApproval
from server.paging import PagingQuery
from server.schemas import Page

router = APIRouter(tags=["approvals"])


@router.get("/api/approvals", **needs("viewer"))
async def approvals(
    access: AccessDep,
    paging: PagingQuery,
    team_id: Annotated[str | None, Query(alias="teamId", max_length=25)] = None,
    status: Annotated[schemas.ApprovalStatus | None, Query()] = None,
    mine: Annotated[bool, Query(description="Only those that ask me")] = False,
    execution_id: Annotated[str | None, Query(alias="executionId", max_length=25)] = None,
) -> Page[schemas.ApprovalAnswer]:
    """Requests for approval, newest first."""
    found = access.scoped_each(WorkflowApproval, team_id)
    if status is not None:
        found = [query.where(WorkflowApproval.status == status) for query in found]
    if execution_id is not None:
        found = [query.where(WorkflowApproval.execution_id == execution_id) for query in found]
    if mine:
        asked = select(ApprovalVoter.approval_id).where(
            ApprovalVoter.user_id == access.caller.user_id
        )
        found = [query.where(WorkflowApproval.id.in_(asked)) for query in found]
    page = await paging.page_of_each(access.session, found, WorkflowApproval.id, lambda row: row)
    items = await present.answers(access.session, access.caller, page.items)
    return Page(items=items, next_cursor=page.next_cursor)


@router.get("/api/approvals/{approval_id}", **needs("viewer"))
async def approval(approval_id: str, access: AccessDep) -> schemas.ApprovalAnswer:
    found = await access.find(WorkflowApproval, approval_id, "approval")
    return await _answer(access, found)


async def _answer(access: Access, approval: WorkflowApproval) -> schemas.ApprovalAnswer:
    (answer,) = await present.answers(access.session, access.caller, [approval])
    return answer


@router.post("/api/approvals/{approval_id}/approve", **needs("approver", "approve", errors=(409,)))
async def approve(
    approval_id: str, access: AccessDep, request: Request, body: schemas.Vote | None = None
) -> schemas.ApprovalAnswer:
    """Vote yes. The last yes that is needed lets the run go on."""
    return await _vote(approval_id, access, request, body or schemas.Vote(), approve=True)


@router.post("/api/approvals/{approval_id}/reject", **needs("approver", "approve", errors=(409,)))
async def reject(
    approval_id: str, access: AccessDep, request: Request, body: schemas.Vote | None = None
) -> schemas.ApprovalAnswer:
    """Vote no. One no decides."""
    return await _vote(approval_id, access, request, body or schemas.Vote(), approve=False)


async def _vote(
    approval_id: str, access: Access, request: Request, body: schemas.Vote, *, approve: bool
) -> schemas.ApprovalAnswer:
    found = await access.find(WorkflowApproval, approval_id, "approval")
    found = await service.vote(
        access.session,
        access.caller,
        found.id,
        approve=approve,
        comment=body.comment,
        plan_hash=body.plan_hash,
    )
    if found.status != "pending":
        execution_id = found.execution_id
        access.after_commit(lambda: request.app.state.resumer.wake(execution_id))
    return await _answer(access, found)


@router.post(
    "/api/approvals/{approval_id}/comments", status_code=201, **needs("approver", "approve")
)
async def comment(
    approval_id: str, body: schemas.Comment, access: AccessDep
) -> schemas.ApprovalAnswer:
    """Say something without deciding."""
    found = await access.find(WorkflowApproval, approval_id, "approval")
    access.session.add(
        ApprovalComment(approval_id=found.id, user_id=access.caller.user_id, text=body.text)
    )
    await access.session.flush()
    await record(
        access.session,
        access.caller.actor,
        "approval.comment",
        "approval",
        found.id,
        team_id=found.team_id,
        execution_id=found.execution_id,
    )
    return await _answer(access, found)


@router.post("/api/approvals/{approval_id}/delegate", **needs("approver", "approve", errors=(409,)))
async def delegate(
    approval_id: str, body: schemas.Delegate, access: AccessDep
) -> schemas.ApprovalAnswer:
    """Hand one's vote on this request to another person of the team."""
    found = await access.find(WorkflowApproval, approval_id, "approval")
    found = await delegation.delegate(access.session, access.caller, found.id, body.to)
    return await _answer(access, found)


@router.post("/api/approvals/{approval_id}/cancel", **needs("developer", "execute", errors=(409,)))
async def cancel(approval_id: str, access: AccessDep, request: Request) -> schemas.ApprovalAnswer:
    """Withdraw the request; the run does not go on."""
    found = await access.find(WorkflowApproval, approval_id, "approval")
    found = await service.cancel(access.session, access.caller.actor, found.id)
    execution_id = found.execution_id
    access.after_commit(lambda: request.app.state.resumer.wake(execution_id))
    return await _answer(access, found)
