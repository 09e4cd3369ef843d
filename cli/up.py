"""``dataroll up``: everything on this machine, on embedded defaults, behind one URL."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import httpx

from cli.installation import Installation, prefect_server_environment, prepare
from cli.supervisor import Child, Supervisor, port_taken
from runtime_tasks.lifeline import LIFELINE, held

START_UP = 300.0
"""Seconds after which a start that is still not ready is given up."""


@click.command()
@click.option("--sample/--no-sample", default=True, help="Add a sample project on the first start.")
def up(sample: bool) -> None:
    """Start Prefect, a worker and the web app, and print the URL. Ctrl-C ends them all."""
    installation = prepare(sample=sample)
    raise SystemExit(asyncio.run(serve(installation, sample=sample, say=say)))


def say(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')}  {line}")


async def serve(
    installation: Installation,
    *,
    sample: bool,
    say: Callable[[str], None],
    ready: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Run until ``stop`` or a signal. Returns the process's exit code."""
    if problem := taken_ports(installation):
        click.echo(problem, err=True)
        return 1
    stop = stop or asyncio.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with held(installation.home) as lifeline:
        return await supervised(installation, lifeline, sample, say, ready, stop)


async def supervised(
    installation: Installation,
    lifeline: Path,
    sample: bool,
    say: Callable[[str], None],
    ready: Callable[[], None] | None,
    stop: asyncio.Event,
) -> int:
    supervisor = Supervisor(say)
    try:
        start_children(installation, supervisor, {LIFELINE: str(lifeline)})
        starting = asyncio.create_task(announce(installation, sample, say, ready))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and (error := starting.exception()):
            click.echo(f"{error}\nThe logs are in {installation.home / 'logs'}", err=True)
            return 1
        await stopping
        say("stopping")
        starting.cancel()
        return 0
    finally:
        await supervisor.stop()


def taken_ports(installation: Installation) -> str | None:
    settings = installation.settings
    taken = []
    if port_taken(settings.host, settings.port):
        taken.append((settings.port, "dataroll", "DATAROLL_PORT"))
    if installation.own_prefect and port_taken("127.0.0.1", installation.prefect_port):
        taken.append((installation.prefect_port, "Prefect", "DATAROLL_PREFECT_PORT"))
    if not taken:
        return None
    lines = [
        f"port {port}, which {program} wants, is taken: stop what holds it, or set {variable}"
        for port, program, variable in taken
    ]
    return "\n".join(lines)


def start_children(
    installation: Installation, supervisor: Supervisor, more: Mapping[str, str]
) -> None:
    logs = installation.home / "logs"
    environment = {**installation.environment, **more}
    if installation.own_prefect:
        command = [
            *(sys.executable, "-m", "cli.prefect_server", "server", "start"),
            *("--host", "127.0.0.1", "--port", str(installation.prefect_port)),
        ]
        prefect = prefect_server_environment(installation)
        supervisor.keep(Child("Prefect", command, prefect, logs / "prefect.log"))
    if installation.inbox_address:
        host, port = installation.inbox_address
        command = [sys.executable, "-m", "cli.inbox", host, str(port), str(installation.home)]
        supervisor.keep(Child("sample inbox", command, environment, logs / "inbox.log"))
    for name in ("server", "worker"):
        command = [sys.executable, "-m", "cli", name]
        supervisor.keep(Child(name, command, environment, logs / f"{name}.log"))


async def announce(
    installation: Installation,
    sample: bool,
    say: Callable[[str], None],
    ready: Callable[[], None] | None,
) -> None:
    """Wait until everything answers, add the sample once, and print the URL."""
    started = time.monotonic()
    settings = installation.settings
    say("starting Prefect, the worker and the web app (the first start takes longest)")
    await answer(f"{settings.public_url}/api/health", started)
    await answer(f"{installation.environment['PREFECT_API_URL']}/health", started)
    link = settings.public_url
    first_login = settings.home / "first-login.url"
    if sample:
        from cli.sample import add_sample

        await asyncio.to_thread(add_sample, installation, say)
    if first_login.exists():
        link = first_login.read_text().strip()
    say(f"ready after {time.monotonic() - started:.0f} s: {link}")
    if installation.own_prefect:
        say(
            f"Prefect's own UI is on port {installation.prefect_port}"
            f" and asks for the text in {installation.home / 'prefect.auth'}"
        )
    if ready is not None:
        ready()


async def answer(url: str, started: float) -> None:
    """Wait until ``url`` answers 200."""
    async with httpx.AsyncClient(timeout=5) as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() - started > START_UP:
                raise TimeoutError(f"{url} did not answer within {START_UP:.0f} s")
            await asyncio.sleep(0.3)
