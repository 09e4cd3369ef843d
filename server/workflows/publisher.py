"""What publishing asks of the orchestrator's side; :mod:`server.orchestrator` does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from server.actors import SERVER, Actor
from server.errors import Conflict, Unavailable
from server.models import Workflow, WorkflowDefinition
from server.workflows.compiling import Compiled


class Deferred(Conflict):
    """The version is taken and goes live later, without anybody asking again: its draft stays."""


class Publisher(Protocol):
    """No transaction is open while these are called, so they may take their time.

    If one raises, nothing has changed: the server writes its own tables afterwards.
    """

    async def publish(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: Compiled,
        author: Actor = SERVER,
    ) -> str:
        """Write the flow's file and deploy it, schedules included; the deployment's id."""

    async def undo(self, workflow: Workflow) -> None:
        """Take back the last publication of this workflow: our tables could not be written."""

    async def stage(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: Compiled
    ) -> str:
        """Deploy a draft for one test run: no schedules, nothing committed."""

    async def unstage(self, deployment_id: str) -> None:
        """Take that back: the run was not made."""

    async def unpublish(self, workflow: Workflow, author: Actor = SERVER) -> None:
        """No more runs start from it; those under way go on."""

    async def restore(self, workflow: Workflow) -> None:
        """Take that back: our tables could not be written, so what they say is live is live."""


class NoPublisher:
    """Where no orchestrator is set up: the API still answers, and says what is missing."""

    async def publish(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: Compiled,
        author: Actor = SERVER,
    ) -> str:
        raise _nobody()

    async def undo(self, workflow: Workflow) -> None:
        return

    async def stage(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: Compiled
    ) -> str:
        raise _nobody()

    async def unstage(self, deployment_id: str) -> None:
        return

    async def unpublish(self, workflow: Workflow, author: Actor = SERVER) -> None:
        raise _nobody()

    async def restore(self, workflow: Workflow) -> None:
        return


def _nobody() -> Exception:
    return Unavailable("this server runs without an orchestrator")


@dataclass
class FakePublisher:
    """Remembers what was published; ``fails`` makes the next call raise it."""

    published: list[tuple[str, int]] = field(default_factory=list)
    staged: list[tuple[str, int]] = field(default_factory=list)
    unstaged: list[str] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    fails: Exception | None = None

    async def undo(self, workflow: Workflow) -> None:
        self.undone.append(workflow.id)

    async def publish(
        self,
        workflow: Workflow,
        version: WorkflowDefinition,
        compiled: Compiled,
        author: Actor = SERVER,
    ) -> str:
        self._fail()
        self.published.append((workflow.id, version.version))
        return f"deployment-{workflow.slug}-{version.version}"

    async def stage(
        self, workflow: Workflow, version: WorkflowDefinition, compiled: Compiled
    ) -> str:
        self._fail()
        self.staged.append((workflow.id, version.version))
        return f"test-{workflow.slug}-{version.version}"

    async def unstage(self, deployment_id: str) -> None:
        self.unstaged.append(deployment_id)

    async def unpublish(self, workflow: Workflow, author: Actor = SERVER) -> None:
        self._fail()
        self.unpublished.append(workflow.id)

    async def restore(self, workflow: Workflow) -> None:
        self.restored.append(workflow.id)

    def _fail(self) -> None:
        if self.fails is not None:
            failure, self.fails = self.fails, None
            raise failure
