"""The ``dataroll`` command. Each subcommand is a file in this package, imported when it is used."""

from __future__ import annotations

import importlib
from typing import Any

import click

COMMANDS = {
    "check": "cli.check:check",
    "compile": "cli.compile:compile_",
    "diff": "cli.diff:diff",
    "explain": "cli.explain:explain",
    "schema": "cli.schema:schema",
    "simulate": "cli.simulate:simulate",
    "deploy": "cli.deploy:deploy",
    "run": "cli.run:run",
    "up": "cli.up:up",
    "demo": "cli.demo:demo",
    "server": "cli.server:server",
    "worker": "cli.worker:worker",
    "migrations": "cli.migrations:migrations",
    "audit": "cli.audit:audit",
    "rotate-key": "cli.rotate_key:rotate_key",
    "doctor": "cli.doctor:doctor",
}


class LazyGroup(click.Group):
    """Imports a subcommand's module when it is called, so that ``check`` never loads Prefect."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: Any = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - our own table
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="dataroll")
def main() -> None:
    """Change production databases through workflows that people can review."""
