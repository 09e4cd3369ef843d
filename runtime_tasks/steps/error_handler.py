"""Where failures end up that no Failed edge of their own takes."""

from __future__ import annotations

from typing import Annotated, Any

from runtime_tasks.output import Output
from runtime_tasks.steps.catalogue import step
from runtime_tasks.steps.marks import widget


class ErrorHandlerOutput(Output):
    node: str | None = None
    """The id of the node that failed."""
    message: str | None = None


@step("error_handler", label="Error handler", starts=True)
def error_handler(
    *, failure: Annotated[Any, widget("hidden")] = None, description: str = ""
) -> ErrorHandlerOutput:
    """Runs when any node fails that has no Failed edge of its own; draw on from here.

    ``description``: for people who read the workflow.
    """
    failure = failure or {}
    return ErrorHandlerOutput(node=failure.get("node"), message=failure.get("message"))
