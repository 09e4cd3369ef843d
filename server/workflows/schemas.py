"""Bodies of /api/workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from compiler.edits import Fix
from server.schemas import Answer, Body, Json, JsonObject, LongText, Name, Tags, Text
from server.workflows.facts import MAX_BYTES

TriggerKind = Literal["manual", "scheduled", "webhook", "event"]
Content = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_BYTES)]
TeamId = Annotated[
    str | None,
    Field(max_length=25, description="May be left out by those who have one team"),
]


class DefinitionText(Body):
    content: Content
    format: Literal["json", "yaml"] = "yaml"


class NewWorkflow(Body):
    team_id: TeamId = None
    name: Name | None = Field(None, description="Taken from the definition when left out")
    description: LongText | None = None
    trigger: TriggerKind = "manual"
    tags: Tags = Field(default_factory=list)
    definition: DefinitionText | None = Field(None, description="A first draft; else a bare one")


class ChangeWorkflow(Body):
    name: Name | None = None
    description: LongText | None = None
    tags: Tags | None = None
    definition: DefinitionText | None = None
    changelog: LongText | None = None
    is_published: bool | None = Field(None, description="Publish or unpublish, after the changes")


class Publish(Body):
    changelog: LongText | None = None
    acknowledge: bool | None = Field(
        None, description="`false` refuses to publish a definition with warnings"
    )


class Duplicate(Body):
    name: Name | None = None


class Import(Body):
    team_id: TeamId = None
    content: Content
    format: Literal["json", "yaml"] = "yaml"


class Execute(Body):
    context: JsonObject = Field(default_factory=dict)
    variables: JsonObject = Field(default_factory=dict)
    delay_seconds: float = Field(0, ge=0, le=30 * 86400, allow_inf_nan=False)


class TestRun(Body):
    __test__ = False

    input: JsonObject = Field(default_factory=dict, description="Variables, and `connectionId`")
    dry_run: bool = True
    approvals: dict[str, Literal["Approved", "Rejected", "Expired"]] = Field(
        default_factory=dict,
        max_length=200,
        description="What the test answers, by approval node",
    )


class Started(Answer):
    id: str
    status: str


class ProblemAnswer(Answer):
    code: str
    message: str
    line: int | None = None
    column: int | None = None
    node: str | None = None
    field: str | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"
    path: list[str] = Field(default_factory=list)
    fix: Fix | None = Field(
        None, description="Edits that mend it, where the server knows them; all are one change"
    )


class DefinitionAnswer(Answer):
    id: str
    version: int
    content: str
    format: str
    nodes: Json
    edges: Json
    changelog: str | None
    digest: str | None
    created_at: datetime
    created_by: str
    published_at: datetime | None
    published_by: str | None


class VariableAnswer(Answer):
    name: str
    type: str
    default_value: Any = None
    description: str | None
    is_secret: bool
    is_set: bool = Field(description="Whether a secret has a value for this workflow")
    required: bool
    pattern: str | None
    choices: list[Any] | None = Field(None, alias="enum")


class LastExecution(Answer):
    id: str
    status: str
    triggered_at: datetime


class WorkflowSummary(Answer):
    id: str
    team_id: str
    name: str
    slug: str
    description: str | None
    version: int
    is_published: bool
    published_at: datetime | None
    published_version: int | None
    tags: list[str]
    trigger: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_execution: LastExecution | None = None
    last_executions: list[LastExecution] = Field(
        default_factory=list, description="The newest runs, newest first; in lists only"
    )


class WorkflowAnswer(WorkflowSummary):
    definition_id: str
    definition: DefinitionAnswer
    variables: list[VariableAnswer]
    problems: list[ProblemAnswer]
    revision: int


class InFlight(Answer):
    id: str
    status: str
    version: int


class Published(WorkflowAnswer):
    in_flight: list[InFlight] = Field(
        description="Runs of earlier versions, which end as they began"
    )


class VersionSummary(Answer):
    version: int
    changelog: str | None
    digest: str | None
    created_at: datetime
    created_by: str
    published_at: datetime | None
    published_by: str | None
    is_live: bool


class VersionAnswer(VersionSummary):
    content: str
    format: str
    source: str | None = Field(description="The generated flow")
    source_map: Any = None


class NodeChange(Answer):
    node: str
    change: Literal["added", "removed", "changed"]
    fields: list[str] = Field(default_factory=list)


class Comparison(Answer):
    old: int
    new: int
    text: str = Field(description="Unified diff of the definition")
    python: str = Field(description="Unified diff of the generated flow")
    nodes: list[NodeChange]
    edges_added: list[str]
    edges_removed: list[str]


class CheckDefinition(Body):
    content: Annotated[Text, StringConstraints(max_length=MAX_BYTES)]
    format: Literal["json", "yaml"] = "yaml"
    version: int = Field(1, ge=1, le=1_000_000)


class Checked(Answer):
    problems: list[ProblemAnswer]
    source: str | None = Field(description="The flow it becomes, when there is no error")
    source_map: Any = None
    digest: str | None
