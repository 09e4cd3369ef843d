"""The databases' own programs: pg_dump, psql, mysqldump, mysql."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runtime_tasks.errors import Refused, StepError
from runtime_tasks.migrations.database.url import DatabaseUrl

PACKAGES = {
    "pg_dump": "postgresql-client",
    "psql": "postgresql-client",
    "mysqldump": "mariadb-client or mysql-client",
    "mysql": "mariadb-client or mysql-client",
}


def find_program(name: str) -> str:
    """Its path: PATH first, then where Debian keeps PostgreSQL's, newest version first."""
    found = shutil.which(name)
    if found:
        return found
    places = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    for place in sorted(places, key=lambda p: int(p.parts[-3]), reverse=True):
        return str(place)
    raise Refused(f"{name} is not installed on this worker: install {PACKAGES.get(name, name)}")


def run_program(
    command: list[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    url: DatabaseUrl | None = None,
) -> bytes:
    """What it printed. Raises StepError with what it complained about, scrubbed."""
    done = subprocess.run(
        command,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **(env or {})},
        check=False,
    )
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip()[-2000:]
        complaint = url.scrub(complaint) if url else complaint
        raise StepError(f"{Path(command[0]).name} failed: {complaint}") from None
    return done.stdout
