"""``dataroll rotate-key``: put a new key in front and encrypt every secret with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from time import sleep

import click

UNDER_WAY = 30.0
"""Seconds after which nothing that a server encrypted with the old key is still to be stored."""


@click.command("rotate-key")
@click.option("--forget-old", is_flag=True, help="Drop the old keys once nothing needs them.")
def rotate_key(forget_old: bool) -> None:
    """Encrypt all secrets with a new key.

    With a key file (secret.key in DATAROLL_HOME) the new key is made here, and servers that run
    take it up by themselves. With DATAROLL_SECRET_KEY put the new key in front of it and restart
    the servers first, then run this.
    """
    from cryptography.fernet import Fernet

    from server.secret_box import SecretKeyError, open_box
    from server.settings import Settings

    settings = Settings.from_environment()
    path = settings.home / "secret.key"
    from_environment = bool(os.environ.get("DATAROLL_SECRET_KEY"))
    try:
        if not from_environment:
            open_box(settings.home)
            keys = [Fernet.generate_key().decode(), *path.read_text().split()]
            replace_file(path, "\n".join(keys) + "\n")
        count = asyncio.run(_rotate(settings.database_url, settings.home))
        if forget_old and not from_environment:
            click.echo(f"waiting {UNDER_WAY:.0f} s for requests that began with the old key")
            sleep(UNDER_WAY)
            count = asyncio.run(_rotate(settings.database_url, settings.home))
    except SecretKeyError as error:
        raise click.ClickException(str(error)) from None
    if forget_old and not from_environment:
        replace_file(path, path.read_text().split()[0] + "\n")
    click.echo(f"{count} secrets are encrypted with the new key")


async def _rotate(url: str, home: Path) -> int:
    from server.database import Database
    from server.secret_box import open_box
    from server.variables.rotation import rotate_all

    database = Database(url)
    try:
        await database.migrate()
        async with database.writing() as session:
            return await rotate_all(session, open_box(home))
    finally:
        await database.close()


def replace_file(path: Path, text: str) -> None:
    """All or nothing, and readable by the owner alone."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
