"""A project's own tool, run with the project's own interpreter in a subprocess.

What the child says arrives as lines of JSON; what it prints goes to its
standard error and into the error message when it fails. The database's URL
goes through its standard input and never onto a command line, and none of
the worker's own secrets are in its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal, cast

from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database import DatabaseUrl
from runtime_tasks.migrations.settings import project_settings

DRIVERS = Path(__file__).parent / "drivers"

Event = Mapping[str, Any]
Tell = Callable[[Literal["stop", "go"]], None]
Heard = Callable[[Event, Tell], None]


def interpreter(folder: Path) -> str:
    """The project's Python: a virtual environment at or above the folder, else our own."""
    places = [folder, *folder.parents]
    for place in places:
        for name in (".venv", "venv", "env"):
            for python in ("bin/python", "Scripts/python.exe"):
                candidate = place / name / python
                if candidate.exists() and (place / name / "pyvenv.cfg").exists():
                    return str(candidate)
        if (place / ".git").exists():
            break
    return sys.executable


def environment(url: DatabaseUrl | None = None) -> dict[str, str]:
    """Our environment without what is the worker's own business, and with the database's URL."""
    ours = ("DATAROLL_", "PREFECT_", "PYTEST_")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    if url is not None:
        text = url.text()
        variables |= {"DATABASE_URL": text, "SQLALCHEMY_DATABASE_URI": text}
    return variables


def variables(folder: Path) -> dict[str, str]:
    """What a file of the project may ask for: the same that the project's own tool would see."""
    asked = project_settings(folder).get("environment", {})
    return environment() | {name: str(value) for name, value in asked.items()}


def converse(
    driver: str,
    task: Mapping[str, Any],
    *,
    folder: Path,
    url: DatabaseUrl,
    heard: Heard,
) -> Event:
    """Run a driver; call ``heard(event, tell)`` for each line; give the last event.

    ``tell("stop")`` asks for an end before the next migration, ``tell("go")`` answers a driver
    that waits because its task says ``ask``.

    Raises StepError where the child ended without a last word.
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            [interpreter(folder), "-W", "ignore", str(DRIVERS / driver)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment(url) | dict(task.get("environment", {})),
            cwd=folder if folder.is_dir() else folder.parent,
            text=True,
            encoding="utf-8",
        )
        stdin, stdout = cast("IO[str]", child.stdin), cast("IO[str]", child.stdout)

        def tell(word: Literal["stop", "go"]) -> None:
            stdin.write(f"{word}\n")
            stdin.flush()

        last: Event = {}
        try:
            stdin.write(json.dumps(task) + "\n")
            stdin.flush()
            for event in _events(stdout):
                last = event
                heard(event, tell)
            child.wait()
        except BrokenPipeError:
            child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            for stream in (stdin, stdout):
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        if last.get("event") not in ("done", "error", "stopped", "history"):
            complaints.seek(0)
            tail = url.scrub(complaints.read().decode(errors="replace").strip()[-2000:])
            raise StepError(
                f"the project's tool ended with {child.returncode} in the middle of its work: {tail}",
                details={"lastEvent": dict(last)},
            )
        return last


def _events(lines: IO[str]) -> Iterator[Event]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue
