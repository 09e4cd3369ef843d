"""/api/workflows/{id}/triggers, the preview of schedules, and events from outside."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from fastapi import APIRouter, Request, Response

from server.access import Access, AccessDep, check_etag, database_of, etag, needs
from server.errors import Conflict, NotFound, field_error
from server.ids import new_id
from server.models import Workflow, WorkflowDefinition, WorkflowTrigger
from server.orchestrator.protocol import OrchestratorUnavailable
from server.schemas import Page
from server.secret_box import SecretBox
from server.triggers import schemas, service
from server.triggers.config import checked
from server.triggers.events import Happening, happened
from server.triggers.keys import Shown, renew
from server.triggers.schedules import schedules, set_schedules, slug_of

router = APIRouter(tags=["triggers"])
BASE = "/api/workflows/{workflow_id}/triggers"


def _box(request: Request) -> SecretBox:
    return cast(SecretBox, request.app.state.secret_box)


def _made(request: Request, trigger: WorkflowTrigger, shown: Shown | None) -> schemas.TriggerMade:
    made = schemas.TriggerMade.model_validate(trigger)
    if shown is None:
        return made
    public = request.app.state.settings.public_url.rstrip("/")
    return made.model_copy(
        update={
            "key": shown.key,
            "url": f"{public}/api/webhooks/{shown.key}",
            "secret": shown.secret,
        }
    )


async def _find(
    access: Access, workflow_id: str, trigger_id: str, *, lock: bool = False
) -> WorkflowTrigger:
    workflow = await access.find(Workflow, workflow_id)
    trigger = await access.session.get(WorkflowTrigger, trigger_id, with_for_update=lock)
    if trigger is None or trigger.workflow_id != workflow.id:
        raise NotFound(f"this workflow has no trigger '{trigger_id[:40]}'")
    return trigger


@router.get(BASE, **needs("viewer"))
async def triggers(workflow_id: str, access: AccessDep) -> Page[schemas.TriggerAnswer]:
    """What starts the workflow: trigger nodes that are published, and triggers made here."""
    workflow = await access.find(Workflow, workflow_id)
    rows = await service.triggers_of(access.session, workflow.id)
    return Page(items=[schemas.TriggerAnswer.model_validate(row) for row in rows])


@router.post(BASE, status_code=201, **needs("developer", errors=(409, 503)))
async def create(
    workflow_id: str, body: schemas.NewTrigger, request: Request, response: Response
) -> schemas.TriggerMade:
    """Add a trigger. A webhook's key, address and secret are in this answer and in no other."""
    config = checked(body.type, body.config)
    if body.type == "scheduled":
        await _reschedule(request, workflow_id, {"new": (config, body.is_active)})
    async with database_of(request).writing() as session:
        access = Access(session, request.state.caller, request.state.policy)
        workflow = await access.find(Workflow, workflow_id)
        trigger, shown = await service.make(
            session,
            access.caller.actor,
            workflow,
            body.type,
            body.config,
            _box(request),
            is_active=body.is_active,
        )
    if body.type == "scheduled":
        await _reschedule(request, workflow_id)  # under the name it has got
    if body.type == "webhook" and workflow.is_published and workflow.deployment_id is not None:
        with suppress(OrchestratorUnavailable):  # the aligner makes up for it
            await request.app.state.orchestrator.listen_for(workflow.slug, workflow.deployment_id)
    response.headers["ETag"] = etag(trigger.revision)
    return _made(request, trigger, shown)


@router.get(f"{BASE}/{{trigger_id}}", **needs("viewer"))
async def trigger(
    workflow_id: str, trigger_id: str, access: AccessDep, response: Response
) -> schemas.TriggerAnswer:
    found = await _find(access, workflow_id, trigger_id)
    response.headers["ETag"] = etag(found.revision)
    return schemas.TriggerAnswer.model_validate(found)


