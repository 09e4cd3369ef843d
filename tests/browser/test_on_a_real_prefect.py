"""A run's life in the browser, on a whole installation: nothing is played, Prefect runs the flow.

Ruth starts; Otto, who is asked, approves or rejects. The other tests of the runs' pages play the worker, so
that they can bring about every state; this one shows that the real one brings them about, too.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.api_client import ApiClient
from cli.inbox import Inbox
from cli.installation import Installation
from cli.sample import PROJECT, WORKFLOW, connect, publish
from tests.browser.editing import Editor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a-password-for-the-browser"
LONG = 120_000
"""Milliseconds that a run may take on a busy machine."""


@pytest.fixture(scope="module")
def owner(installation: Installation) -> ApiClient:
    api = ApiClient(installation.settings.public_url, installation.admin_token)
    team = api.get("/api/teams")["items"][0]["id"]
    for name, role in (("ruth", "developer"), ("otto", "owner")):
        person = {"name": name.title(), "email": f"{name}@real.invalid", "role": role}
        api.post("/api/users", {**person, "teamId": team, "password": PASSWORD})
    return api


@pytest.fixture
def pages(browser: Browser, installation: Installation, owner: ApiClient) -> Iterator[list[Page]]:
    """Ruth's, who starts runs, and Otto's, who owns the team."""
    pages, complaints = [], []
    for name in ("ruth", "otto"):
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, base_url=installation.settings.public_url
        )
        context.set_default_timeout(LONG)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/login")
        page.get_by_label("E-mail").fill(f"{name}@real.invalid")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/workflows")
        pages.append(page)
    yield pages
    assert complaints == []


@pytest.fixture
def asks_otto(tmp_path: Path) -> Path:
    """The wish's example, with an approver who has signed in."""
    path = tmp_path / "asks_otto.yaml"
    path.write_text(
        WORKFLOW.read_text().replace("{{ currentUser.teamOwner }}", "otto@real.invalid")
    )
    return path


