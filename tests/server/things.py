"""One of each thing in a team, made directly in the tables: something for every route to meet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from server.ids import new_id
from server.models import (
    ApiToken,
    Connection,
    Invitation,
    Membership,
    NodeExecution,
    TeamVariable,
    User,
    Workflow,
    WorkflowApproval,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTrigger,
    WorkflowVariable,
    utc_now,
)
from server.tokens import new_token, token_hash
from tests.server.conftest import World

CONTENT = """\
version: "1.0"
name: A thing
trigger: manual
variables:
  hook: {type: secret}
nodes:
  trigger-1: {type: trigger, label: Start}
edges: []
"""


@dataclass(frozen=True)
class Things:
    """Ids by the name of the path parameter."""

    ids: dict[str, str]
    key: str


async def make_things(world: World, team_id: str, *, approvers: list[str] | None = None) -> Things:
    box = world.app.state.secret_box
    ids = {
        name: new_id()
        for name in (
            "workflow_id",
            "execution_id",
            "approval_id",
            "connection_id",
            "variable_id",
            "trigger_id",
            "invitation_id",
            "definition_id",
            "user_id",
        )
    }
    key = new_token("hook")
    workflow_id = ids["workflow_id"]
    async with world.database.writing() as session:
        session.add(
            Workflow(
                id=workflow_id,
                team_id=team_id,
                name="A thing",
                slug=f"thing-{workflow_id}",
                definition_id=ids["definition_id"],
                version=1,
                trigger="manual",
                created_by="nobody",
                is_published=True,
                published_version=1,
                published_definition_id=ids["definition_id"],
                deployment_id="deployment-thing",
            )
        )
        member = User(id=ids["user_id"], email=f"{ids['user_id']}@example.test", name="Member")
        session.add(member)
        await session.flush()
        session.add_all(
            [
                WorkflowDefinition(
                    id=ids["definition_id"],
                    workflow_id=workflow_id,
                    content=CONTENT,
                    format="yaml",
                    version=1,
                    created_by="nobody",
                    published_at=utc_now(),
                ),
                WorkflowVariable(
                    workflow_id=workflow_id, name="hook", type="secret", is_secret=True
                ),
                WorkflowExecution(
                    id=ids["execution_id"],
                    workflow_id=workflow_id,
                    team_id=team_id,
                    definition_id=ids["definition_id"],
                    version=1,
                    triggered_by="schedule",
                    status="pending",
                    prefect_flow_run_id=f"run-{ids['execution_id']}",
                ),
                Connection(
                    id=ids["connection_id"],
                    team_id=team_id,
                    name=f"Database {ids['connection_id']}",
                    environment="production",
                    url=box.encrypt("sqlite:////nowhere/at-all.db"),
                    database="sqlite:////nowhere/at-all.db",
                    created_by="nobody",
                ),
                TeamVariable(
                    id=ids["variable_id"],
                    team_id=team_id,
                    name=f"v{ids['variable_id']}",
                    type="string",
                    value='"x"',
                    created_by="nobody",
                ),
                WorkflowTrigger(
                    id=ids["trigger_id"],
                    workflow_id=workflow_id,
                    type="webhook",
                    config={"scheme": "shared-secret"},
                    key_hash=token_hash(key),
                    secret=box.encrypt("the webhook's secret"),
                ),
                Invitation(
                    id=ids["invitation_id"],
                    team_id=team_id,
                    email="somebody@example.test",
                    role="viewer",
                    token_hash=token_hash(new_token("inv")),
                    invited_by="nobody",
                    expires_at=utc_now() + timedelta(days=1),
                ),
                Membership(team_id=team_id, user_id=ids["user_id"], role="viewer"),
                ApiToken(
                    user_id=ids["user_id"],
                    name="t",
                    prefix="dr",
                    token_hash=token_hash(new_token("api")),
                ),
            ]
        )
        await session.flush()
        session.add_all(
            [
                NodeExecution(
                    execution_id=ids["execution_id"],
                    workflow_id=workflow_id,
                    node_id="trigger-1",
                    node_type="trigger",
                    node_name="Start",
                    status="success",
                ),
                WorkflowApproval(
                    id=ids["approval_id"],
                    execution_id=ids["execution_id"],
                    node_id="approval-1",
                    team_id=team_id,
                    workflow_id=workflow_id,
                    approvers=approvers or [],
                    asked=["role:approver"],
                    required=1,
                    timeout=utc_now() + timedelta(hours=1),
                    expires_at=utc_now() + timedelta(hours=1),
                ),
            ]
        )
    ids |= {"team_id": team_id, "version": "1", "name": "hook", "template_id": "simple_migration"}
    return Things(ids, key)
