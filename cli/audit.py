"""``dataroll audit``: check an exported audit log, without a server."""

from __future__ import annotations

from typing import TextIO

import click


@click.group()
def audit() -> None:
    """Work with the audit log."""


@audit.command("verify")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option(
    "--continues",
    "earlier",
    metavar="EARLIER",
    type=click.File(encoding="utf-8"),
    help="An earlier export, kept elsewhere: FILE has to hold all of it.",
)
@click.option(
    "--public-key",
    metavar="KEY",
    envvar="DATAROLL_APPROVAL_PUBLIC_KEY",
    help="The server's public key, which has to have signed the end. Anybody can make"
    " a key of their own.",
)
def verify_(file: TextIO, earlier: TextIO | None, public_key: str | None) -> None:
    """Check FILE, as exported by /api/audit/export: every hash, every link, nothing missing in
    the middle or at the end."""
    from server.audit.verify import verify

    before = None if earlier is None else verify(earlier)
    verdict = verify(
        file, public_key=public_key, continues=None if before is None else before.chains
    )
    wrong = [
        *(f"earlier export, {each}" for each in (before.wrong if before else ())),
        *verdict.wrong,
    ]
    for problem in wrong:
        click.echo(problem, err=True)
    for chain, (seq, last) in sorted(verdict.chains.items()):
        click.echo(f"chain {chain}: {seq} entries, ends with {last}")
    for key in sorted(verdict.signed_by):
        click.echo(f"signed by {key}" + ("" if public_key else " (is that the server's key?)"))
    if wrong or not verdict.entries:
        if not verdict.entries:
            click.echo("there is no entry in this file", err=True)
        raise SystemExit(1)
    click.echo(f"{verdict.entries} entries, unbroken")
