"""``dataroll worker``: runs flows. One process per run, so that a run can neither stop nor
slow another."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from server.orchestrator.prefect import PrefectOrchestrator

PROMPT = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "5"}
"""A run starts within a second or two; with Prefect's own settings it takes up to ten."""


@click.command()
@click.option("--pool", default="dataroll", show_default=True, help="Prefect work pool.")
@click.option("--limit", type=int, help="How many runs at once; no limit by default.")
@click.option("--print-env", is_flag=True, help="Print what a worker elsewhere needs, and end.")
def worker(pool: str, limit: int | None, print_env: bool) -> None:
    """Run the flows that Prefect hands out.

    Beside the server it finds what it needs in DATAROLL_HOME. On another machine it takes it from
    the environment; what --print-env prints there is secret.
    """
    from cli.installation import WORKER_TAKES, MissingSettings, worker_environment

    try:
        environment = worker_environment()
    except MissingSettings as missing:
        raise click.ClickException(str(missing)) from None
    if print_env:
        for name in WORKER_TAKES:
            if name in environment:
                click.echo(f"{name}={shlex.quote(environment[name])}")
        return
    # Prefect reads its settings when it is imported, which the next import does.
    for name, value in PROMPT.items():
        os.environ.setdefault(name, value)
    from server.orchestrator.run_credentials import take_away

    # Runs inherit what stands in the environment: they get tokens of their own instead.
    token = environment["DATAROLL_WORKER_TOKEN"]
    os.environ.update(environment)
    take_away(os.environ)
    import anyio

    from runtime_tasks.lifeline import follow

    follow()
    anyio.run(serve, pool, limit, token)


async def serve(pool: str, limit: int | None, token: str) -> None:
    from prefect.workers.process import ProcessWorker

    from server.orchestrator.prefect import PrefectOrchestrator
    from server.orchestrator.run_credentials import configuration_with

    with warm_server():
        await wait_for_prefect(PrefectOrchestrator(pool))
        process_worker = ProcessWorker(work_pool_name=pool, limit=limit)
        process_worker.job_configuration = configuration_with(token)
        await process_worker.start(printer=click.echo)


async def wait_for_prefect(prefect: PrefectOrchestrator) -> None:
    """Prefect may take its time to start; a worker that gives up would only be started again."""
    from server.orchestrator.protocol import OrchestratorUnavailable

    while True:
        try:
            return await prefect.prepare()
        except OrchestratorUnavailable:
            await asyncio.sleep(0.5)


@contextmanager
def warm_server() -> Iterator[None]:
    """Keep a process at hand that has imported everything; flow processes are forked from it."""
    with tempfile.TemporaryDirectory(prefix="dataroll-") as folder:
        path = Path(folder) / "warm.sock"
        os.environ["DATAROLL_WARM_SOCKET"] = str(path)
        command = [sys.executable, "-m", "server.orchestrator.warm.server", str(path)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait()
