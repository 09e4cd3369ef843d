"""``dataroll doctor``: is everything in place? Each line says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from server.settings import Settings

PINS = {"prefect": ("3.8.8", "3.8.8"), "fastapi": ("0.139", "0.150"), "sqlalchemy": ("2.0", "2.0")}


@dataclass(frozen=True)
class Finding:
    ok: bool
    what: str
    remedy: str = ""


@click.command()
def doctor() -> None:
    """Check the installation: versions, keys, database, Prefect, the running server."""
    from server.settings import Settings

    settings = Settings.from_environment()
    bad = 0
    for look in (_python, _pins, _home, _keys, _database, _prefect, _server):
        for finding in _safely(look, settings):
            mark = click.style("ok ", fg="green") if finding.ok else click.style("bad", fg="red")
            click.echo(f"{mark}  {finding.what}")
            if not finding.ok:
                bad += 1
                click.echo(f"     {finding.remedy}")
    raise SystemExit(1 if bad else 0)


def _safely(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    try:
        return list(look(settings))
    except Exception as error:
        name = look.__name__.strip("_")
        return [Finding(False, f"{name}: {type(error).__name__}: {error}", "see the message")]


def _python(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(sys.version_info >= (3, 11), f"Python {version}", "install Python 3.11 or later")


def _pins(settings: Settings) -> Iterator[Finding]:
    for package, (low, high) in PINS.items():
        version = importlib.metadata.version(package)
        parts = _numbers(version)
        fits = _numbers(low) <= parts and parts[: len(_numbers(high))] <= _numbers(high)
        yield Finding(fits, f"{package} {version}", f"pip install -r requirements.lock ({low} …)")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    there = home.is_dir()
    yield Finding(
        there and os.access(home, os.W_OK),
        f"home folder {home}",
        "start `dataroll up` once, or set DATAROLL_HOME to a folder that can be written",
    )


def _keys(settings: Settings) -> Iterator[Finding]:
    for name in ("secret.key", "worker.token", "approval.key"):
        path: Path = settings.home / name
        if not path.exists():
            yield Finding(True, f"{name}: made on the first start")
            continue
        mode = path.stat().st_mode & 0o777
        yield Finding(mode & 0o077 == 0, f"{name} (mode {mode:o})", f"chmod 600 {path}")


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import create_engine, inspect, text

    from server.database import MIGRATIONS, sync_url

    url = sync_url(settings.database_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        yield Finding(True, f"database {shown}: made on the first start")
        return
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            found = None
            if inspect(connection).has_table("alembic_version"):
                found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    finally:
        engine.dispose()
    newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
    yield Finding(
        found in (None, newest) or str(found) < newest,
        f"database {shown} (schema {found or 'none yet'}, this version wants {newest})",
        "the database is newer than this program: update dataroll",
    )


def _prefect(settings: Settings) -> Iterator[Finding]:
    if settings.prefect_api_url is None:
        yield Finding(True, "Prefect: `dataroll up` starts its own")
        return
    yield asyncio.run(_answers(f"{settings.prefect_api_url}/health", "Prefect"))


def _server(settings: Settings) -> Iterator[Finding]:
    yield asyncio.run(_answers(f"{settings.public_url}/api/health", "dataroll's server"))


async def _answers(url: str, what: str) -> Finding:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer: Any = await client.get(url)
    except httpx.HTTPError:
        return Finding(False, f"{what} at {url}", "it does not answer: start it with `dataroll up`")
    return Finding(
        answer.status_code == 200, f"{what} at {url}", f"it answers {answer.status_code}"
    )
