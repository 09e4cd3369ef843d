"""/api/workflow-templates, and making workflows from them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from server.access import AccessDep, etag, needs
from server.errors import NotFound
from server.schemas import Answer, Body, LongText, Name, Page
from server.templates.service import Template, templates
from server.workflows import present
from server.workflows.compiling import check
from server.workflows.schemas import TeamId, WorkflowAnswer
from server.workflows.service import make_workflow

router = APIRouter(tags=["templates"])


class Question(Answer):
    """What a run of it will be asked; where there is no default, always."""

    name: str
    type: str
    description: str | None
    default: Any = None
    required: bool


class TemplateAnswer(Answer):
    id: str
    name: str
    description: str | None
    trigger: str | None
    tags: list[str]
    format: str
    content: str
    questions: list[Question]


class FromTemplate(Body):
    team_id: TeamId = None
    name: Name | None = None
    description: LongText | None = None


def _answer(template: Template) -> TemplateAnswer:
    facts = template.facts
    return TemplateAnswer(
        id=template.id,
        name=facts.name or template.id,
        description=facts.description,
        trigger=facts.trigger,
        tags=list(facts.tags),
        format=template.format,
        content=template.content,
        questions=[
            Question(
                name=variable.name,
                type=variable.type,
                description=variable.description,
                default=None if variable.is_secret else variable.default,
                required=variable.required or not variable.has_default,
            )
            for variable in facts.variables
        ],
    )


@router.get("/api/workflow-templates", **needs("signed-in"))
async def workflow_templates() -> Page[TemplateAnswer]:
    """Workflows to start from."""
    return Page(items=[_answer(template) for template in templates()])


@router.post("/api/workflows/from-template/{template_id}", status_code=201, **needs("developer"))
async def from_template(
    template_id: str, access: AccessDep, response: Response, body: FromTemplate | None = None
) -> WorkflowAnswer:
    """Make a workflow from a template."""
    body = body or FromTemplate()
    template = next((each for each in templates() if each.id == template_id), None)
    if template is None:
        raise NotFound(f"there is no template '{template_id[:100]}'")
    workflow = await make_workflow(
        access.session,
        access.caller.actor,
        team_id=access.team(body.team_id),
        content=template.content,
        format=template.format,
        name=body.name,
        description=body.description,
        source=f"template {template.id}",
    )
    problems = await check(template.content, template.format)
    response.headers["ETag"] = etag(workflow.revision)
    return WorkflowAnswer.model_validate(await present.detail(access.session, workflow, problems))
