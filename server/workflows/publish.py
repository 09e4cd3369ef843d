"""Publish a version: all of it, or nothing.

First the definition is compiled, then the orchestrator takes it, then our own
tables change in one short transaction. No transaction is open while we wait
for the orchestrator. If ours fails at the end, the orchestrator's side is taken back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import update

from compiler.errors import DefinitionError
from server.actors import Actor, Caller
from server.audit.record import record
from server.database import Database
from server.errors import ApiError, Conflict, Invalid, NotFound, Unavailable
from server.models import Workflow, WorkflowDefinition, WorkflowExecution, utc_now
from server.orchestrator.protocol import OrchestratorUnavailable
from server.triggers.service import keep_drawn
from server.workflows.compiling import Compiled, as_json, compiled, refused, take_over
from server.workflows.publisher import Publisher
from server.workflows.queries import definition_of, open_runs, version_of

_COMPILED = ("changelog", "digest", "source", "filename", "source_map", "interface")
_one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


class SomeActor(Protocol):
    """Who publishes where nobody is signed in: a review that was merged."""

    @property
    def actor(self) -> Actor: ...


@dataclass(frozen=True)
class Publication:
    workflow: Workflow
    in_flight: Sequence[WorkflowExecution]


async def publish(
    database: Database,
    publisher: Publisher,
    caller: Caller | SomeActor,
    workflow_id: str,
    *,
    changelog: str | None = None,
    acknowledge: bool | None = None,
    version: int | None = None,
    revision: int | None = None,
) -> Publication:
    """Publish the draft, or with ``version`` an earlier version again (a roll-back)."""
    async with _one_at_a_time[workflow_id]:
        workflow, definition = await _load(database, workflow_id, version)
        if revision is not None and workflow.revision != revision:
            raise Conflict("the workflow has changed since; load it again", code="outdated")
        flow = await _compile(definition, acknowledge)
        if definition.published_at is None:
            definition.changelog = changelog if changelog is not None else definition.changelog
            take_over(definition, flow)
        deployment_id = await _deploy(publisher, workflow, definition, flow, caller.actor)
        try:
            return await _write(database, caller.actor, workflow, definition, deployment_id, flow)
        except BaseException:
            await publisher.undo(workflow)
            raise


async def _load(
    database: Database, workflow_id: str, version: int | None
) -> tuple[Workflow, WorkflowDefinition]:
    async with database.reading() as session:
        workflow = await session.get(Workflow, workflow_id)
        if workflow is None or workflow.deleted_at is not None:
            raise NotFound("there is no such workflow any more")
        if version is None:
            definition = await definition_of(session, workflow)
        else:
            definition = await version_of(session, workflow_id, version)
            if definition.published_at is None:
                raise Conflict(f"version {version} is a draft; publish it as one")
        session.expunge_all()
    return workflow, definition


async def _compile(definition: WorkflowDefinition, acknowledge: bool | None) -> Compiled:
    try:
        flow = await compiled(definition.content, definition.format, definition.version)
    except DefinitionError as error:
        raise refused(error) from None
    warnings = [as_json(problem) for problem in getattr(flow, "warnings", ())]
    if warnings and acknowledge is False:
        raise Invalid(
            f"{len(warnings)} warnings: publish with acknowledge=true if they are meant",
            code="warnings",
            problems=warnings,
        )
    return flow


async def _deploy(
    publisher: Publisher,
    workflow: Workflow,
    definition: WorkflowDefinition,
    flow: Compiled,
    author: Actor,
) -> str:
    try:
        return await publisher.publish(workflow, definition, flow, author)
    except ApiError:
        raise
    except OrchestratorUnavailable:
        raise Unavailable(
            "the orchestrator does not answer; nothing was published, try again"
        ) from None


async def _write(
    database: Database,
    actor: Actor,
    seen: Workflow,
    seen_definition: WorkflowDefinition,
    deployment_id: str,
    flow: Compiled,
) -> Publication:
    now = utc_now()
    async with database.writing() as session:
        changed = await session.execute(
            update(Workflow)
            .where(
                Workflow.id == seen.id,
                Workflow.revision == seen.revision,
                Workflow.deleted_at.is_(None),
            )
            .values(
                is_published=True,
                published_at=now,
                published_definition_id=seen_definition.id,
                published_version=seen_definition.version,
                deployment_id=deployment_id,
                revision=Workflow.revision + 1,
                updated_at=now,
            )
            .returning(Workflow.id)
        )
        if changed.first() is None:
            raise Conflict(
                "the workflow was changed while it was being published; load it and publish again",
                code="outdated",
            )
        definition = await session.get(WorkflowDefinition, seen_definition.id)
        workflow = await session.get(Workflow, seen.id, populate_existing=True)
        assert definition is not None  # noqa: S101 - versions are never removed
        assert workflow is not None  # noqa: S101 - updated above
        again = definition.published_at is not None
        if not again:
            for key in _COMPILED:
                setattr(definition, key, getattr(seen_definition, key))
            definition.published_at, definition.published_by = now, actor.id
        definition.deployment_id = deployment_id
        await keep_drawn(session, workflow.id, getattr(flow, "triggers", ()))
        in_flight = [
            run
            for run in await open_runs(session, workflow.id)
            if run.version != definition.version
        ]
        await record(
            session,
            actor,
            "workflow.publish-again" if again else "workflow.publish",
            "workflow",
            workflow.id,
            team_id=workflow.team_id,
            version=definition.version,
            digest=definition.digest,
            changelog=definition.changelog,
        )
    return Publication(workflow, in_flight)


async def unpublish(
    database: Database, publisher: Publisher, caller: Caller, workflow_id: str
) -> Workflow:
    """No more runs start; those under way go on. Twice is once."""
    async with _one_at_a_time[workflow_id]:
        workflow, _ = await _load(database, workflow_id, None)
        if not workflow.is_published:
            return workflow
        try:
            await publisher.unpublish(workflow)
        except OrchestratorUnavailable:
            raise Unavailable(
                "the orchestrator does not answer; the workflow is still published, try again"
            ) from None
        async with database.writing() as session:
            found = await session.get(Workflow, workflow_id)
            assert found is not None  # noqa: S101 - loaded above
            found.is_published = False
            found.published_definition_id = found.published_version = None
            found.deployment_id = None
            found.revision += 1
            await session.flush()
            await record(
                session,
                caller.actor,
                "workflow.unpublish",
                "workflow",
                workflow_id,
                team_id=found.team_id,
                version=workflow.published_version,
            )
        return found
