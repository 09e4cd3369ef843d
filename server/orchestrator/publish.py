"""Publishing on Prefect: write the version's file, deploy it, move the schedules.

Every version lies in a folder of its own and has a deployment of its own,
so a run that waits for an approval for days, or starts late, always runs the
version that it was started with. The readable copy beside the folders, and
the schedules, belong to the version that is live.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace as dataclass_replace
from pathlib import Path

from sqlalchemy import select

from compiler.compiled import CompiledFlow
from server.database import Database
from server.models import Workflow, WorkflowDefinition, WorkflowTrigger
from server.orchestrator.protocol import Deployment, Orchestrator, Schedule
from server.triggers.schedules import schedule_parameters

VERSIONS = "versions"


class PrefectPublisher:
    """Implements :class:`server.workflows.publisher.Publisher`."""

    def __init__(self, database: Database, orchestrator: Orchestrator, generated: Path) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self.generated = generated

    async def publish(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow
    ) -> str:
        schedules = await self._schedules(workflow, compiled)
        folder = self.generated / VERSIONS / workflow.slug / f"v{version.version}"
        write_once(folder / compiled.filename, compiled.source)
        deployment_id = await self._deploy(workflow, version.version, compiled, folder, schedules)
        before = workflow.deployment_id
        try:
            if before is not None and before != deployment_id:
                await self.orchestrator.set_schedules(before, ())
            replace(self.generated / compiled.filename, compiled.source)
        except BaseException:
            await self.orchestrator.set_schedules(deployment_id, ())
            raise
        return deployment_id

    async def stage(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow
    ) -> str:
        """Deploy a draft for a test run, named by its digest: drafts change, files do not."""
        digest = compiled.digest.removeprefix("sha256:")[:16]
        folder = self.generated / VERSIONS / workflow.slug / f"draft-{digest}"
        write_once(folder / compiled.filename, compiled.source)
        return await self._deploy(
            workflow, version.version, compiled, folder, (), f"draft-{digest}"
        )

    async def unpublish(self, workflow: Workflow) -> None:
        if workflow.deployment_id is not None:
            await self.orchestrator.set_schedules(workflow.deployment_id, ())

    async def _deploy(
        self,
        workflow: Workflow,
        version: int,
        compiled: CompiledFlow,
        folder: Path,
        schedules: tuple[Schedule, ...],
        name: str | None = None,
    ) -> str:
        return await self.orchestrator.deploy(
            Deployment(
                workflow_id=workflow.id,
                slug=workflow.slug,
                flow_name=compiled.flow_name,
                name=name or f"v{version}",
                version=version,
                directory=folder,
                entrypoint=f"{compiled.filename}:{compiled.entrypoint}",
                parameters_schema=compiled.parameters_schema,
                schedules=schedules,
                tags=tuple(workflow.tags),
            )
        )

    async def _schedules(self, workflow: Workflow, compiled: CompiledFlow) -> tuple[Schedule, ...]:
        """From the definition's trigger nodes, and from triggers made through the API."""
        drawn = {
            schedule.node: Schedule(schedule.node, schedule.cron, schedule.timezone)
            for schedule in compiled.schedules
        }
        drawn_config = {trigger.node: trigger.config for trigger in compiled.triggers}
        async with self.database.reading() as session:
            triggers = await session.scalars(
                select(WorkflowTrigger).where(
                    WorkflowTrigger.workflow_id == workflow.id, WorkflowTrigger.type == "scheduled"
                )
            )
            for trigger in triggers:
                if trigger.node_id is not None:
                    # Its row still holds the times of the version before; a pause stays.
                    if trigger.node_id in drawn:
                        schedule = drawn[trigger.node_id]
                        drawn[trigger.node_id] = dataclass_replace(
                            schedule, active=trigger.is_active
                        )
                    continue
                drawn[trigger.id] = Schedule(
                    trigger.id,
                    trigger.config["cron"],
                    trigger.config.get("timezone") or "UTC",
                    trigger.is_active,
                )
                drawn_config[trigger.id] = trigger.config
        return tuple(
            dataclass_replace(
                schedule,
                parameters=schedule_parameters(
                    drawn_config.get(slug, {}), compiled.parameters_schema, compiled.parameter_names
                ),
            )
            for slug, schedule in drawn.items()
        )


def write_once(path: Path, text: str) -> None:
    """Write a version's file. The same text again is fine; another one is a bug."""
    if path.exists():
        if path.read_text() != text:
            raise FileExistsError(f"{path} already holds another flow")
        return
    replace(path, text)


def replace(path: Path, text: str) -> None:
    """Write the whole file or nothing: readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
