"""A secret that a run may have: one that its version declares, the workflow's own or the team's."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import NotFound
from server.models import TeamVariable, WorkflowDefinition, WorkflowExecution, WorkflowVariable
from server.secret_box import SecretBox
from server.workflows.facts import read_facts


async def secret_of_run(session: AsyncSession, execution: WorkflowExecution, name: str) -> str:
    """Its value. Raises NotFound for what the version does not declare, or nobody has set."""
    definition = await session.get(WorkflowDefinition, execution.definition_id)
    facts = read_facts(definition.content, definition.format) if definition else None
    declared = {v.name for v in facts.variables if v.is_secret} if facts else set()
    sealed = None
    if name in declared:
        sealed = await session.scalar(
            select(WorkflowVariable.default_value).where(
                WorkflowVariable.workflow_id == execution.workflow_id,
                WorkflowVariable.name == name,
                WorkflowVariable.is_secret.is_(True),
            )
        ) or await session.scalar(
            select(TeamVariable.value).where(
                TeamVariable.team_id == execution.team_id,
                TeamVariable.name == name,
                TeamVariable.is_secret.is_(True),
            )
        )
    if sealed is None:
        raise NotFound(f"the run has no secret '{name[:100]}'")
    box: SecretBox = session.info["secret_box"]
    return box.decrypt(sealed)
