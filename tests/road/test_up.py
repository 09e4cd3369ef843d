"""``dataroll up``: children that die come back, a taken port is named, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.installation import prepare
from cli.supervisor import Child, Supervisor
from cli.up import taken_ports


def child(folder: Path, program: str) -> Child:
    return Child("sleeper", [sys.executable, "-c", program], dict(os.environ), folder / "child.log")


async def until(condition: object, seconds: float = 15) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < end, "it did not happen"
        await asyncio.sleep(0.05)


async def test_a_child_that_dies_is_started_again_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    sleeper = child(tmp_path, "import time; time.sleep(600)")
    supervisor.keep(sleeper)
    await until(lambda: sleeper.process is not None)
    assert sleeper.process is not None
    first = sleeper.process.pid
    os.kill(first, 9)
    await until(lambda: sleeper.process is not None and sleeper.process.pid != first)
    assert len(said) == 1
    assert "sleeper ended (signal SIGKILL); starting it again in 1 s" in said[0]
    assert str(sleeper.log) in said[0]
    await supervisor.stop()


async def test_stopping_ends_every_child_and_what_it_started(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(grandchild.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    supervisor = Supervisor(lambda line: None)
    parent = child(tmp_path, program)
    supervisor.keep(parent)
    await until(lambda: parent.log.exists() and parent.log.read_text().strip())
    grandchild = int(parent.log.read_text())
    assert parent.process is not None
    await supervisor.stop()
    assert parent.process.returncode is not None
    await until(lambda: is_gone(grandchild))


SUPERVISOR = """
import asyncio, os, signal, sys
from pathlib import Path
from cli.supervisor import Child, Supervisor
from runtime_tasks.lifeline import LIFELINE, held

async def main(folder):
    with held(folder) as line:
        supervisor = Supervisor(print)
        environment = {**os.environ, LIFELINE: str(line)}
        program = (folder / "child.py").read_text()
        supervisor.keep(Child("x", [sys.executable, "-c", program], environment, folder / "log"))
        await asyncio.sleep(600)

# A shell that starts the tests in the background has it ignored, and a child inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main(Path(sys.argv[1])))
"""
CHILD = """
import os, subprocess, sys, time
from runtime_tasks.lifeline import follow
follow()
program = "from runtime_tasks.lifeline import follow; follow(); import time; time.sleep(600)"
grandchild = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_however_a_supervisor_ends_what_follows_it_ends_too(
    tmp_path: Path, ending: signal.Signals
) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    log = tmp_path / "log"
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISOR, str(tmp_path)), start_new_session=True
    )
    await until(lambda: log.exists() and len(log.read_text().split()) == 2)
    child, grandchild = (int(word) for word in log.read_text().split())
    # As after a worker that was killed: the grandchild is nobody's, and nothing of it ends.
    os.kill(child, signal.SIGKILL)
    await until(lambda: is_gone(child))
    assert not is_gone(grandchild)
    supervisor.send_signal(ending)
    await supervisor.wait()
    await until(lambda: is_gone(grandchild))


def test_a_flow_process_goes_on_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from rich.console import Console\n"
        "from runtime_tasks.lifeline import go_on_unheard\n"
        "go_on_unheard()\n"
        "input()\n"
        "for n in range(3): Console(file=sys.stdout).print(n); print(n, file=sys.stderr, flush=True)\n"
        "Path(sys.argv[1]).write_text('done')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "end")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    assert process.wait(30) == 0
    assert (tmp_path / "end").read_text() == "done"


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the second while it was being read
        return True


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        environment = {**os.environ, "DATAROLL_HOME": str(tmp_path), "DATAROLL_PORT": str(port)}
        problem = taken_ports(prepare(environment))
    assert problem == (
        f"port {port}, which dataroll wants, is taken: stop what holds it, or set DATAROLL_PORT"
    )


def test_a_second_start_finds_the_same_keys(tmp_path: Path) -> None:
    environment = {**os.environ, "DATAROLL_HOME": str(tmp_path)}
    first, second = prepare(environment), prepare(environment)
    assert first == second
    assert (tmp_path / "admin.token").stat().st_mode & 0o077 == 0
