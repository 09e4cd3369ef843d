"""``--url`` and ``--token``: which dataroll server a command talks to, and as whom."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from cli.api_client import ApiClient

F = TypeVar("F", bound=Callable[..., Any])


def server_options(command: F) -> F:
    url = click.option(
        "--url",
        envvar="DATAROLL_API_URL",
        default="http://127.0.0.1:8420",
        show_default=True,
        help="The dataroll server.",
    )
    token = click.option(
        "--token",
        envvar="DATAROLL_API_TOKEN",
        help="An API token; DATAROLL_API_TOKEN keeps it out of the shell's history."
        " On the server's own machine the first admin's is found by itself.",
    )
    return url(token(command))


def api(url: str, token: str | None) -> ApiClient:
    if token is None:
        from server.settings import Settings

        kept = Settings.from_environment().home / "admin.token"
        token = os.environ.get("DATAROLL_ADMIN_TOKEN") or (
            kept.read_text().strip() if kept.exists() else None
        )
    if token is None:
        raise click.UsageError("give --token or set DATAROLL_API_TOKEN")
    return ApiClient(url, token)


def every(client: ApiClient, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor = None
    while True:
        page = client.get(path, **({"cursor": cursor} if cursor else {}))
        yield from page["items"]
        cursor = page.get("nextCursor")
        if not cursor:
            return


def find_workflow(client: ApiClient, wanted: str) -> dict[str, Any] | None:
    """By id, slug or name."""
    for workflow in every(client, "/api/workflows"):
        if wanted in (workflow["id"], workflow.get("slug"), workflow["name"]):
            return workflow
    return None
