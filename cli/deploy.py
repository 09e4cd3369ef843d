"""``dataroll deploy``: bring definition files to a server and publish them, as CI does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cli.definitions import PROBLEMS, read_file
from cli.server_options import api, find_workflow, server_options


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--changelog", help="Kept with the version, and in the commit.")
@server_options
def deploy(
    files: tuple[Path, ...],
    changelog: str | None,
    url: str,
    token: str | None,
) -> None:
    """Publish definitions: new ones are created, changed ones get a new version."""
    from cli.api_client import ApiProblem

    client = api(url, token)
    bad = 0
    for path in files:
        content, format_ = read_file(path)
        try:
            click.echo(f"{path}: {publish(client, path, content.decode(), format_, changelog)}")
        except ApiProblem as problem:
            waiting = problem.body.get("type") == "urn:dataroll:awaiting-review"
            click.echo(f"{path}: {problem.body['detail'] if waiting else problem}", err=not waiting)
            bad += not waiting
    sys.exit(PROBLEMS if bad else 0)


def publish(client: Any, path: Path, content: str, format_: str, changelog: str | None) -> str:
    """What happened, in words. The workflow is found by the definition's name."""
    from server.workflows.facts import read_facts

    name = read_facts(content, format_).name or path.stem
    definition = {"content": content, "format": format_}
    known = find_workflow(client, name)
    if known is None:
        known = client.post("/api/workflows", {"name": name, "definition": definition})
    else:
        full = client.get(f"/api/workflows/{known['id']}")
        if full["definition"]["content"] == content:
            if full["isPublished"] and full.get("publishedVersion") == full["version"]:
                return f"version {full['version']} is published already"
        else:
            client.patch(f"/api/workflows/{known['id']}", {"definition": definition})
    body = {"changelog": changelog} if changelog else {}
    published = client.post(f"/api/workflows/{known['id']}/publish", body)
    said = f"published as version {published['publishedVersion']}"
    if published.get("inFlight"):
        said += f"; {len(published['inFlight'])} runs of earlier versions go on as they are"
    return said
