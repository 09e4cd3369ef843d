"""Publish a version, take one back, remove a workflow: all of it, or nothing.

First the definition is compiled, then the orchestrator takes it, then our own
tables change in one short transaction. No transaction is open while we wait
for the orchestrator. If ours fails at the end, the orchestrator's side is taken back.

A change that comes together with publishing is rehearsed first: what it would
come to is compiled and deployed, and it is written with everything else at the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from compiler.errors import DefinitionError
from server.actors import Actor, Caller
from server.audit.record import record
from server.database import Database
from server.errors import ApiError, Conflict, Invalid, NotFound, Unavailable
from server.models import Workflow, WorkflowDefinition, WorkflowExecution, utc_now
from server.orchestrator.protocol import OrchestratorUnavailable
from server.triggers.service import keep_drawn
from server.workflows import service
from server.workflows.compiling import Compiled, as_json, compiled, refused, take_over
from server.workflows.publisher import Deferred, Publisher
from server.workflows.queries import definition_of, open_runs, version_of

PUBLISHING = "publish"
"""One at a time in all: publications share files, and what one takes back is not another's."""
_COMPILED = ("changelog", "digest", "source", "filename", "source_map", "interface")

Change = Callable[[AsyncSession, Workflow], Awaitable[None]]
"""Applied to the workflow within the transaction that publishes it."""


class SomeActor(Protocol):
    """Who publishes where nobody is signed in: a review that was merged."""

    @property
    def actor(self) -> Actor: ...


@dataclass(frozen=True)
class Publication:
    workflow: Workflow
    in_flight: Sequence[WorkflowExecution]


@dataclass(frozen=True)
class _Seen:
    """What is about to be published, as it was found, or as the change will leave it."""

    workflow: Workflow
    definition: WorkflowDefinition
    revision: int
    """Of the workflow before any change: at the end it must still be this one."""


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
    change: Change | None = None,
) -> Publication:
    """Publish the draft, or with ``version`` an earlier version again (a roll-back)."""
    async with database.alone(PUBLISHING):
        seen = await _load(database, workflow_id, version, change)
        _require(seen, revision)
        definition = seen.definition
        flow = await _compile(definition, acknowledge)
        if definition.published_at is None:
            definition.changelog = changelog if changelog is not None else definition.changelog
            take_over(definition, flow)
        try:
            deployment_id = await _deploy(publisher, seen.workflow, definition, flow, caller.actor)
        except Deferred:
            if change is not None:
                async with database.writing() as session:
                    await change(session, await _unchanged(session, seen))
            raise
        try:
            return await _write(database, caller.actor, seen, deployment_id, flow, change)
        except BaseException:
            await publisher.undo(seen.workflow)
            raise


async def _load(
    database: Database, workflow_id: str, version: int | None = None, change: Change | None = None
) -> _Seen:
    async with database.reading() if change is None else database.rehearsing() as session:
        workflow = await session.get(Workflow, workflow_id)
        if workflow is None or workflow.deleted_at is not None:
            raise NotFound("there is no such workflow any more")
        revision = workflow.revision
        if change is not None:
            await change(session, workflow)
        if version is None:
            definition = await definition_of(session, workflow)
        else:
            definition = await version_of(session, workflow_id, version)
            if definition.published_at is None:
                raise Conflict(f"version {version} is a draft; publish it as one")
        session.expunge_all()
    return _Seen(workflow, definition, revision)


def _require(seen: _Seen, revision: int | None) -> None:
    if revision is not None and seen.revision != revision:
        raise Conflict("the workflow has changed since; load it again", code="outdated")


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
    seen: _Seen,
    deployment_id: str,
    flow: Compiled,
    change: Change | None,
) -> Publication:
    now = utc_now()
    async with database.writing() as session:
        workflow = await _unchanged(session, seen)
        if change is not None:
            await change(session, workflow)
        definition = await _same_version(session, workflow, seen.definition)
        workflow.is_published = True
        workflow.published_at = workflow.updated_at = now
        workflow.published_definition_id = definition.id
        workflow.published_version = definition.version
        workflow.deployment_id = deployment_id
        workflow.revision += 1
        again = definition.published_at is not None
        if not again:
            for key in _COMPILED:
                setattr(definition, key, getattr(seen.definition, key))
            definition.published_at, definition.published_by = now, actor.id
        definition.deployment_id = deployment_id
        await session.flush()
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


async def _unchanged(session: AsyncSession, seen: _Seen) -> Workflow:
    """The workflow with its row locked. Raises Conflict when somebody has changed it meanwhile."""
    workflow = await session.get(
        Workflow, seen.workflow.id, with_for_update=True, populate_existing=True
    )
    if workflow is None or workflow.deleted_at is not None or workflow.revision != seen.revision:
        raise Conflict("the workflow was changed meanwhile; load it and try again", code="outdated")
    return workflow


async def _same_version(
    session: AsyncSession, workflow: Workflow, seen: WorkflowDefinition
) -> WorkflowDefinition:
    """By number: a draft that a change makes gets its id anew with each rehearsal."""
    definition = await version_of(session, workflow.id, seen.version)
    if (definition.content, definition.format) != (seen.content, seen.format):
        raise Conflict("the definition was changed meanwhile; load it again", code="outdated")
    return definition


async def unpublish(
    database: Database,
    publisher: Publisher,
    caller: Caller,
    workflow_id: str,
    *,
    revision: int | None = None,
    change: Change | None = None,
) -> Workflow:
    """No more runs start; those under way go on. Twice is once."""
    async with database.alone(PUBLISHING):
        seen = await _load(database, workflow_id)
        _require(seen, revision)
        was_published, version = seen.workflow.is_published, seen.workflow.published_version
        if was_published:
            await _stop(publisher, seen.workflow, caller.actor, "the workflow is still published")
        try:
            async with database.writing() as session:
                workflow = await _unchanged(session, seen)
                if change is not None:
                    await change(session, workflow)
                if not was_published:
                    return workflow
                workflow.is_published = False
                workflow.published_definition_id = workflow.published_version = None
                workflow.deployment_id = None
                workflow.revision += 1
                await session.flush()
                await record(
                    session,
                    caller.actor,
                    "workflow.unpublish",
                    "workflow",
                    workflow_id,
                    team_id=workflow.team_id,
                    version=version,
                )
            return workflow
        except BaseException:
            if was_published:
                await publisher.restore(seen.workflow)
            raise


async def remove(
    database: Database,
    publisher: Publisher,
    caller: Caller,
    workflow_id: str,
    *,
    revision: int | None = None,
) -> None:
    """Delete a workflow; its runs stay. Raises Conflict while one of them is under way."""
    async with database.alone(PUBLISHING):
        seen = await _load(database, workflow_id)
        _require(seen, revision)
        was_published = seen.workflow.is_published
        if was_published:
            async with database.reading() as session:
                await service.require_no_runs(session, workflow_id)
            await _stop(publisher, seen.workflow, caller.actor, "nothing was deleted")
        try:
            async with database.writing() as session:
                workflow = await _unchanged(session, seen)
                await service.delete_workflow(session, caller.actor, workflow)
        except BaseException:
            if was_published:
                await publisher.restore(seen.workflow)
            raise


async def _stop(publisher: Publisher, workflow: Workflow, actor: Actor, otherwise: str) -> None:
    try:
        await publisher.unpublish(workflow, actor)
    except OrchestratorUnavailable:
        raise Unavailable(f"the orchestrator does not answer; {otherwise}, try again") from None
