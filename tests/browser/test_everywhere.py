"""Behaviours 38 to 40: by keyboard alone, for everybody, and without a word to anybody outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT
from tests.browser.editing import Editor
from tests.browser.sample import fill
from tests.browser.site import Site

AXE = ROOT / "editor" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = (
    *("workflows", "triggers", "editor", "editor-node", "editor-text", "executions"),
    *("execution", "execution-flow"),
    *("approvals", "templates", "metrics", "connections", "variables", "team", "tokens", "audit"),
)


@pytest.fixture(scope="module")
def sample(site: Site) -> dict[str, Any]:
    return fill(site)


def open_screen(page: Page, name: str, sample: dict[str, Any]) -> None:
    addresses = {
        "editor": f"/workflows/{sample['safe']['id']}/editor",
        "triggers": f"/workflows/{sample['safe']['id']}/triggers",
        "execution": f"/executions/{sample['waiting']}",
        "approvals": f"/approvals/{sample['approval']}",
        "metrics": f"/metrics?workflow={sample['safe']['id']}",
    }
    page.goto(addresses.get(name.split("-")[0], f"/{name}"))
    expect(page.locator("main")).to_be_visible()
    if name.startswith("edit"):
        expect(page.locator(".react-flow__node").first).to_be_visible()
    if name == "editor-node":
        page.locator(".react-flow__node[data-id='approval-1']").click(position={"x": 100, "y": 12})
        expect(page.get_by_role("tab", name="Behaviour")).to_be_visible()
    if name == "execution-flow":
        page.get_by_role("tab", name="Variable flow").click()
    if name == "editor-text":
        page.get_by_role("tab", name="Definition").click()
        expect(page.locator(".cm-content").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(150)


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("name", SCREENS)
def test_39_axe_finds_nothing(page: Page, sample: dict[str, Any], name: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    open_screen(page, name, sample)
    light = violations(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    expect(page.locator("html.dark")).to_have_count(1)
    page.wait_for_timeout(300)
    dark = violations(page)
    assert not light + dark, "\n".join(["light:", *light, "dark:", *dark])


@pytest.mark.parametrize("name", ["workflows", "editor", "execution", "approvals"])
def test_39_everything_is_reached_at_200_percent(
    page: Page, sample: dict[str, Any], name: str
) -> None:
    # Twice as large on a screen of 1440 by 900 is half as much room.
    page.set_viewport_size({"width": 720, "height": 450})
    open_screen(page, name, sample)
    assert violations(page) == []
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_38_a_whole_workflow_is_built_by_keyboard(page: Page, site: Site, tmp_path: Path) -> None:
    page.goto("/workflows")
    expect(page.get_by_role("heading", name="Workflows")).to_be_visible()
    keys = page.keyboard
    keys.press("c")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.type("By keyboard alone")
    keys.press("Enter")
    page.wait_for_url("**/editor")
    expect(page.get_by_label("Name of the workflow")).to_have_value("By keyboard alone")
    workflow_id = page.url.split("/")[-2]
    editor = Editor(page, site, {"id": workflow_id})
    expect(editor.nodes).to_have_count(1)
    keys.press("j")
    for words in ("discover", "condition", "slack"):
        keys.press("a")
        expect(page.get_by_label("Search node types")).to_be_focused()
        keys.type(words)
        keys.press("Enter")
        keys.press("Escape")
    expect(editor.nodes).to_have_count(4)
    expect(editor.edges).to_have_count(3)
    # From the node to its form, by name.
    condition = page.get_by_role("complementary", name="Inspector")
    keys.press("k")
    expect(condition.get_by_label("Node id")).to_have_value("condition-1")
    field = condition.get_by_role("textbox", name="Condition")
    for _ in range(60):
        if field.evaluate("element => element === document.activeElement"):
            break
        keys.press("Tab")
    keys.type("{{ discover-1.output.migrations.length > 0 ")
    keys.press("Escape")
    keys.press("Control+s")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    text = site.text(workflow_id)
    assert 'condition: "{{ discover-1.output.migrations.length > 0 }}"' in text
    assert 'source: condition-1\n    target: notify-1\n    label: "Yes"' in text
    page.locator("body").evaluate("() => document.activeElement.blur()")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    keys.press("Control+k")
    keys.type("audit")
    keys.press("Enter")
    page.wait_for_url("**/audit")


def test_40_no_complaint_and_no_request_outside(page: Page, sample: dict[str, Any]) -> None:
    """The page fixture collects both on every screen of every test; here they are all visited."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for name in SCREENS:
        open_screen(page, name, sample)
    assert requests
    assert {url.split("/")[2].split(":")[0] for url in requests if url.startswith("http")} == {
        "127.0.0.1"
    }