@router.patch(f"{BASE}/{{trigger_id}}", **needs("developer", errors=(409, 412, 503)))
async def change(
    workflow_id: str,
    trigger_id: str,
    body: schemas.ChangeTrigger,
    request: Request,
    response: Response,
) -> schemas.TriggerAnswer:
    """Pause, resume or configure. A drawn trigger is configured in its node; here it is paused."""
    database = database_of(request)
    async with database.reading() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await _find(access, workflow_id, trigger_id)
        check_etag(request, found.revision)
        config = found.config if body.config is None else checked(found.type, body.config)
        if found.node_id is not None and body.config is not None:
            raise Conflict(
                f"this trigger is drawn: change the node '{found.node_id}' and publish",
                code="drawn",
            )
        if config.get("scheme") != found.config.get("scheme"):
            raise field_error("config.scheme", "stays; make a new trigger for another scheme")
        active = found.is_active if body.is_active is None else body.is_active
    if found.type == "scheduled":
        await _reschedule(request, workflow_id, {slug_of(found): (config, active)})
    async with database.writing() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await _find(access, workflow_id, trigger_id, lock=True)
        check_etag(request, found.revision)
        found.config, found.is_active = config, active
        found.revision += 1
        await session.flush()
        workflow = await access.find(Workflow, workflow_id)
        action = {True: "trigger.resume", False: "trigger.pause", None: "trigger.change"}
        await service.noted(session, access.caller.actor, action[body.is_active], workflow, found)
    response.headers["ETag"] = etag(found.revision)
    return schemas.TriggerAnswer.model_validate(found)


@router.delete(f"{BASE}/{{trigger_id}}", status_code=204, **needs("developer", errors=(409, 503)))
async def delete(workflow_id: str, trigger_id: str, request: Request) -> None:
    """Remove a trigger that was made here. A drawn one goes with its node."""
    database = database_of(request)
    async with database.reading() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await _find(access, workflow_id, trigger_id)
        if found.node_id is not None:
            raise Conflict(
                f"this trigger is drawn: remove the node '{found.node_id}' and publish, or pause it",
                code="drawn",
            )
    if found.type == "scheduled":
        await _reschedule(request, workflow_id, without=found.id)
    async with database.writing() as session:
        access = Access(session, request.state.caller, request.state.policy)
        found = await _find(access, workflow_id, trigger_id)
        workflow = await access.find(Workflow, workflow_id)
        await session.delete(found)
        await session.flush()
        await service.noted(session, access.caller.actor, "trigger.delete", workflow, found)


@router.post(f"{BASE}/{{trigger_id}}/rotate", **needs("developer", errors=(409,)))
async def rotate(
    workflow_id: str, trigger_id: str, request: Request, access: AccessDep
) -> schemas.TriggerMade:
    """A new key and secret for a webhook; the old ones stop working at once."""
    found = await _find(access, workflow_id, trigger_id)
    if found.type != "webhook":
        raise Conflict("only webhooks have a key")
    shown = renew(found, _box(request))
    found.revision += 1
    await access.session.flush()
    workflow = await access.find(Workflow, workflow_id)
    await service.noted(access.session, access.caller.actor, "trigger.rotate", workflow, found)
    return _made(request, found, shown)


@router.post("/api/events", status_code=202, **needs("developer", "execute"))
async def event(body: schemas.NewEvent, request: Request, access: AccessDep) -> schemas.EventTaken:
    """Say that something happened outside, such as a deployment; event triggers may wait for it."""
    happening = Happening(
        id=body.id or new_id(),
        team_id=access.team(body.team_id),
        type=body.type,
        data=body.data,
        started_by=access.caller.user_id,
    )
    started = await happened(access.session, happening, access.caller.actor)
    if started:
        access.after_commit(request.app.state.dispatcher.wake)
    return schemas.EventTaken(id=happening.id, executions=started)


async def _reschedule(
    request: Request,
    workflow_id: str,
    changed: Mapping[str, tuple[Mapping[str, Any], bool]] | None = None,
    *,
    without: str = "",
) -> None:
    """The orchestrator first, outside of any transaction: if it does not answer, nothing changes."""
    async with database_of(request).reading() as session:
        access = Access(session, request.state.caller, request.state.policy)
        workflow = await access.find(Workflow, workflow_id)
        rows = await service.triggers_of(session, workflow.id)
        published = await session.get(WorkflowDefinition, workflow.published_definition_id or "")
    wanted: dict[str, tuple[Mapping[str, Any], bool]] = {
        slug_of(row): (row.config, row.is_active) for row in rows if row.type == "scheduled"
    }
    wanted.pop(without, None)
    wanted.update(changed or {})
    interface = (published.interface if published else None) or {}
    await set_schedules(request.app.state.orchestrator, workflow, schedules(wanted, interface))