def started(page: Page, workflow_id: str, connection: str) -> str:
    """Started in the editor, and waiting for its approval; the execution's id."""
    page.goto(f"/workflows/{workflow_id}/editor")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Run now").click()
    dialog = page.get_by_role("dialog", name="Run now")
    dialog.get_by_label("Connection").select_option(label=connection)
    dialog.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/executions/**")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    for row in ("Dry-Run Migrations: Success", "Require Approval: Waiting"):
        expect(page.get_by_role("button", name=row)).to_be_visible(timeout=LONG)
    return page.url.rstrip("/").rsplit("/", 1)[-1]


def test_a_run_is_started_watched_approved_and_replayed(
    pages: list[Page], owner: ApiClient, inbox: Inbox, asks_otto: Path, tmp_path: Path
) -> None:
    ruth, otto = pages
    database = tmp_path / "shop.db"
    connect(owner, "Real shop", f"sqlite:///{database}", PROJECT)
    workflow = publish(owner, asks_otto, inbox.url, name="On a real Prefect")
    execution = started(ruth, workflow["id"], "Real shop")
    approval = owner.wait_for_approval(execution)

    # Who has started it does not approve it.
    ruth.goto(f"/approvals/{approval['id']}")
    expect(ruth.get_by_role("article").get_by_role("button", name="Approve")).to_be_disabled()

    # The next version is published while the first one waits.
    editor = Editor(ruth, None, workflow).open()  # type: ignore[arg-type]
    editor.choose("notify-1").get_by_label("Label", exact=True).fill("Tell them later")
    ruth.get_by_role("button", name="Publish").click()
    dialog = ruth.get_by_role("dialog", name="Publish a new version")
    expect(dialog.get_by_role("list", name="Changes in words")).to_contain_text("Tell them later")
    dialog.get_by_role("button", name="Publish").click()
    expect(ruth.get_by_text("Version 2 is published")).to_be_visible(timeout=LONG)
    first = owner.get(f"/api/workflows/{workflow['id']}/versions/1")
    assert first["content"] == asks_otto.read_text()

    ruth.goto(f"/executions/{execution}")
    expect(ruth.get_by_text("Live", exact=True)).to_be_visible()
    otto.goto(f"/approvals/{approval['id']}")
    article = otto.get_by_role("article")
    expect(article.get_by_text("CREATE TABLE").first).to_be_visible()
    article.get_by_label("Comment").fill("Read it")
    article.get_by_role("button", name="Approve").click()
    expect(article.get_by_text("approved", exact=True)).to_be_visible()

    # It goes on while somebody watches, as the version that it began as.
    expect(ruth.get_by_role("button", name="Slack Notification: Success")).to_be_visible()
    expect(ruth.locator("header").get_by_text("Success", exact=True).first).to_be_visible()
    expect(ruth.get_by_text("version 1", exact=False).first).to_be_visible()
    run = owner.wait_for_run(execution)
    assert (run["status"], run["version"]) == ("success", 1)
    with sqlite3.connect(database) as tables:
        names = {name for (name,) in tables.execute("SELECT name FROM sqlite_master")}
    assert {"customers", "orders"} <= names

    ruth.reload()
    for node in run["nodeExecutions"]:
        row = ruth.locator(f"[data-row='{node['nodeId']}']")
        expect(row).to_be_visible()
        if node["status"] != "skipped":
            ends = [float(row.get_attribute(f"data-{end}") or 0) for end in ("from", "to")]
            assert abs(ends[1] - ends[0] - node["duration"]) <= 2
    replayed(ruth, run)
    ruth.get_by_role("tab", name="Logs").click()
    lines = owner.get(f"/api/executions/{execution}/logs")["items"]
    expect(ruth.get_by_role("log").get_by_text(lines[-1]["message"]).first).to_be_visible()


def replayed(page: Page, run: dict[str, Any]) -> None:
    """From the first moment to the last, in the order in which the nodes settled."""
    done = [node for node in run["nodeExecutions"] if node["status"] == "success"]
    order = [node["nodeId"] for node in sorted(done, key=lambda node: node["completedAt"])]
    slider = page.get_by_role("slider", name="Moment of the run")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(f".react-flow__node[data-id='{order[-1]}']")).to_contain_text("Pending")
    settled: list[str] = []
    for _ in range(60):
        for name in order:
            text = page.locator(f".react-flow__node[data-id='{name}']").inner_text()
            if name not in settled and "Success" in text:
                settled.append(name)
        page.keyboard.press("ArrowRight")
    assert settled == order


def test_what_is_rejected_changes_nothing(
    pages: list[Page], owner: ApiClient, inbox: Inbox, asks_otto: Path, tmp_path: Path
) -> None:
    ruth, otto = pages
    database = tmp_path / "other.db"
    connect(owner, "Other shop", f"sqlite:///{database}", PROJECT)
    workflow = publish(owner, asks_otto, inbox.url, name="Rejected on a real Prefect")
    execution = started(ruth, workflow["id"], "Other shop")
    otto.goto("/approvals?asked=me")
    otto.get_by_role("list", name="Approvals").get_by_text("Rejected on a real Prefect").click()
    article = otto.get_by_role("article")
    article.get_by_label("Comment").fill("Not on a Sunday")
    article.get_by_role("button", name="Reject").click()
    expect(article.get_by_text("rejected", exact=True)).to_be_visible()
    expect(
        ruth.get_by_role("button", name=re.compile("^Execute Migrations: Skipped"))
    ).to_be_visible()
    run = owner.wait_for_run(execution)
    assert run["status"] == "cancelled"
    assert "Not on a Sunday" in str(owner.get(f"/api/executions/{execution}"))
    with sqlite3.connect(database) as tables:
        names = {name for (name,) in tables.execute("SELECT name FROM sqlite_master")}
    assert not {"customers", "orders"} & names
