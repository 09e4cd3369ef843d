"""``dataroll run``: start a published workflow and follow it to its end."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from cli.server_options import api, find_workflow, server_options

COLOURS = {"success": "green", "failed": "red", "unknown": "red", "waiting": "yellow"}


@click.command()
@click.argument("workflow")
@click.option("--connection", help="The connection's id or name, where the workflow uses one.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="JSON or plain text.")
@click.option("--dry-run", is_flag=True, help="Rehearse the draft: nothing is written or sent.")
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end.")
@click.option("--key", help="Idempotency key: the same key again is the same run.")
@server_options
def run(
    workflow: str,
    connection: str | None,
    variables: tuple[str, ...],
    dry_run: bool,
    wait: bool,
    key: str | None,
    url: str,
    token: str | None,
) -> None:
    """Start WORKFLOW (its id, slug or name). Exit code 0 when it succeeds, else 1."""
    from cli.api_client import ApiProblem

    client = api(url, token)
    given = dict(parsed(text) for text in variables)
    try:
        found = find_workflow(client, workflow)
        if found is None:
            raise click.UsageError(f"there is no workflow '{workflow}' on {url}")
        path = f"/api/workflows/{found['id']}"
        if dry_run:
            inputs = given | ({"connectionId": connection} if connection else {})
            started = client.post(f"{path}/test", {"input": inputs})
        else:
            context = {"connectionId": connection} if connection else {}
            headers = {"Idempotency-Key": key} if key else {}
            started = client.post(
                f"{path}/execute", {"variables": given, "context": context}, **headers
            )
        click.echo(f"{started['id']}  {url}/executions/{started['id']}")
        if not wait:
            return
        ended = follow(client, started["id"])
    except ApiProblem as problem:
        click.echo(str(problem), err=True)
        sys.exit(1)
    said = ended["error"] or ended["reason"] or ""
    click.secho(f"{ended['status']}  {said}".rstrip(), fg=COLOURS.get(ended["status"]))
    sys.exit(0 if ended["status"] == "success" else 1)


def parsed(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--var {text}: write NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def follow(client: Any, execution_id: str) -> dict[str, Any]:
    """Print each node as its status changes; the execution once it is over."""
    shown: dict[str, str] = {}
    while True:
        execution: dict[str, Any] = client.get(f"/api/executions/{execution_id}")
        for node in execution["nodeExecutions"]:
            if shown.get(node["nodeId"]) == node["status"]:
                continue
            shown[node["nodeId"]] = node["status"]
            took = "" if node["duration"] is None else f"  {node['duration']} ms"
            status = click.style(f"{node['status']:9}", fg=COLOURS.get(node["status"]))
            click.echo(f"  {status} {node['nodeId']}{took}  {node['reason'] or ''}".rstrip())
        if execution["status"] in ("success", "failed", "cancelled"):
            return execution
        time.sleep(0.5)
