"""``dataroll compile``: write the flows of definitions, or say whether the written ones are current."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.definitions import PROBLEMS, described, read_file

if TYPE_CHECKING:
    from compiler.compiled import CompiledFlow


@click.command(name="compile")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    help="The folder of the generated flows.",
)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file is stale."
)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option(
    "--prefect",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a prefect.yaml with a deployment for each flow.",
)
@click.option("--version", type=click.IntRange(min=1), default=1, help="Number in the header.")
def compile_(
    files: tuple[Path, ...],
    out: Path,
    only_check: bool,
    strict: bool,
    prefect: Path | None,
    version: int,
) -> None:
    """Write the Prefect flows of definitions into a folder."""
    from compiler.errors import DefinitionError
    from compiler.workflow import compile_workflow

    bad = 0
    flows: dict[str, CompiledFlow] = {}
    written: dict[str, tuple[Path, str]] = {}
    for path in files:
        source, format_ = read_file(path)
        try:
            flow = compile_workflow(source, format_, version=version, strict=strict)
        except DefinitionError as error:
            bad += 1
            for problem in error.problems:
                click.echo(described(problem, path), err=True)
            continue
        for problem in flow.warnings:
            click.echo(described(problem, path), err=True)
        flows.setdefault(flow.filename, flow)
        target = out / flow.filename
        first, text = written.setdefault(flow.filename, (path, flow.source))
        if text != flow.source:
            click.echo(f"{path}: {first} is written to {target} already; rename one", err=True)
            bad += 1
        elif only_check:
            if not _is(target, flow.source):
                click.echo(f"{target}: stale; run: dataroll compile {path}", err=True)
                bad += 1
        elif first == path:
            _write(target, flow.source)
            click.echo(f"{path} → {target}")
    if prefect is not None and not bad:
        from compiler.prefect_yaml import prefect_yaml

        text = prefect_yaml(flows.values(), out.as_posix())
        if not only_check:
            _write(prefect, text)
            click.echo(f"{len(flows)} deployments → {prefect}")
        elif not _is(prefect, text):
            click.echo(f"{prefect}: stale; write it again without --check", err=True)
            bad += 1
    sys.exit(PROBLEMS if bad else 0)


def _is(target: Path, text: str) -> bool:
    try:
        return target.read_bytes() == text.encode()
    except FileNotFoundError:
        return False


def _write(target: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    if _is(target, text):
        return
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".py")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        # The mode that an ordinary new file would have.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
