"""``dataroll simulate``: how a run would go, without running anything."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cli.definitions import PROBLEMS, described, read_file


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    metavar="NODE=OUTCOME",
    help="How a node ends: Failed, Yes, No, Approved, Rejected, Expired. Others end well.",
)
@click.option("--all", "every", is_flag=True, help="Every way a run can go, one line each.")
def simulate(file: Path, outcomes: tuple[str, ...], every: bool) -> None:
    """Say which nodes would run, given how nodes end."""
    from compiler.simulate import all_runs, outcomes_of
    from compiler.simulate import simulate as simulated
    from compiler.workflow import check_workflow

    source, format_ = read_file(file)
    checked = check_workflow(source, format_)
    graph = checked.graph
    if checked.errors or graph is None:
        for problem in checked.errors:
            click.echo(described(problem, file), err=True)
        sys.exit(PROBLEMS)
    given: dict[str, str] = {}
    for outcome in outcomes:
        id_, _, how = outcome.partition("=")
        if id_ not in graph.position:
            raise click.UsageError(f"no node is called '{id_}'")
        known = outcomes_of(graph.node(id_))
        if how not in known:
            raise click.UsageError(f"'{id_}' ends in {' or '.join(known)}, not '{how}'")
        given[id_] = how
    if every:
        for choices, run in all_runs(graph):
            how = ", ".join(f"{id_} {outcome}" for id_, outcome in choices.items())
            ran = " → ".join(
                step.node.id + (" ✗" if step.status == "failed" else "")
                for step in run.steps
                if step.status != "skipped"
            )
            click.echo(f"{run.status:9}  {how or 'all goes well'}:  {ran}")
        return
    run = simulated(graph, given)
    width = max(len(step.node.id) for step in run.steps)
    for step in run.steps:
        note = step.why or (step.outcome if step.outcome not in ("Success", "Failed") else "")
        click.echo(f"{step.node.id:{width}}  {step.status:8}  {note}".rstrip())
    click.echo(f"the run ends as {run.status}")
