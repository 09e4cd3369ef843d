"""Rows to answers."""

from __future__ import annotations

import difflib
import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from compiler.edits import Fix
from compiler.errors import Problem
from server.models import Workflow, WorkflowDefinition, WorkflowExecution, WorkflowVariable
from server.workflows import schemas
from server.workflows.compiling import as_json
from server.workflows.queries import definition_of, last_executions, variables_of

_SUMMARY = (
    "id",
    "team_id",
    "name",
    "slug",
    "description",
    "version",
    "is_published",
    "published_at",
    "published_version",
    "tags",
    "trigger",
    "created_by",
    "created_at",
    "updated_at",
)


def summary(workflow: Workflow, recent: list[WorkflowExecution]) -> schemas.WorkflowSummary:
    """``recent``: newest first."""
    fields = _fields(workflow, recent[0] if recent else None)
    fields["last_executions"] = [schemas.LastExecution.model_validate(run) for run in recent]
    return schemas.WorkflowSummary.model_validate(fields)


def _fields(workflow: Workflow, last: WorkflowExecution | None) -> dict[str, Any]:
    fields = {key: getattr(workflow, key) for key in _SUMMARY}
    fields["last_execution"] = None if last is None else schemas.LastExecution.model_validate(last)
    return fields


async def detail(
    session: AsyncSession, workflow: Workflow, problems: list[Problem]
) -> dict[str, Any]:
    """The fields of WorkflowAnswer."""
    last = (await last_executions(session, [workflow.id])).get(workflow.id)
    definition = await definition_of(session, workflow)
    return _fields(workflow, last) | {
        "definition_id": definition.id,
        "definition": schemas.DefinitionAnswer.model_validate(definition),
        "variables": [variable(row) for row in await variables_of(session, workflow.id)],
        "problems": [problem(each) for each in problems],
        "revision": workflow.revision,
    }


def problem(found: Problem, fix: Fix | None = None) -> schemas.ProblemAnswer:
    return schemas.ProblemAnswer.model_validate(as_json(found) | {"fix": fix})


def variable(row: WorkflowVariable) -> schemas.VariableAnswer:
    default = None
    if not row.is_secret and row.default_value is not None:
        default = json.loads(row.default_value)
    return schemas.VariableAnswer(
        name=row.name,
        type=row.type,
        default_value=default,
        description=row.description,
        is_secret=row.is_secret,
        is_set=row.default_value is not None,
        required=row.required,
        pattern=row.pattern,
        choices=row.choices,
    )


def version(workflow: Workflow, definition: WorkflowDefinition) -> schemas.VersionSummary:
    return schemas.VersionSummary.model_validate(_version(workflow, definition))


def version_in_full(workflow: Workflow, definition: WorkflowDefinition) -> schemas.VersionAnswer:
    return schemas.VersionAnswer.model_validate(
        _version(workflow, definition)
        | {key: getattr(definition, key) for key in ("content", "format", "source", "source_map")}
    )


def _version(workflow: Workflow, definition: WorkflowDefinition) -> dict[str, Any]:
    keys = (
        "version",
        "changelog",
        "digest",
        "created_at",
        "created_by",
        "published_at",
        "published_by",
    )
    live = workflow.is_published and workflow.published_definition_id == definition.id
    return {key: getattr(definition, key) for key in keys} | {"is_live": live}


def compare(
    old: WorkflowDefinition, new: WorkflowDefinition, old_source: str, new_source: str
) -> schemas.Comparison:
    """As text, as Python, and as what it means: nodes and edges."""
    before = {node["id"]: node for node in old.nodes}
    after = {node["id"]: node for node in new.nodes}
    changes = [schemas.NodeChange(node=i, change="added") for i in after if i not in before]
    changes += [schemas.NodeChange(node=i, change="removed") for i in before if i not in after]
    for node_id in after.keys() & before.keys():
        fields = _changed(before[node_id], after[node_id])
        if fields:
            changes.append(schemas.NodeChange(node=node_id, change="changed", fields=fields))
    old_edges, new_edges = ({_edge(edge) for edge in each.edges} for each in (old, new))
    return schemas.Comparison(
        old=old.version,
        new=new.version,
        text=_diff(old.content, new.content, f"v{old.version}", f"v{new.version}"),
        python=_diff(old_source, new_source, f"v{old.version}", f"v{new.version}"),
        nodes=sorted(changes, key=lambda change: change.node),
        edges_added=sorted(new_edges - old_edges),
        edges_removed=sorted(old_edges - new_edges),
    )


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    old = {"type": before["type"], "label": before["label"], **before["data"]}
    new = {"type": after["type"], "label": after["label"], **after["data"]}
    return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _edge(edge: dict[str, Any]) -> str:
    label = f" [{edge['label']}]" if edge.get("label") else ""
    return json.dumps(f"{edge.get('source')} → {edge.get('target')}{label}", ensure_ascii=False)[
        1:-1
    ]


def _diff(old: str, new: str, old_name: str, new_name: str) -> str:
    return "".join(
        difflib.unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name
        )
    )
