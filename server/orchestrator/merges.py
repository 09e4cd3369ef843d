"""Notices in review mode that the main branch carries a version, and publishes it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from sqlalchemy import select

from server.actors import Actor
from server.database import Database
from server.models import Workflow, WorkflowDefinition
from server.orchestrator.publish import PrefectPublisher
from server.orchestrator.repository import GitFailed, Repository, git
from server.workflows.compiling import compiled
from server.workflows.publish import publish

log = logging.getLogger("dataroll.merges")

PAUSE = 20.0
"""Seconds between two looks at the main branch."""


@dataclass(frozen=True)
class Reviewers:
    """Whoever merged; git knows their names."""

    actor: Actor = field(default_factory=lambda: Actor(None, "review"))


class MergeWatcher:
    def __init__(
        self, database: Database, publisher: PrefectPublisher, repository: Repository
    ) -> None:
        self.database = database
        self.publisher = publisher
        self.repository = repository

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the main branch could not be looked at; trying again")
            await asyncio.sleep(PAUSE)

    async def look(self) -> list[str]:
        """Publish every draft that has a branch and is on main by now; their workflow ids."""
        published = []
        for workflow, draft in await self._under_review():
            flow = await compiled(draft.content, draft.format, draft.version)
            if not await self.repository.carries(workflow, draft, flow):  # type: ignore[arg-type]
                continue
            branch = f"dataroll/{workflow.slug}/v{draft.version}"
            await publish(
                self.database,
                self.publisher,  # type: ignore[arg-type]
                Reviewers(),
                workflow.id,
                changelog=await asyncio.to_thread(self.repository.changelog, branch),
            )
            log.info("%s v%s was merged and is published", workflow.slug, draft.version)
            published.append(workflow.id)
        return published

    async def _under_review(self) -> list[tuple[Workflow, WorkflowDefinition]]:
        try:
            listed = await asyncio.to_thread(
                git,
                self.repository.folder,
                *("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/dataroll/"),
            )
        except GitFailed:
            return []
        branches = set(listed.splitlines())
        async with self.database.reading() as session:
            rows = await session.execute(
                select(Workflow, WorkflowDefinition)
                .join(WorkflowDefinition, WorkflowDefinition.id == Workflow.definition_id)
                .where(Workflow.deleted_at.is_(None), WorkflowDefinition.published_at.is_(None))
            )
            return [
                (workflow, draft)
                for workflow, draft in rows
                if f"dataroll/{workflow.slug}/v{draft.version}" in branches
            ]
