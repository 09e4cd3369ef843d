"""Keeps a few child processes running: starts them, restarts what dies, ends them all.

Each child is the head of a process group of its own and dies with this process,
even when this process is killed: nothing is left behind to hold a port.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STEADY = 30.0
"""A child that lived this long starts again without delay."""
LONGEST_PAUSE = 30.0
GRACE = 15.0
"""Seconds a child has to end before it is killed."""

Say = Callable[[str], None]


@dataclass
class Child:
    """A program to keep running. Its output goes to ``log``."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = field(default=None, init=False)


class Supervisor:
    def __init__(self, say: Say) -> None:
        self.say = say
        self.children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False

    def keep(self, child: Child) -> None:
        """Start the child now and again whenever it ends."""
        self.children.append(child)
        self._keepers.append(asyncio.create_task(self._keep(child)))

    async def _keep(self, child: Child) -> None:
        pause = 1.0
        while not self._stopping:
            started = time.monotonic()
            code = await self._run(child)
            if self._stopping:
                return
            if time.monotonic() - started > STEADY:
                pause = 1.0
            self.say(
                f"{child.name} ended ({ending(code)}); starting it again in {pause:.0f} s"
                f" (its log: {child.log})"
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run(self, child: Child) -> int:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                *child.command,
                env=dict(child.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        return await child.process.wait()

    async def stop(self) -> None:
        """End every child, the last started first, and wait until all are gone."""
        self._stopping = True
        for child in reversed(self.children):
            await self._end(child)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(GRACE):
                await process.wait()
        except TimeoutError:
            self.say(f"{child.name} did not end in {GRACE:.0f} s; killing it")
            kill_group(process.pid)
            await process.wait()
        else:
            kill_group(process.pid)


def kill_group(pid: int) -> None:
    """Kill what is left of a child's process group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def die_with_parent() -> None:
    """Linux: ask the kernel for SIGTERM when the parent dies (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def port_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
