"""Pictures of every screen, light and dark: ``python -m tests.browser.screenshots FOLDER``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.sample import fill
from tests.browser.site import Site

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def main(folder: Path, only: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, Site(Path(home)) as site, sync_playwright() as play:
        made = fill(site)
        screens = {
            "workflows": "/workflows",
            "editor": f"/workflows/{made['safe']['id']}/editor",
            "executions": "/executions",
            "execution": f"/executions/{made['waiting']}",
            "approvals": f"/approvals/{made['approval']}",
            "triggers": f"/workflows/{made['safe']['id']}/triggers",
            "templates": "/templates",
            "metrics": f"/metrics?workflow={made['safe']['id']}",
            "connections": "/connections",
            "variables": "/variables",
            "team": "/team",
            "tokens": "/tokens",
            "audit": "/audit",
        }
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=theme)
            page.goto(f"{site.url}/login")
            if not only or "login" in only:
                page.wait_for_selector("form")
                page.screenshot(path=folder / f"login-{theme}.png")
            page.goto(site.login_link())
            for name, address in screens.items():
                if only and name not in only:
                    continue
                page.goto(site.url + address)
                take(page, folder / f"{name}-{theme}.png", name)
            page.close()
        browser.close()


def take(page: Page, path: Path, name: str) -> None:
    page.wait_for_selector("main h1, main [aria-label='Name of the workflow']")
    page.wait_for_load_state("networkidle")
    if name == "editor":
        page.wait_for_selector(".react-flow__node")
        page.wait_for_timeout(900)
        page.screenshot(path=path)
        page.locator(".react-flow__node[data-id='execute-1']").click()
        page.get_by_role("tab", name="Definition").click()
        page.wait_for_selector(".cm-content")
        page.wait_for_timeout(900)
        page.screenshot(path=path.with_name(path.name.replace("editor", "editor-node")))
        page.get_by_role("tab", name="Prefect code").click()
        page.wait_for_timeout(700)
        page.screenshot(path=path.with_name(path.name.replace("editor", "editor-code")))
        page.get_by_role("button", name="Close the panel").click()
        return
    page.wait_for_timeout(1000)
    page.screenshot(path=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
