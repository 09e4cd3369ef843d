"""The files of published flows, written whole or not at all, with a way back.

::

    changes = FileChanges()
    changes.write(path, text)
    changes.undo()              # the file is as it was, or gone if it was not there
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from server.models import Workflow, WorkflowDefinition

DEFINITIONS = "definitions"
DEPLOYMENTS = Path("prefect.yaml")
"""Every live version's deployment, for a Prefect without a dataroll server."""


class FileChanges:
    def __init__(self) -> None:
        self._before: list[tuple[Path, bytes | None]] = []

    def write(self, path: Path, text: str) -> None:
        self._remember(path)
        replace(path, text)

    def remove(self, path: Path) -> None:
        self._remember(path)
        path.unlink(missing_ok=True)

    def undo(self) -> None:
        for path, before in reversed(self._before):
            if before is None:
                path.unlink(missing_ok=True)
            else:
                replace(path, before.decode())
        self._before.clear()

    def _remember(self, path: Path) -> None:
        self._before.append((path, path.read_bytes() if path.exists() else None))


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


def shown(workflow: Workflow, version: WorkflowDefinition) -> tuple[Path, Path]:
    """Where the readable copies lie. The slug is unique, the name in the definition is not."""
    module = workflow.slug.replace("-", "_")
    if not module.isidentifier():
        module = f"workflow_{module}"
    suffix = ".json" if version.format == "json" else ".yaml"
    return Path(f"{module}.py"), Path(DEFINITIONS) / f"{module}{suffix}"
