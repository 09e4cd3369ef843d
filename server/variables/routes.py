"""/api/variables: the team's values and secrets; and the secrets of one workflow."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Access, AccessDep, check_etag, etag, needs
from server.audit.record import record
from server.errors import Conflict, NotFound, field_error
from server.executions.parameters import TYPES
from server.ids import new_id
from server.models import TeamVariable, Workflow, WorkflowVariable, utc_now
from server.paging import PagingQuery
from server.schemas import Page
from server.variables import schemas
from server.workflows.present import variable as present_variable
from server.workflows.queries import variables_of
from server.workflows.schemas import VariableAnswer

router = APIRouter(tags=["variables"])


def _answer(row: TeamVariable) -> schemas.TeamVariableAnswer:
    shown = None if row.is_secret or row.value is None else json.loads(row.value)
    fields = {
        key: getattr(row, key)
        for key in schemas.TeamVariableAnswer.model_fields
        if key not in ("value", "is_set", "workflow_id")
    }
    return schemas.TeamVariableAnswer.model_validate(
        fields | {"value": shown, "is_set": row.value is not None}
    )


def _stored(session: AsyncSession, kind: str, value: Any) -> str:
    """JSON, or for a secret what the box makes of it."""
    if kind == "secret":
        if not isinstance(value, str) or not value:
            raise field_error("value", "of a secret must be a text")
        sealed: str = session.info["secret_box"].encrypt(value)
        return sealed
    what, fits = TYPES[kind]
    if not fits(value):
        raise field_error("value", f"must be {what}")
    return json.dumps(value)


@router.get("/api/variables", **needs("viewer"))
async def variables(
    access: AccessDep,
    paging: PagingQuery,
    team_id: Annotated[str | None, Query(alias="teamId", max_length=25)] = None,
) -> Page[schemas.TeamVariableAnswer]:
    """The team's variables. Secrets come without their values."""
    query = access.scoped(TeamVariable, team_id)
    return await paging.page(access.session, query, TeamVariable.id, _answer)


@router.post("/api/variables", status_code=201, **needs("developer", errors=(409,)))
async def create(
    body: schemas.NewVariable, access: AccessDep, response: Response
) -> schemas.TeamVariableAnswer:
    """Make a variable of the team; or with ``workflowId`` set a secret of that workflow."""
    if body.workflow_id is not None:
        return await _create_in_workflow(access, body)
    team_id = access.team(body.team_id)
    taken = select(TeamVariable.id).where(
        TeamVariable.team_id == team_id, TeamVariable.name == body.name
    )
    if await access.session.scalar(taken) is not None:
        raise Conflict(
            f"a variable is called '{body.name}' already",
            errors=[{"field": "name", "message": "is taken", "code": "taken"}],
        )
    row = TeamVariable(
        id=new_id(),
        team_id=team_id,
        name=body.name,
        type=body.type,
        value=_stored(access.session, body.type, body.value),
        is_secret=body.type == "secret",
        description=body.description,
        created_by=access.caller.user_id,
        revision=1,
    )
    access.session.add(row)
    await access.session.flush()
    await _audit(access, "variable.create", row)
    response.headers["ETag"] = etag(row.revision)
    return _answer(row)


async def _create_in_workflow(
    access: Access, body: schemas.NewVariable
) -> schemas.TeamVariableAnswer:
    workflow = await access.find(Workflow, body.workflow_id or "")
    if body.type != "secret" or not isinstance(body.value, str) or not body.value:
        raise field_error("value", "a workflow takes secrets here: type secret, a text as value")
    row = await _set_secret(access, workflow, body.name, body.value)
    return schemas.TeamVariableAnswer(
        id=row.id,
        team_id=workflow.team_id,
        workflow_id=workflow.id,
        name=row.name,
        type=row.type,
        value=None,
        is_secret=True,
        is_set=True,
        description=row.description,
        created_by=access.caller.user_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        revision=1,
    )


async def _audit(access: Access, action: str, row: TeamVariable) -> None:
    await record(
        access.session,
        access.caller.actor,
        action,
        "variable",
        row.id,
        team_id=row.team_id,
        name=row.name,
        type=row.type,
    )


@router.get("/api/variables/{variable_id}", **needs("viewer"))
async def variable(
    variable_id: str, access: AccessDep, response: Response
) -> schemas.TeamVariableAnswer:
    row = await access.find(TeamVariable, variable_id, "variable")
    response.headers["ETag"] = etag(row.revision)
    return _answer(row)


@router.patch("/api/variables/{variable_id}", **needs("developer", errors=(412,)))
async def change(
    variable_id: str,
    body: schemas.ChangeVariable,
    request: Request,
    response: Response,
    access: AccessDep,
) -> schemas.TeamVariableAnswer:
    """Change the value or the description; name and type stay."""
    row = await access.find(TeamVariable, variable_id, "variable", lock=True)
    check_etag(request, row.revision)
    if "value" in body.model_fields_set:
        row.value = _stored(access.session, row.type, body.value)
    if "description" in body.model_fields_set:
        row.description = body.description
    row.revision += 1
    await access.session.flush()
    await _audit(access, "variable.change", row)
    response.headers["ETag"] = etag(row.revision)
    return _answer(row)


@router.delete("/api/variables/{variable_id}", status_code=204, **needs("developer"))
async def delete(variable_id: str, access: AccessDep) -> None:
    row = await access.find(TeamVariable, variable_id, "variable")
    await access.session.delete(row)
    await access.session.flush()
    await _audit(access, "variable.delete", row)


@router.get("/api/workflows/{workflow_id}/variables", **needs("viewer"))
async def workflow_variables(workflow_id: str, access: AccessDep) -> Page[VariableAnswer]:
    """What the workflow declares, and which of its secrets have a value."""
    workflow = await access.find(Workflow, workflow_id)
    rows = await variables_of(access.session, workflow.id)
    return Page(items=[present_variable(row) for row in rows])


@router.put("/api/workflows/{workflow_id}/variables/{name}", **needs("developer"))
async def set_secret(
    workflow_id: str, name: str, body: schemas.SecretValue, access: AccessDep
) -> VariableAnswer:
    """Set a secret for this workflow alone; it goes before the team's secret of that name."""
    workflow = await access.find(Workflow, workflow_id)
    return present_variable(await _set_secret(access, workflow, name, body.value))


async def _set_secret(
    access: Access, workflow: Workflow, name: str, value: str | None
) -> WorkflowVariable:
    row = await access.session.scalar(
        select(WorkflowVariable).where(
            WorkflowVariable.workflow_id == workflow.id, WorkflowVariable.name == name
        )
    )
    if row is None:
        raise NotFound(f"this workflow declares no variable '{name[:100]}'")
    if not row.is_secret:
        raise field_error("value", "only secrets are set here; other variables have defaults")
    row.default_value = None if value is None else _stored(access.session, "secret", value)
    row.updated_at = utc_now()
    await access.session.flush()
    await record(
        access.session,
        access.caller.actor,
        "secret.set" if value is not None else "secret.clear",
        "workflow",
        workflow.id,
        team_id=workflow.team_id,
        name=name,
    )
    return row
