"""The sample that ``dataroll up`` adds on its first start: a shop's database, a workflow, a run.

Two people belong to it, because nobody approves their own run: you, the owner,
and Robin, who has just asked for a migration. Robin's run waits for you.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.api_client import ApiClient, ApiProblem
from cli.installation import Installation

TEMPLATES = Path(__file__).parent.parent / "templates"
WORKFLOW = TEMPLATES / "workflows" / "safe_production_migration.yaml"
PROJECT = TEMPLATES / "sample" / "shop"


def add_sample(installation: Installation, say: Callable[[str], None]) -> None:
    """Add the sample once; a later start, or a failure, leaves everything as it is."""
    done = installation.home / "sample.added"
    if done.exists():
        return
    api = ApiClient(installation.settings.public_url, installation.admin_token)
    try:
        if api.get("/api/workflows")["items"]:
            return
        folder = installation.home / "sample"
        shutil.copytree(PROJECT, folder / "shop", dirs_exist_ok=True)
        connection = connect(api, "Sample shop", f"sqlite:///{folder / 'shop.db'}", folder / "shop")
        workflow = publish(api, WORKFLOW, installation.inbox_url)
        robin = add_person(api, installation, "Robin Sample", "robin@sample.invalid", "developer")
        robin.post(
            f"/api/workflows/{workflow['id']}/execute",
            {
                "context": {"connectionId": connection["id"]},
                "variables": {"targetEnv": "the sample"},
            },
        )
        done.touch()
        say("added the sample: Robin has started a migration that waits for your approval")
    except ApiProblem as problem:
        say(f"the sample could not be added: {problem}")


def connect(api: ApiClient, name: str, url: str, migrations: Path) -> dict[str, Any]:
    made: dict[str, Any] = api.post(
        "/api/connections",
        {
            "name": name,
            "environment": "development",
            "url": url,
            "migrations": {"path": str(migrations)},
            "tool": "auto",
        },
    )
    return made


def publish(
    api: ApiClient, definition: Path, slack: str, name: str = "Safe Production Migration"
) -> dict[str, Any]:
    """Create the workflow, set its secret, publish it."""
    workflow: dict[str, Any] = api.post(
        "/api/workflows",
        {
            "name": name,
            "description": "Multi-step production migration with approvals",
            "trigger": "manual",
            "definition": {
                "content": definition.read_text(),
                "format": definition.suffix.removeprefix("."),
            },
        },
    )
    api.put(f"/api/workflows/{workflow['id']}/variables/slackWebhook", {"value": slack})
    api.post(f"/api/workflows/{workflow['id']}/publish", {"changelog": "First version"})
    return workflow


def add_person(
    api: ApiClient, installation: Installation, name: str, email: str, role: str
) -> ApiClient:
    """Another member of the team, and a client that acts as them."""
    team = api.get("/api/teams")["items"][0]
    person = api.post(
        "/api/users",
        {"name": name, "email": email, "teamId": team["id"], "role": role, "createToken": True},
    )
    return ApiClient(installation.settings.public_url, person["token"])
