"""Drafts under test: each test run has a deployment and a file of its own, and both go with it.

Which deployment a folder belongs to stands in the folder, so that a server that was restarted
meanwhile finds it, and nobody who can write in Prefect chooses what is removed here.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from secrets import token_hex

from compiler.compiled import CompiledFlow
from server.orchestrator.files import replace
from server.orchestrator.protocol import Orchestrator

log = logging.getLogger("dataroll.drafts")

PREFIX = "draft-"
MARK = ".deployment"


def folder_name(compiled: CompiledFlow) -> str:
    """A new one for each test run."""
    digest = compiled.digest.removeprefix("sha256:")[:16]
    return f"{PREFIX}{digest}-v{compiled.version}-{token_hex(4)}"


class Drafts:
    """``versions`` holds a folder for each workflow, and those the folders of versions and drafts."""

    def __init__(self, versions: Path, orchestrator: Orchestrator) -> None:
        self.versions = versions
        self.orchestrator = orchestrator

    def belongs(self, folder: Path, deployment_id: str) -> None:
        replace(folder / MARK, deployment_id)

    async def clear_away(self, deployment_id: str) -> None:
        """Remove a test run's deployment, then its file. Raises what the orchestrator raises."""
        await self.orchestrator.undeploy(deployment_id)
        for mark in self.versions.glob(f"*/{PREFIX}*/{MARK}"):
            if mark.read_text() == deployment_id:
                remove(mark.parent)


def remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        log.warning("the files of a test stay in %s: %s", folder, error)
