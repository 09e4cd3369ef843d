"""Make, change, copy and remove workflows. Mistakes in a definition do not stop a draft."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.actors import Actor
from server.audit.record import record
from server.errors import Conflict, field_error
from server.ids import new_id, random_word
from server.models import Workflow, WorkflowDefinition, WorkflowVariable, utc_now
from server.teams.service import slug_of
from server.workflows.facts import Facts, read_facts
from server.workflows.queries import definition_of, open_runs, variables_of

TRIGGERS = ("manual", "scheduled", "webhook", "event")


def bare_definition(name: str, trigger: str, description: str | None) -> str:
    """What a new workflow starts from: its trigger and nothing else."""
    lines = ['version: "1.0"', f"name: {json.dumps(name, ensure_ascii=False)}"]
    if description:
        lines.append(f"description: {json.dumps(description, ensure_ascii=False)}")
    lines += [
        f"trigger: {trigger}",
        "",
        "nodes:",
        "  trigger-1:",
        "    type: trigger",
        f"    label: {trigger.title()} Trigger",
        *([] if trigger == "manual" else [f"    trigger: {trigger}"]),
        "",
        "edges: []",
        "",
    ]
    return "\n".join(lines)


async def make_workflow(
    session: AsyncSession,
    actor: Actor,
    *,
    team_id: str,
    content: str,
    format: str,  # noqa: A002 - the wish's word
    name: str | None = None,
    description: str | None = None,
    trigger: str | None = None,
    tags: list[str] | None = None,
    source: str = "created",
) -> Workflow:
    facts = read_facts(content, format)
    name = (name or (facts.name or "").strip()[:200]).strip()
    if not name:
        raise field_error("name", "is needed, here or in the definition", "required")
    workflow = Workflow(
        id=new_id(),
        team_id=team_id,
        name=name,
        slug=await _free_slug(session, name),
        description=description if description is not None else facts.description,
        tags=list(tags or facts.tags),
        trigger=facts.trigger if facts.trigger in TRIGGERS else (trigger or "manual"),
        created_by=actor.id or "",
    )
    session.add(workflow)
    await session.flush()
    definition = WorkflowDefinition(
        id=new_id(),
        workflow_id=workflow.id,
        content=content,
        format=format,
        version=1,
        created_by=actor.id or "",
        nodes=list(facts.nodes),
        edges=list(facts.edges),
    )
    session.add(definition)
    await session.flush()
    workflow.definition_id = definition.id
    await _keep_variables(session, workflow.id, facts)
    await session.flush()
    await record(
        session,
        actor,
        "workflow.create",
        "workflow",
        workflow.id,
        team_id=team_id,
        version=1,
        name=name,
        how=source,
    )
    return workflow


async def _free_slug(session: AsyncSession, name: str) -> str:
    slug = slug_of(name, "workflow")
    taken = await session.scalar(select(Workflow.id).where(Workflow.slug == slug))
    return slug if taken is None else f"{slug}-{random_word(6)}"


async def change_workflow(
    session: AsyncSession,
    actor: Actor,
    workflow: Workflow,
    *,
    changes: dict[str, Any],
    content: str | None = None,
    format: str | None = None,  # noqa: A002 - the wish's word
    changelog: str | None = None,
) -> None:
    """A draft is written over; a published version stays, and a new draft follows it."""
    for key in ("name", "tags"):
        if changes.get(key) is not None:
            setattr(workflow, key, changes[key])
    if "description" in changes:
        workflow.description = changes["description"]
    definition = await definition_of(session, workflow)
    if content is not None and (content, format) != (definition.content, definition.format):
        facts = read_facts(content, format or definition.format)
        if definition.published_at is not None:
            definition = await _next_draft(session, actor, workflow)
        definition.content = content
        definition.format = format or definition.format
        definition.nodes, definition.edges = list(facts.nodes), list(facts.edges)
        definition.digest = definition.source = definition.filename = None
        definition.source_map = definition.interface = None
        if facts.trigger in TRIGGERS:
            workflow.trigger = facts.trigger
        await _keep_variables(session, workflow.id, facts)
    if changelog is not None and definition.published_at is None:
        definition.changelog = changelog
    workflow.revision += 1
    workflow.updated_at = utc_now()
    await session.flush()
    await record(
        session,
        actor,
        "workflow.change",
        "workflow",
        workflow.id,
        team_id=workflow.team_id,
        version=workflow.version,
        changed=sorted([*changes, *(["definition"] if content is not None else [])]),
    )


async def _next_draft(
    session: AsyncSession, actor: Actor, workflow: Workflow
) -> WorkflowDefinition:
    workflow.version += 1
    draft = WorkflowDefinition(
        id=new_id(),
        workflow_id=workflow.id,
        content="",
        format="json",
        version=workflow.version,
        created_by=actor.id or "",
        nodes=[],
        edges=[],
    )
    session.add(draft)
    await session.flush()
    workflow.definition_id = draft.id
    return draft


async def _keep_variables(session: AsyncSession, workflow_id: str, facts: Facts) -> None:
    """The table follows the declarations; a secret's value stays as long as its name does."""
    known = {row.name: row for row in await variables_of(session, workflow_id)}
    declared = {variable.name: variable for variable in facts.variables}
    for name in known.keys() - declared.keys() - await _still_used(session, workflow_id):
        await session.delete(known[name])
    for name, variable in declared.items():
        row = known.get(name)
        if row is None:
            row = WorkflowVariable(workflow_id=workflow_id, name=name, type=variable.type)
            session.add(row)
        if not variable.is_secret:
            row.default_value = json.dumps(variable.default) if variable.has_default else None
        elif not row.is_secret:
            row.default_value = None
        row.type = variable.type
        row.is_secret = variable.is_secret
        row.description = variable.description
        row.required = variable.required
        row.pattern = variable.pattern
        row.choices = variable.choices


async def _still_used(session: AsyncSession, workflow_id: str) -> set[str]:
    """Names that the published version declares: its runs need their secrets."""
    definition = await session.scalar(
        select(WorkflowDefinition)
        .join(Workflow, Workflow.published_definition_id == WorkflowDefinition.id)
        .where(Workflow.id == workflow_id)
    )
    if definition is None:
        return set()
    return {v.name for v in read_facts(definition.content, definition.format).variables}


async def require_no_runs(session: AsyncSession, workflow_id: str) -> None:
    busy = await open_runs(session, workflow_id, limit=1)
    if busy:
        raise Conflict(
            f"run {busy[0].id} is {busy[0].status}: cancel it or let it end first",
            code="runs-in-flight",
        )


async def delete_workflow(session: AsyncSession, actor: Actor, workflow: Workflow) -> None:
    """It leaves every list; its runs, versions and audit entries stay."""
    await require_no_runs(session, workflow.id)
    workflow.deleted_at = utc_now()
    workflow.is_published = False
    workflow.deployment_id = None
    # The name may be used again: the slug of something deleted gets out of the way.
    workflow.slug = f"{workflow.slug[:90]}-deleted-{random_word(10)}"
    await session.flush()
    await record(
        session,
        actor,
        "workflow.delete",
        "workflow",
        workflow.id,
        team_id=workflow.team_id,
        version=workflow.version,
        name=workflow.name,
    )
