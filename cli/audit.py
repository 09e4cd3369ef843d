"""``dataroll audit``: check an exported audit log, without a server."""

from __future__ import annotations

from typing import TextIO

import click


@click.group()
def audit() -> None:
    """Work with the audit log."""


@audit.command("verify")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def verify_(file: TextIO) -> None:
    """Check FILE, as exported by /api/audit/export: every hash, every link, no number missing."""
    from server.audit.verify import verify

    verdict = verify(file)
    for problem in verdict.wrong:
        click.echo(problem, err=True)
    for chain, (seq, last) in sorted(verdict.chains.items()):
        click.echo(f"chain {chain}: {seq} entries, ends with {last}")
    if verdict.wrong or not verdict.entries:
        if not verdict.entries:
            click.echo("there is no entry in this file", err=True)
        raise SystemExit(1)
    click.echo(f"{verdict.entries} entries, unbroken")
