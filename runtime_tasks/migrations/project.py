"""A project's own tool, run with the project's own interpreter in a subprocess.

What the child says arrives as lines of JSON; what it prints goes to its
standard error, from there to whoever hears, line by line, and into the error
message when it ends without a last word. The database's URL
goes through its standard input and never onto a command line, and none of
the worker's own secrets are in its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from runtime_tasks.errors import StepError
from runtime_tasks.migrations.database import DatabaseUrl
from runtime_tasks.migrations.files import project_places
from runtime_tasks.migrations.settings import project_settings

DRIVERS = Path(__file__).parent / "drivers"

Event = Mapping[str, Any]
Tell = Callable[[Literal["stop", "go"]], None]
Heard = Callable[[Event, Tell], None]


def interpreter(folder: Path) -> str:
    """The project's Python: a virtual environment at or above the folder, else our own."""
    for place in project_places(folder):
        for name in (".venv", "venv", "env"):
            for python in ("bin/python", "Scripts/python.exe"):
                candidate = place / name / python
                if candidate.exists() and (place / name / "pyvenv.cfg").exists():
                    return str(candidate)
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

    What the tool prints is heard as ``{"event": "printed", "text": …}``, without passwords.

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

        printed = Printed(complaints.fileno())

        def hear_what_was_printed(*, to_the_end: bool = False) -> None:
            for line in printed.lines(to_the_end=to_the_end):
                heard({"event": "printed", "text": url.scrub(line)}, tell)

        last: Event = {}
        try:
            stdin.write(json.dumps(task) + "\n")
            stdin.flush()
            for event in _events(stdout):
                hear_what_was_printed()
                last = event
                heard(event, tell)
            child.wait()
            hear_what_was_printed(to_the_end=True)
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


@dataclass
class Printed:
    """The lines of a growing file. Of much only the beginning: a log is no place for a flood."""

    descriptor: int
    left: int = 500
    _place: int = 0
    _rest: bytes = b""

    def lines(self, *, to_the_end: bool) -> Iterator[str]:
        while found := os.pread(self.descriptor, 65536, self._place):
            self._place += len(found)
            *whole, self._rest = (self._rest + found).split(b"\n")
            yield from self._shown(whole)
            self._rest = self._rest[-65536:]
        if to_the_end and self._rest:
            yield from self._shown([self._rest])

    def _shown(self, lines: Sequence[bytes]) -> Iterator[str]:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if not text or self.left < 0:
                continue
            self.left -= 1
            yield text[:2000] if self.left >= 0 else "… more was printed, and is left out"


def _events(lines: IO[str]) -> Iterator[Event]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue
