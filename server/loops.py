"""What the routes wake after a commit. The orchestrator's side puts its own in their place."""

from __future__ import annotations

from typing import Protocol


class Wakeable(Protocol):
    """A loop that starts pending runs (dispatcher) or ends unwanted ones (canceller).

    Waking is a hint: the loop looks by itself every few seconds.
    """

    def wake(self) -> object: ...


class Resumer(Protocol):
    """Lets runs go on whose approvals are decided."""

    def wake(self, execution_id: str) -> object: ...


class Hinted(Protocol):
    """The mirror, which looks at a run at once when it is hinted at."""

    def hint(self, run_id: str) -> object: ...


class Asleep:
    """Where no loop runs, waking does nothing: the work stays in the tables."""

    def hint(self, run_id: str) -> None:
        return None

    def wake(self, execution_id: str | None = None) -> None:
        return None
