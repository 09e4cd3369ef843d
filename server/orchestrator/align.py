"""Makes Prefect's schedules what the tables say: the live version has its own, no other has any.

Publishing moves schedules step by step. When it is killed in the middle, or Prefect goes away
before everything could be taken back, this puts it right: when the server starts, when somebody
wakes it, and every few minutes in any case.
"""

from __future__ import annotations

import asyncio
import json
import logging

from sqlalchemy import select

from server.bell import Bell
from server.database import Database
from server.models import Workflow, WorkflowDefinition, WorkflowTrigger
from server.orchestrator.protocol import Orchestrator, OrchestratorUnavailable, Schedule
from server.triggers.schedules import schedules_of

log = logging.getLogger("dataroll.align")

PAUSE = 300.0
"""Seconds between two rounds in quiet times."""
RETRY = 5.0


class Aligner:
    def __init__(self, database: Database, orchestrator: Orchestrator) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self._bell = Bell()
        self._one_at_a_time = asyncio.Lock()

    def wake(self) -> None:
        self._bell.ring()

    async def run(self) -> None:
        while True:
            pause = PAUSE
            try:
                await self.align()
            except OrchestratorUnavailable:
                pause = RETRY
            except Exception:
                log.exception("the schedules could not be compared; trying again")
                pause = RETRY
            await self._bell.wait(pause)

    async def align(self) -> int:
        """How many deployments had the wrong schedules."""
        async with self._one_at_a_time:
            wanted = await self.wanted()
            wrong = 0
            for deployed in await self.orchestrator.deployed():
                schedules = wanted.get(deployed.workflow_id, {}).get(deployed.deployment_id, ())
                if deployed.workflow_id not in wanted or comparable(schedules) == comparable(
                    deployed.schedules
                ):
                    continue
                log.warning("the schedules of deployment %s are put right", deployed.deployment_id)
                await self.orchestrator.set_schedules(deployed.deployment_id, schedules)
                wrong += 1
            return wrong + await self._align_events()

    async def _align_events(self) -> int:
        """How many workflows would have been started by events in another version, or not at all."""
        known = await self.orchestrator.listening()
        wrong = 0
        for slug, deployment_id in (await self.listeners()).items():
            if known.get(slug) != deployment_id:
                log.warning("what events start the workflow %s is put right", slug)
                await self.orchestrator.listen_for(slug, deployment_id)
                wrong += 1
        return wrong

    async def listeners(self) -> dict[str, str | None]:
        """By slug, the live deployment of each workflow that has a webhook; None for the others."""
        async with self.database.reading() as session:
            webhooks = select(WorkflowTrigger.workflow_id).where(WorkflowTrigger.type == "webhook")
            with_webhook = set(await session.scalars(webhooks))
            return {
                workflow.slug: workflow.deployment_id
                if workflow.is_published
                and workflow.deleted_at is None
                and workflow.id in with_webhook
                else None
                for workflow in await session.scalars(select(Workflow))
            }

    async def wanted(self) -> dict[str, dict[str, tuple[Schedule, ...]]]:
        """By workflow: the live deployment and its schedules."""
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(Workflow)
                .join(WorkflowDefinition, WorkflowDefinition.workflow_id == Workflow.id)
                .distinct()
            )
            found: dict[str, dict[str, tuple[Schedule, ...]]] = {}
            for workflow in rows.all():
                found[workflow.id] = {}
                live = workflow.is_published and workflow.deleted_at is None
                if live and workflow.deployment_id is not None:
                    found[workflow.id][workflow.deployment_id] = await schedules_of(
                        session, workflow
                    )
        return found


def comparable(schedules: tuple[Schedule, ...]) -> set[tuple[str, str, str, bool, str]]:
    return {
        (s.slug, s.cron, s.timezone, s.active, json.dumps(dict(s.parameters), sort_keys=True))
        for s in schedules
    }
