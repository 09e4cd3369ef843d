"""What a supervisor starts ends with it, however it ends.

The supervisor holds a lock on a file. Whoever belongs to it waits for that lock in a thread of
its own: the kernel hands it over only when the supervisor is gone, be it by ``kill -9``. A flow
process needs this because it outlives its worker: one that was killed in the middle of a
migration would leave the outcome in doubt, so the run goes on and speaks to the server as before.

::

    with held(home) as path:                      # in the supervisor
        start(child, {LIFELINE: str(path)})
    follow()                                      # in the child, and in what it starts
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIFELINE = "DATAROLL_LIFELINE"


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Hold a line for the length of the block. A new file each time: a process that is left over
    from before must not take the new supervisor for its own."""
    path = folder / f"lifeline.{os.getpid()}"
    path.unlink(missing_ok=True)
    with path.open("w") as line:  # not inherited by what is started
        fcntl.flock(line, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def follow() -> None:
    """End this process and its group as soon as nobody holds the line any more. Without a line
    in the environment there is nobody to follow; twice is once."""
    path = os.environ.get(LIFELINE)
    if path and not any(thread.name == "lifeline" for thread in threading.enumerate()):
        threading.Thread(target=_follow, args=(path,), name="lifeline", daemon=True).start()


def _follow(path: str) -> None:
    try:
        with open(path) as line:
            fcntl.flock(line, fcntl.LOCK_SH)
    except FileNotFoundError:
        pass  # it has ended already
    os.killpg(os.getpgrp(), signal.SIGKILL)


def go_on_unheard() -> None:
    """Let what we print go nowhere once nobody reads it: the worker that did may have been killed.

    Prefect logs through Rich, which otherwise ends the process at the first line that nobody reads.
    """
    from rich.console import Console

    def stop_printing(console: Console) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)

    Console.on_broken_pipe = stop_printing  # type: ignore[method-assign, assignment]
