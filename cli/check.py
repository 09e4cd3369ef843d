"""``dataroll check``: say everything that is wrong with definitions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from cli.definitions import PROBLEMS, as_json, described, read_file


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
def check(files: tuple[Path, ...], output: str, strict: bool) -> None:
    """Say what is wrong with definitions; exit code 1 if anything is."""
    from compiler.workflow import check_workflow

    found: list[dict[str, object]] = []
    errors = 0
    for path in files:
        source, format_ = read_file(path)
        checked = check_workflow(source, format_, strict=strict)
        errors += len(checked.errors)
        for problem in checked.problems:
            found.append(as_json(problem, path))
            if output == "text":
                click.echo(described(problem, path))
        if output == "text" and not checked.problems:
            click.echo(f"{path}: no problems")
    if output == "json":
        click.echo(json.dumps({"problems": found}, ensure_ascii=False, indent=2))
    sys.exit(PROBLEMS if errors else 0)
