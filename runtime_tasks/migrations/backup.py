"""A backup before a run, and the way back to it.

Kept in ``DATAROLL_HOME/backups``, readable by the worker's own user only.
SQLite's is put back by the rollback step itself; the servers' are put back by
a person, who is told the command, because it throws away everybody's work since.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database import Database


def back_up(database: Database, execution: str) -> Path:
    """Write the backup and give its place. Raises StepError, leaving nothing half-written."""
    folder = Path(os.environ.get("DATAROLL_HOME") or ".dataroll") / "backups"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    name = re.sub(r"[^\w.-]", "_", f"{Path(database.url.database).name}-{execution}-{stamp}")
    path = (folder / name).absolute()
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        database.backup(path)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, StepError | OSError):
            raise
        free = shutil.disk_usage(folder).free // 1024**2
        raise StepError(
            f"the backup failed, so nothing was executed: {error} ({free} MB are free in {folder})"
        ) from None
    return path


def restore_command(database: Database, path: Path) -> str:
    """How a person puts the backup back."""
    place = database.url
    if place.dialect == "postgresql":
        return f"pg_restore --clean --if-exists --dbname={place.database} {path}"
    return f"mysql {place.database} < {path}"
