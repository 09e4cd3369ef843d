"""A signed-in page on the real server; whatever the browser complains about fails the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from playwright.sync_api import expect as playwright_expect

from cli.demo import running
from cli.inbox import Inbox
from cli.installation import Installation
from tests.browser.sample import SAFE
from tests.browser.screenshots import CHROMIUM, FLAGS
from tests.browser.site import Site

PATIENCE = 60_000
"""Milliseconds that a page may take on a machine that is busy with other things; nobody waits longer than it takes."""

playwright_expect.set_options(timeout=PATIENCE)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def built_editor() -> None:
    subprocess.run(["make", "editor"], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    """Where Slack would be."""
    with Inbox() as inbox:
        yield inbox


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, built_editor: None, inbox: Inbox
) -> Iterator[Installation]:
    """A whole one, in which nothing is played: a real Prefect, a worker and a server."""
    with running(tmp_path_factory.mktemp("installation"), inbox) as installation:
        yield installation


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, built_editor: None) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("home")) as site:
        yield site


@pytest.fixture(scope="session")
def signed_in(browser: Browser, site: Site) -> dict[str, Any]:
    """Cookies of the first admin."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.login_link())
    page.wait_for_url("**/workflows")
    state: dict[str, Any] = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, site: Site, signed_in: dict[str, Any]) -> Iterator[BrowserContext]:
    context = browser.new_context(
        storage_state=signed_in,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
        base_url=site.url,
    )
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def expected() -> list[str]:
    """Parts of complaints that a test brings about on purpose."""
    return []


@pytest.fixture
def page(context: BrowserContext, site: Site, expected: list[str]) -> Iterator[Page]:
    page = context.new_page()
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((site.url, site.url.replace("http", "ws"), "data:", "blob:")):
            complaints.append(f"a request left the machine: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", on_request)
    yield page
    unexpected = [text for text in complaints if not any(part in text for part in expected)]
    assert unexpected == []


@pytest.fixture
def safe(site: Site) -> Any:
    """The wish's example, as a draft of its own."""
    return site.workflow(SAFE)
