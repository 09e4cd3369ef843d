"""/api/workflow-templates, and a workflow made from one."""

from __future__ import annotations

import json

from fastapi import APIRouter, Response
from sqlalchemy import select

from server.access import AccessDep, etag, needs
from server.audit.record import record
from server.errors import Invalid, NotFound
from server.models import Connection, WorkflowVariable
from server.schemas import Page
from server.templates import schemas
from server.templates.answers import BadAnswers, answered
from server.templates.catalogue import Template, UnknownTemplate, template, templates
from server.workflows import present, queries, service
from server.workflows.compiling import check
from server.workflows.schemas import WorkflowAnswer

router = APIRouter(tags=["templates"])


@router.get("/api/workflow-templates", **needs("signed-in", "read"))
async def list_templates() -> Page[schemas.TemplateAnswer]:
    """The workflows to start from, with what they ask."""
    return Page(items=[_shown(each) for each in templates()])


@router.get("/api/workflow-templates/{template_id}", **needs("signed-in", "read", errors=(404,)))
async def one_template(template_id: str) -> schemas.TemplateAnswer:
    return _shown(_find(template_id))


@router.post("/api/workflows/from-template/{template_id}", status_code=201, **needs("developer"))
async def from_template(
    template_id: str,
    access: AccessDep,
    response: Response,
    body: schemas.FromTemplate | None = None,
) -> WorkflowAnswer:
    """Make a draft from a template. Secrets among the answers are stored encrypted, apart."""
    body = body or schemas.FromTemplate()
    chosen = _find(template_id)
    team_id = access.team(body.team_id)
    try:
        made = answered(chosen, body.answers, name=body.name or "")
    except BadAnswers as error:
        raise Invalid("some answers are not right", errors=_errors(error.problems)) from None
    await _check_connections(access, team_id, chosen, body)
    workflow = await service.make_workflow(
        access.session,
        access.caller.actor,
        team_id=team_id,
        content=made.text,
        format="yaml",
        source=f"template {chosen.id}",
    )
    await _store_secrets(access, workflow.id, dict(made.secrets))
    for name in made.secrets:
        await record(
            access.session,
            access.caller.actor,
            "secret.set",
            "workflow",
            workflow.id,
            team_id=team_id,
            name=name,
        )
    definition = await queries.definition_of(access.session, workflow)
    problems = await check(definition.content, definition.format, definition.version)
    response.headers["ETag"] = etag(workflow.revision)
    return WorkflowAnswer.model_validate(await present.detail(access.session, workflow, problems))


async def _check_connections(
    access: AccessDep, team_id: str, chosen: Template, body: schemas.FromTemplate
) -> None:
    known = select(Connection.id, Connection.name).where(Connection.team_id == team_id)
    names = {value for row in await access.session.execute(known) for value in row}
    problems = {
        question.id: "this team has no such connection"
        for question in chosen.questions
        if question.type == "connection" and body.answers.get(question.id, "") not in {"", *names}
    }
    if problems:
        raise Invalid("some answers are not right", errors=_errors(problems))


async def _store_secrets(access: AccessDep, workflow_id: str, secrets: dict[str, str]) -> None:
    rows = await access.session.scalars(
        select(WorkflowVariable).where(
            WorkflowVariable.workflow_id == workflow_id, WorkflowVariable.is_secret.is_(True)
        )
    )
    for row in rows:
        if row.name in secrets:
            row.default_value = access.session.info["secret_box"].encrypt(secrets[row.name])
    await access.session.flush()


def _errors(problems: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"field": f"answers.{asked[:100]}", "message": text, "code": "invalid"}
        for asked, text in problems.items()
    ]


def _find(template_id: str) -> Template:
    try:
        return template(template_id)
    except UnknownTemplate as error:
        raise NotFound(str(error)) from None


def _shown(each: Template) -> schemas.TemplateAnswer:
    return schemas.TemplateAnswer(
        id=each.id,
        name=each.name,
        description=each.description,
        kind=each.kind,
        summary=each.summary,
        trigger=each.trigger,
        tags=list(each.tags),
        questions=[
            schemas.QuestionAnswer(
                id=question.id,
                ask=question.ask,
                type=question.type,
                help=question.help,
                required=question.required,
                default=json.loads(json.dumps(each.default(question))),
            )
            for question in each.questions
        ],
        content=each.text,
    )
