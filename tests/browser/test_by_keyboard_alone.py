"""Behaviour 38 to its end: built, published, run, approved and watched without a mouse.

On a whole installation: a real Prefect, a worker, a server, and a database that is migrated.
Robin builds and starts; the owner approves, because nobody approves their own run.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cli.api_client import ApiClient
from cli.installation import Installation
from cli.sample import PROJECT, connect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a-password-for-the-keyboard-test"
LONG = 120_000
"""Milliseconds that a run may take on a busy machine."""


class Keyboard:
    """Somebody who has no mouse, signed in."""

    def __init__(self, browser: Browser, installation: Installation, email: str) -> None:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(30_000)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{installation.settings.public_url}/login")
        self.go_to(self.page.get_by_label("E-mail"))
        self.type(email)
        self.press("Tab")
        self.type(PASSWORD)
        self.press("Enter")
        self.page.wait_for_url("**/workflows")
        expect(self.page.get_by_role("button", name="New workflow").first).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def go_to(self, place: Locator, key: str = "Tab") -> None:
        """As often as it takes, from where the focus is."""
        expect(place).to_be_visible()
        for _ in range(80):
            if place.evaluate("element => element === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"the keyboard does not reach {place}")

    def command(self, words: str) -> None:
        """Through the command palette."""
        self.press("Control+k")
        expect(self.page.get_by_role("dialog")).to_be_visible()
        self.type(words)
        self.press("Enter")

    def add(self, words: str) -> None:
        self.press("a")
        expect(self.page.get_by_label("Search node types")).to_be_focused()
        self.type(words)
        self.press("Enter", "Escape")


@pytest.fixture
def shop(installation: Installation, tmp_path: Path) -> Any:
    """A project with pending migrations, and two people."""
    owner = ApiClient(installation.settings.public_url, installation.admin_token)
    team = owner.get("/api/teams")["items"][0]["id"]
    for name, role in (("robin", "developer"), ("olga", "owner")):
        owner.post(
            "/api/users",
            {
                "name": name.title(),
                "email": f"{name}@keyboard.invalid",
                "password": PASSWORD,
                "teamId": team,
                "role": role,
            },
        )
    connect(owner, "Keyboard shop", f"sqlite:///{tmp_path / 'shop.db'}", PROJECT)
    return tmp_path / "shop.db"


def test_38_built_published_run_approved_and_watched_by_keyboard(
    browser: Browser, installation: Installation, shop: Path
) -> None:
    robin = Keyboard(browser, installation, "robin@keyboard.invalid")
    page = robin.page

    robin.press("c")
    expect(page.get_by_role("dialog")).to_be_visible()
    robin.type("Without a mouse")
    robin.press("Enter")
    page.wait_for_url("**/editor")
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(1)
    robin.press("j")
    for words in ("discover", "dry run", "approval", "execute migrations"):
        robin.add(words)
    expect(nodes).to_have_count(5)
    expect(page.locator(".react-flow__edge")).to_have_count(4)
    # Who is asked: the form of the approval, by keyboard.
    inspector = page.get_by_role("complementary", name="Inspector")
    robin.press("k")
    expect(inspector.get_by_label("Node id")).to_have_value("approval-1")
    robin.go_to(inspector.get_by_placeholder("Add to approvers"))
    robin.type("olga@keyboard.invalid")
    robin.press("Enter")
    expect(inspector.get_by_text("Olga")).to_be_visible()
    robin.go_to(inspector.get_by_role("button", name="Remove The team's owner"), "Shift+Tab")
    robin.press("Enter")
    robin.press("Control+s")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()

    robin.command("publish")
    dialog = page.get_by_role("dialog", name="Publish")
    publish = dialog.get_by_role("button", name="Publish", exact=True)
    expect(publish).to_be_enabled()
    robin.go_to(publish)
    robin.press("Enter")
    expect(page.get_by_text("Published v1")).to_be_visible(timeout=LONG)

    robin.command("run now")
    dialog = page.get_by_role("dialog", name="Run now")
    connection = dialog.get_by_label("Connection")
    expect(connection.locator("option")).to_have_count(2)
    robin.go_to(connection)
    robin.type("Keyboard")
    robin.go_to(dialog.get_by_role("button", name="Run", exact=True))
    robin.press("Enter")
    page.wait_for_url("**/executions/**")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    waiting = page.get_by_role("button", name="Approval: Waiting")
    expect(waiting).to_be_visible(timeout=LONG)

    olga = Keyboard(browser, installation, "olga@keyboard.invalid")
    olga.command("approvals")
    olga.page.wait_for_url("**/approvals**")
    expect(olga.page.get_by_role("article").get_by_text("CREATE TABLE").first).to_be_visible()
    olga.go_to(olga.page.get_by_label("Comment"))
    olga.type("Read it, key by key")
    olga.go_to(olga.page.get_by_role("button", name="Approve"))
    olga.press("Enter")
    expect(olga.page.get_by_role("article").get_by_text("approved", exact=True)).to_be_visible()

    # Robin sees it as it happens, and walks through the timeline.
    expect(page.get_by_role("button", name="Execute migrations: Success")).to_be_visible(
        timeout=LONG
    )
    expect(
        page.get_by_role("banner")
        .get_by_text("Success")
        .or_(page.locator("header").get_by_text("Success", exact=True))
        .first
    ).to_be_visible(timeout=LONG)
    robin.go_to(page.get_by_role("list", name="Timeline").get_by_role("button").first)
    robin.press("ArrowDown", "ArrowDown", "ArrowDown", "Enter")
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Approval")).to_be_visible()
    expect(details.get_by_text("Read it, key by key").first).to_be_visible()
    assert robin.complaints + olga.complaints == []
    with sqlite3.connect(shop) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert {"customers", "orders"} <= tables
