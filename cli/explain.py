"""``dataroll explain``: what runs when, in words or as a graph."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cli.definitions import PROBLEMS, described, read_file


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mermaid", "as_graph", is_flag=True, help="Print a Mermaid graph.")
@click.option(
    "--line",
    type=click.IntRange(min=1),
    help="Say which node a line of the generated file belongs to.",
)
def explain(file: Path, as_graph: bool, line: int | None) -> None:
    """Say what a definition does."""
    from compiler.explain import mermaid, prose
    from compiler.workflow import check_workflow, compile_workflow

    source, format_ = read_file(file)
    checked = check_workflow(source, format_)
    if checked.errors or checked.graph is None:
        for problem in checked.errors:
            click.echo(described(problem, file), err=True)
        sys.exit(PROBLEMS)
    if line is not None:
        flow = compile_workflow(source, format_)
        span = flow.span_at(line)
        if span is None:
            click.echo(f"line {line} of {flow.filename} belongs to no node")
            sys.exit(PROBLEMS)
        text = flow.source.splitlines()[line - 1].strip()
        click.echo(f"{flow.filename}:{line}  {text}")
        click.echo(f"{file}:{span.definition_line}  node {span.node}")
    elif as_graph:
        click.echo(mermaid(checked.graph), nl=False)
    else:
        click.echo(prose(checked), nl=False)
