"""Bodies of /api/worker: the fixed contract with flow processes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.connections.schemas import MigrationsAnswer
from server.schemas import Answer, Body, Json, LongText, ShortText


class WorkerConnection(Answer):
    id: str
    name: str
    environment: str
    url: str
    tool: str
    migrations: MigrationsAnswer


class WorkerSecret(Answer):
    value: str


class SecretPart(Body):
    secret: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Notify(Body):
    """Who is told besides the approvers. The server reads secrets where it sends."""

    slack: list[SecretPart | ShortText] = Field(
        default_factory=list,
        max_length=20,
        description="An incoming webhook, in parts: texts, and secrets by their names",
    )
    emails: list[ShortText] = Field(default_factory=list, max_length=50)
    reminders: bool = Field(True, description="Told again at half time and near the end")


class AskApproval(Body):
    node_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    approvers: list[ShortText] = Field(max_length=200)
    required: Annotated[int, Field(ge=1, le=200)] | Literal["any", "all"] = "any"
    timeout: float = Field(gt=0, le=366 * 86400, allow_inf_nan=False, description="Seconds")
    message: LongText = ""
    skip_if_creator: bool = False
    distinct: bool = False
    notify: Notify = Field(default_factory=Notify)
    digest: str = Field("", max_length=100)
    plans: list[Json] = Field(default_factory=list, max_length=100)
    plan_hash: str = Field("", max_length=100)


class Asked(Answer):
    id: str
    status: str
    expires_at: datetime | None


class Decision(Answer):
    status: str
    reason: str | None = Field(None, description="Why the request was withdrawn or rejected")
    outcome: Literal["approved", "rejected", "expired"] | None
    by: list[str]
    comment: str
    decided_at: datetime | None
    decision: str | None = Field(description="The exact text that was signed")
    signature: str | None
    resumes: int = Field(
        description="When this server last resumed the run, in milliseconds since 1970; 0 if never."
        " A flow that is resumed without this having moved was resumed by somebody else."
    )


class Adopt(Body):
    flow_run_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")]
    process: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Adopted(Answer):
    execution_id: str
    parameters: Json = Field(description="What the flow takes in the place of its own")
    stop: str | None = Field(
        None, description="Why it is to do nothing: it comes too late, or was cancelled"
    )
    uncalled: bool = Field(
        False,
        description="The run was suspended, and somebody else than this server has called it back",
    )
    begun: list[str] = Field(
        default_factory=list, description="The nodes that were seen at work, or settled, before"
    )


class Suspend(Body):
    process: Annotated[str, StringConstraints(max_length=200)]
    node_ids: list[Annotated[str, StringConstraints(max_length=200)]] = Field(
        min_length=1, max_length=200, description="The approvals that the run waits for"
    )


class Suspended(Answer):
    suspended: bool = Field(description="False when one of them is decided: the process goes on")


class Heartbeat(Body):
    process: Annotated[str, StringConstraints(max_length=200)]


class Heard(Answer):
    cancel_requested: bool


class News(Body):
    flow_run_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
