"""Publishing on Prefect: write the version's file, deploy it, move the schedules. Or nothing.

Every version lies in a folder of its own and has a deployment of its own, so a run that waits
for an approval for days, or starts late, always runs the version that it was started with. The
readable copy beside the folders, and the schedules, belong to the version that is live.

Whatever fails, every step before it is taken back. Where Prefect itself is what fails, its
schedules are put right by :mod:`.align` as soon as it answers again: the tables say what is live.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path

from sqlalchemy import select

from compiler.compiled import CompiledFlow
from compiler.prefect_yaml import with_deployment, without_deployment
from server.actors import SERVER, Actor
from server.database import Database
from server.models import Workflow, WorkflowDefinition, WorkflowTrigger
from server.orchestrator.align import Aligner
from server.orchestrator.drafts import Drafts, folder_name, remove
from server.orchestrator.files import DEPLOYMENTS, FileChanges, shown
from server.orchestrator.protocol import Deployment, Orchestrator, Schedule
from server.orchestrator.repository import Commit, Repository
from server.triggers.schedules import schedule_parameters

log = logging.getLogger("dataroll.publish")

VERSIONS = "versions"


@dataclass
class Steps:
    """What one publication has done so far."""

    files: FileChanges = field(default_factory=FileChanges)
    made: str | None = None
    """The deployment, where there was none before."""
    commit: Commit | None = None


class PrefectPublisher:
    """Implements :class:`server.workflows.publisher.Publisher`."""

    def __init__(
        self,
        database: Database,
        orchestrator: Orchestrator,
        generated: Path,
        repository: Repository | None = None,
    ) -> None:
        self.database = database
        self.orchestrator = orchestrator
        self.generated = generated
        self.repository = repository
        self.aligner = Aligner(database, orchestrator)
        self.drafts = Drafts(generated / VERSIONS, orchestrator)
        self._last: dict[str, Steps] = {}

    async def publish(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: CompiledFlow,
        author: Actor = SERVER,
    ) -> str:
        if self.repository is not None:
            await self.repository.review(workflow, version, compiled, author)
        schedules = await self._schedules(workflow, compiled)
        steps = self._last[workflow.id] = Steps()
        try:
            self._keep_version(steps.files, workflow, version, compiled)
            deployment_id = await self._deploy(workflow, version.version, compiled)
            if version.deployment_id is None:
                steps.made = deployment_id
            self._show(steps.files, workflow, version, compiled)
            if self.repository is not None:
                steps.commit = await self.repository.commit(workflow, version, compiled, author)
            # The old schedule goes first: one start too few can be made up for, not one too many.
            if workflow.deployment_id not in (None, deployment_id):
                await self.orchestrator.set_schedules(str(workflow.deployment_id), ())
            await self.orchestrator.set_schedules(deployment_id, schedules)
            if await self._has_webhook(workflow, compiled):
                await self.orchestrator.listen_for(workflow.slug, deployment_id)
        except BaseException:
            await self.undo(workflow)
            raise
        return deployment_id

    async def undo(self, workflow: Workflow) -> None:
        """Take back the last publication of this workflow, as far as it got."""
        steps = await self._take_back(workflow)
        if steps is None:
            return
        await self._align()
        if steps.made is not None:
            try:
                await self.orchestrator.undeploy(steps.made)
            except Exception as error:
                log.warning("the deployment %s stays, without schedules: %s", steps.made, error)

    async def _take_back(self, workflow: Workflow) -> Steps | None:
        """The commit and the files of what was done last with this workflow."""
        steps = self._last.pop(workflow.id, None)
        if steps is not None:
            if steps.commit is not None and self.repository is not None:
                await self.repository.undo(steps.commit)
            steps.files.undo()
        return steps

    async def _align(self) -> None:
        """Prefect's schedules as our tables have them; later, where it cannot be done now."""
        try:
            await self.aligner.align()
        except Exception as error:
            log.warning("Prefect is put right later: %s", error)
            self.aligner.wake()

    async def stage(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: CompiledFlow
    ) -> str:
        """Deploy a draft for one test run."""
        name = folder_name(compiled)
        folder = self._folder(workflow, name)
        FileChanges().write(folder / compiled.filename, compiled.source)
        try:
            deployment_id = await self._deploy(workflow, version.version, compiled, name)
        except BaseException:
            remove(folder)
            raise
        self.drafts.belongs(folder, deployment_id)
        return deployment_id

    async def unstage(self, deployment_id: str) -> None:
        try:
            await self.drafts.clear_away(deployment_id)
        except Exception as error:
            log.warning("the deployment %s of a test stays: %s", deployment_id, error)

    async def unpublish(self, workflow: Workflow, author: Actor = SERVER) -> None:
        if workflow.deployment_id is not None:
            await self.orchestrator.set_schedules(workflow.deployment_id, ())
            await self.orchestrator.listen_for(workflow.slug, None)
        steps = self._last[workflow.id] = Steps()
        path = self.generated / DEPLOYMENTS
        before = path.read_text() if path.exists() else ""
        text = without_deployment(before, workflow.slug)
        if text == before:
            return
        try:
            steps.files.write(path, text)
            if self.repository is not None:
                steps.commit = await self.repository.commit_unpublishing(workflow, author)
        except BaseException:
            await self.restore(workflow)
            raise

    async def restore(self, workflow: Workflow) -> None:
        """Take the last :meth:`unpublish` back: our tables say that it is published."""
        await self._take_back(workflow)
        await self._align()

    def _keep_version(
        self,
        files: FileChanges,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: CompiledFlow,
    ) -> None:
        path = self._folder(workflow, f"v{version.version}") / compiled.filename
        if version.published_at is not None and path.exists():
            return  # runs of this version are pinned to it, whatever the compiler writes today
        files.write(path, compiled.source)

    def _show(
        self,
        files: FileChanges,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: CompiledFlow,
    ) -> None:
        """The readable copies: the live version's flow and its definition."""
        pinned = self._folder(workflow, f"v{version.version}") / compiled.filename
        flow, definition = shown(workflow, version)
        files.write(self.generated / flow, pinned.read_text())
        files.write(self.generated / definition, version.content)
        deployments = self.generated / DEPLOYMENTS
        before = deployments.read_text() if deployments.exists() else ""
        files.write(
            deployments,
            with_deployment(before, compiled, filename=flow.as_posix(), slug=workflow.slug),
        )
        for other in {".yaml", ".json"} - {definition.suffix}:
            if (self.generated / definition.with_suffix(other)).exists():
                files.remove(self.generated / definition.with_suffix(other))

    def _folder(self, workflow: Workflow, name: str) -> Path:
        return self.generated / VERSIONS / workflow.slug / name

    async def _deploy(
        self,
        workflow: Workflow,
        version: int,
        compiled: CompiledFlow,
        name: str | None = None,
    ) -> str:
        name = name or f"v{version}"
        return await self.orchestrator.deploy(
            Deployment(
                workflow_id=workflow.id,
                slug=workflow.slug,
                flow_name=compiled.flow_name,
                # Two workflows may have the same name, and share Prefect's flow of that name.
                name=f"{workflow.slug}-{name}",
                version=version,
                directory=self._folder(workflow, name),
                entrypoint=f"{compiled.filename}:{compiled.entrypoint}",
                parameters_schema=compiled.parameters_schema,
                tags=tuple(workflow.tags),
            )
        )

    async def _has_webhook(self, workflow: Workflow, compiled: CompiledFlow) -> bool:
        if any(trigger.kind == "webhook" for trigger in compiled.triggers):
            return True
        async with self.database.reading() as session:
            made = select(WorkflowTrigger.id).where(
                WorkflowTrigger.workflow_id == workflow.id,
                WorkflowTrigger.type == "webhook",
                WorkflowTrigger.node_id.is_(None),
            )
            return await session.scalar(made.limit(1)) is not None

    async def _schedules(self, workflow: Workflow, compiled: CompiledFlow) -> tuple[Schedule, ...]:
        """From the definition's trigger nodes, and from triggers made through the API."""
        found = {
            schedule.node: Schedule(schedule.node, schedule.cron, schedule.timezone)
            for schedule in compiled.schedules
        }
        configs = {trigger.node: trigger.config for trigger in compiled.triggers}
        async with self.database.reading() as session:
            triggers = await session.scalars(
                select(WorkflowTrigger).where(
                    WorkflowTrigger.workflow_id == workflow.id, WorkflowTrigger.type == "scheduled"
                )
            )
            for trigger in triggers:
                if trigger.node_id is not None:
                    # Its row still holds the times of the version before; a pause stays.
                    if trigger.node_id in found:
                        drawn = found[trigger.node_id]
                        found[trigger.node_id] = changed(drawn, active=trigger.is_active)
                    continue
                zone = trigger.config.get("timezone") or "UTC"
                found[trigger.id] = Schedule(
                    trigger.id, trigger.config["cron"], zone, trigger.is_active
                )
                configs[trigger.id] = trigger.config
        schema, names = compiled.parameters_schema, compiled.parameter_names
        return tuple(
            changed(schedule, parameters=schedule_parameters(configs.get(slug, {}), schema, names))
            for slug, schedule in found.items()
        )
