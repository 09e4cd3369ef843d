"""``dataroll diff``: what changed between two versions of a workflow, and how risky that is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from cli.definitions import PROBLEMS, described, read_file


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--format", "output", type=click.Choice(["text", "json", "markdown"]), default="text")
def diff(old: Path, new: Path, output: str) -> None:
    """Say in words what NEW does otherwise than OLD."""
    from compiler.diff import as_json, as_markdown, as_text
    from compiler.diff import diff as compared
    from compiler.workflow import check_workflow

    versions = []
    for path in (old, new):
        source, format_ = read_file(path)
        checked = check_workflow(source, format_)
        if checked.errors:
            for problem in checked.errors:
                click.echo(described(problem, path), err=True)
            sys.exit(PROBLEMS)
        versions.append(checked)
    difference = compared(*versions)
    if output == "json":
        click.echo(json.dumps(as_json(difference), indent=2, ensure_ascii=False))
    else:
        click.echo((as_markdown if output == "markdown" else as_text)(difference), nl=False)
