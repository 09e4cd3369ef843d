"""/api/workflows/{id}/triggers: what starts a workflow besides people."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from server.access import Access, AccessDep, check_etag, etag, needs
from server.audit.record import record
from server.errors import Conflict, NotFound
from server.ids import new_id
from server.models import Workflow, WorkflowTrigger
from server.orchestrator.protocol import Orchestrator
from server.schemas import Page
from server.triggers import schemas, service
from server.triggers.config import checked_config

router = APIRouter(tags=["triggers"])
BASE = "/api/workflows/{workflow_id}/triggers"


def _fields(trigger: WorkflowTrigger) -> dict[str, object]:
    return {key: getattr(trigger, key) for key in schemas.TriggerAnswer.model_fields}


async def _find(
    access: Access, workflow_id: str, trigger_id: str
) -> tuple[Workflow, WorkflowTrigger]:
    workflow = await access.find(Workflow, workflow_id)
    trigger = await access.session.scalar(
        select(WorkflowTrigger).where(
            WorkflowTrigger.id == trigger_id, WorkflowTrigger.workflow_id == workflow.id
        )
    )
    if trigger is None:
        raise NotFound(f"this workflow has no trigger '{trigger_id[:40]}'")
    return workflow, trigger


async def _reschedule(request: Request, access: Access, workflow: Workflow) -> None:
    """Tell the orchestrator, before the commit: if it refuses, nothing has changed."""
    if not workflow.is_published or workflow.deployment_id is None:
        return
    orchestrator: Orchestrator = request.app.state.orchestrator
    schedules = await service.schedules_of(access.session, workflow.id)
    await orchestrator.set_schedules(workflow.deployment_id, schedules)


async def _audit(access: Access, action: str, workflow: Workflow, row: WorkflowTrigger) -> None:
    await record(
        access.session,
        access.caller.actor,
        action,
        "trigger",
        row.id,
        team_id=workflow.team_id,
        workflow=workflow.id,
        type=row.type,
    )


def _made(
    request: Request, trigger: WorkflowTrigger, key: str | None, secret: str | None
) -> schemas.TriggerMade:
    public = request.app.state.settings.public_url
    return schemas.TriggerMade.model_validate(
        {
            **_fields(trigger),
            "key": key,
            "secret": secret,
            "url": None if key is None else f"{public}/api/webhooks/{key}",
        }
    )


@router.get(BASE, **needs("viewer"))
async def triggers(workflow_id: str, access: AccessDep) -> Page[schemas.TriggerAnswer]:
    """Drawn ones and others, without keys and secrets."""
    workflow = await access.find(Workflow, workflow_id)
    rows = await service.triggers_of(access.session, workflow.id)
    return Page(items=[schemas.TriggerAnswer.model_validate(_fields(row)) for row in rows])


@router.post(BASE, status_code=201, **needs("developer", errors=(503,)))
async def create(
    workflow_id: str,
    body: schemas.NewTrigger,
    request: Request,
    response: Response,
    access: AccessDep,
) -> schemas.TriggerMade:
    """Add a trigger. A webhook's key, address and secret are shown this once."""
    workflow = await access.find(Workflow, workflow_id)
    trigger = WorkflowTrigger(
        id=new_id(),
        workflow_id=workflow.id,
        type=body.type,
        config=checked_config(body.type, body.config),
        is_active=body.is_active,
        created_by=access.caller.user_id,
        revision=1,
    )
    key = secret = None
    if body.type == "webhook":
        key, secret = service.give_key(trigger, access.session.info["secret_box"])
    access.session.add(trigger)
    await access.session.flush()
    await _audit(access, "trigger.create", workflow, trigger)
    if body.type == "scheduled":
        await _reschedule(request, access, workflow)
    response.headers["ETag"] = etag(trigger.revision)
    return _made(request, trigger, key, secret)


@router.patch(f"{BASE}/{{trigger_id}}", **needs("developer", errors=(409, 412, 503)))
async def change(
    workflow_id: str,
    trigger_id: str,
    body: schemas.ChangeTrigger,
    request: Request,
    response: Response,
    access: AccessDep,
) -> schemas.TriggerAnswer:
    """Pause, resume, or configure. What is drawn is configured in the definition."""
    workflow, trigger = await _find(access, workflow_id, trigger_id)
    check_etag(request, trigger.revision)
    if body.config is not None:
        if trigger.node_id is not None:
            raise Conflict(f"this trigger is drawn: change node '{trigger.node_id}' and publish")
        trigger.config = checked_config(trigger.type, body.config)
    if body.is_active is not None:
        trigger.is_active = body.is_active
    trigger.revision += 1
    await access.session.flush()
    await _audit(access, "trigger.change", workflow, trigger)
    if trigger.type == "scheduled":
        await _reschedule(request, access, workflow)
    response.headers["ETag"] = etag(trigger.revision)
    return schemas.TriggerAnswer.model_validate(_fields(trigger))


@router.delete(f"{BASE}/{{trigger_id}}", status_code=204, **needs("developer", errors=(409, 503)))
async def delete(workflow_id: str, trigger_id: str, request: Request, access: AccessDep) -> None:
    workflow, trigger = await _find(access, workflow_id, trigger_id)
    if trigger.node_id is not None:
        raise Conflict(f"this trigger is drawn: delete node '{trigger.node_id}' and publish")
    scheduled = trigger.type == "scheduled"
    await access.session.delete(trigger)
    await access.session.flush()
    await _audit(access, "trigger.delete", workflow, trigger)
    if scheduled:
        await _reschedule(request, access, workflow)


@router.post(f"{BASE}/{{trigger_id}}/rotate", **needs("developer", errors=(409,)))
async def rotate(
    workflow_id: str, trigger_id: str, request: Request, access: AccessDep
) -> schemas.TriggerMade:
    """A new key and secret for a webhook; the old ones stop at once."""
    workflow, trigger = await _find(access, workflow_id, trigger_id)
    if trigger.type != "webhook":
        raise Conflict("only webhooks have keys")
    key, secret = service.give_key(trigger, access.session.info["secret_box"])
    trigger.revision += 1
    await access.session.flush()
    await _audit(access, "trigger.rotate", workflow, trigger)
    return _made(request, trigger, key, secret)
