"""Pictures of a run in Prefect's own UI: ``python -m tests.browser.prefect_pages FOLDER``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cli.api_client import ApiClient
from cli.demo import running
from cli.inbox import Inbox
from cli.installation import Installation
from cli.road import copy_project
from cli.sample import WORKFLOW, add_person, connect, publish
from tests.browser.screenshots import CHROMIUM, FLAGS
from tests.orchestrator.installed import Installed


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        Inbox() as inbox,
        running(Path(name), inbox) as installation,
    ):
        run_id = a_run(installation, inbox, Path(name))
        artifacts = Installed(installation).prefect.post("artifacts/filter", json={}).json()
        pages = {
            "run": f"/runs/flow-run/{run_id}",
            "runs": "/runs",
            "deployments": "/deployments",
            **{each["key"]: f"/artifacts/artifact/{each['id']}" for each in artifacts},
        }
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            sign_in(page, installation)
            for title, address in pages.items():
                page.goto(f"http://127.0.0.1:{installation.prefect_port}{address}")
                page.wait_for_timeout(4000)
                page.screenshot(path=folder / f"prefect-{title}.png")
            browser.close()


def a_run(installation: Installation, inbox: Inbox, folder: Path) -> str:
    """One that was approved, and went well; its id in Prefect."""
    owner = ApiClient(installation.settings.public_url, installation.admin_token)
    migrations = copy_project(folder / "migrations")
    connection = connect(owner, "Shop", f"sqlite:///{folder / 'shop.db'}", migrations)
    workflow = publish(owner, WORKFLOW, inbox.url, name="Safe Production Migration")
    robin = add_person(owner, installation, "Robin", "robin@example.invalid", "developer")
    run = robin.post(
        f"/api/workflows/{workflow['id']}/execute",
        {"context": {"connectionId": connection["id"]}},
    )
    approval = owner.wait_for_approval(run["id"])
    owner.post(f"/api/approvals/{approval['id']}/approve", {"comment": "go ahead"})
    return str(owner.wait_for_run(run["id"])["prefectFlowRunId"])


def sign_in(page: Page, installation: Installation) -> None:
    """Prefect's UI asks for the text in prefect.auth, once."""
    page.goto(f"http://127.0.0.1:{installation.prefect_port}")
    field = page.locator("input[type=password]")
    field.wait_for(timeout=60_000)
    field.fill(installation.prefect_auth)
    field.press("Enter")
    page.wait_for_timeout(3000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
