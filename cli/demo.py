"""``dataroll demo``: the main job, four times, without a browser; says what happened."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cli.api_client import ApiClient
from cli.inbox import Inbox
from cli.installation import Installation, prepare
from cli.road import Road, Walk, copy_project
from cli.sample import WORKFLOW, add_person, connect, publish


@click.command()
@click.option(
    "--postgres",
    metavar="URL",
    envvar="DATAROLL_DEMO_POSTGRES",
    help="Walk the road on this empty PostgreSQL database too.",
)
def demo(postgres: str | None) -> None:
    """Walk the whole road four times: approved, failing, rejected, nothing pending."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dataroll-demo-") as name:
        folder = Path(name)
        with Inbox() as inbox, running(folder, inbox) as installation:
            targets = {"SQLite": f"sqlite:///{folder / 'shop.db'}"}
            if postgres:
                targets["PostgreSQL"] = postgres
            wrong = [
                problem
                for database, url in targets.items()
                for problem in walk(installation, inbox, folder, database, url)
            ]
    if wrong:
        click.secho(f"\n{len(wrong)} things are not as they should be:", fg="red", err=True)
        for problem in wrong:
            click.echo(f"  {problem}", err=True)
        raise SystemExit(1)
    click.secho(f"\nAll as it should be, in {time.monotonic() - started:.0f} s.", fg="green")


def walk(
    installation: Installation, inbox: Inbox, folder: Path, database: str, url: str
) -> list[str]:
    """The four runs on one database; what went wrong."""
    owner = ApiClient(installation.settings.public_url, installation.admin_token)
    migrations = copy_project(folder / f"{database.lower()}-migrations")
    connection = connect(owner, f"Shop on {database}", url, migrations)
    workflow = publish(owner, WORKFLOW, inbox.url, name=f"Safe Production Migration ({database})")
    slug = database.lower()
    robin = add_person(owner, installation, "Robin", f"robin@{slug}.invalid", "developer")
    road = Road(owner, robin, workflow["id"], connection["id"], url, migrations, inbox)
    return [
        f"{database}, {walked.title}: {problem}"
        for walked in road.walk(lambda walked: show(database, walked))
        for problem in walked.wrong
    ]


def show(database: str, walked: Walk) -> None:
    from rich.console import Console
    from rich.table import Table

    run = walked.run
    table = Table(
        title=f"{database}: {walked.title} → [bold]{run['status']}[/bold]",
        title_justify="left",
        caption=run.get("reason") or run.get("error") or "",
        caption_justify="left",
    )
    for heading in ("node", "name", "status", "took", "what happened"):
        table.add_column(heading, justify="right" if heading == "took" else "left")
    for node in run["nodeExecutions"]:
        took = "" if node["duration"] is None else f"{node['duration']} ms"
        colour = {"success": "green", "failed": "red"}.get(node["status"], "dim")
        table.add_row(
            node["nodeId"],
            node["nodeName"],
            f"[{colour}]{node['status']}[/{colour}]",
            took,
            what_happened(node),
        )
    Console(width=int(os.environ.get("COLUMNS", "130"))).print(table)


def what_happened(node: dict[str, Any]) -> str:
    from rich.markup import escape

    output = node["output"] if isinstance(node["output"], dict) else {}
    if node["error"]:
        return escape(str(node["error"].get("message") or "")[:200])
    if node["reason"]:
        return escape(node["reason"])
    for key, words in (
        ("applied", "{} applied"),
        ("rolledBack", "{} rolled back"),
        ("migrations", "{} pending"),
    ):
        if isinstance(output.get(key), list) and (key != "applied" or "planHash" in output):
            return words.format(len(output[key]))
    by = ", ".join(output.get("by") or [])
    if "decision" in output:
        return escape(f"{output['decision']}: {output.get('comment') or by}")
    return escape(str(output.get("branch") or output.get("detail") or ""))


@contextmanager
def running(folder: Path, inbox: Inbox, **environment: str) -> Iterator[Installation]:
    """A whole installation in ``folder``, on free ports, for the length of the block."""
    from cli import up

    port, prefect_port = free_ports(2)
    installation = prepare(
        {
            **os.environ,
            "DATAROLL_HOME": str(folder / "home"),
            "DATAROLL_PORT": str(port),
            "DATAROLL_PREFECT_PORT": str(prefect_port),
            "DATAROLL_ALLOW_ADDRESSES": "127.0.0.2/32",
            **environment,
        }
    )
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    codes: list[int] = []

    def serve() -> None:
        codes.append(
            loop.run_until_complete(
                up.serve(installation, sample=False, say=up.say, ready=ready.set, stop=stop)
            )
        )
        ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ready.wait()
        if codes:
            raise SystemExit(codes[0] or 1)
        yield installation
    except BaseException:
        show_logs(installation)
        raise
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def show_logs(installation: Installation) -> None:
    """The ends of the logs: the folder they are in goes away with the demo."""
    for log in sorted((installation.home / "logs").glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-60:]
        click.echo("\n".join((f"--- {log.name}", *lines)), err=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()
