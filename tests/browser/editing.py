"""What a person does in the editor, in words."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site


class Editor:
    """One workflow, open in the editor."""

    def __init__(self, page: Page, site: Site, workflow: Any) -> None:
        self.page = page
        self.site = site
        self.id: str = workflow["id"]

    def open(self) -> Editor:
        self.page.goto(f"/workflows/{self.id}/editor")
        expect(self.page.get_by_label("Name of the workflow")).to_be_visible()
        return self

    def node(self, node_id: str) -> Locator:
        return self.page.locator(f".react-flow__node[data-id='{node_id}']")

    @property
    def nodes(self) -> Locator:
        return self.page.locator(".react-flow__node")

    @property
    def edges(self) -> Locator:
        return self.page.locator(".react-flow__edge")

    @property
    def canvas(self) -> Locator:
        return self.page.locator(".react-flow__pane")

    def handle(self, node_id: str, handle: str) -> Locator:
        return self.node(node_id).locator(f".react-flow__handle[data-handleid='{handle}']")

    def choose(self, node_id: str) -> Locator:
        self.node(node_id).click(position={"x": 100, "y": 12})
        return self.page.get_by_role("complementary", name="Inspector")

    def connect(self, source: str, handle: str, target: str, into: str = "in") -> None:
        self.node(source).hover()
        start = center(self.handle(source, handle))
        end = center(self.handle(target, into))
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(end[0] - 6, end[1] - 6, steps=6)
        self.page.mouse.move(*end, steps=3)
        self.page.mouse.up()

    def drag(self, node_id: str, x: float, y: float) -> None:
        start = center(self.node(node_id))
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(start[0] + x, start[1] + y, steps=8)
        self.page.mouse.up()

    def save(self) -> str:
        """Save the draft, and what the server has then."""
        button = self.page.get_by_role("button", name="Save draft")
        if button.is_enabled():
            button.click()
        expect(self.page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        return self.site.text(self.id)

    def open_panel(self, tab: str) -> None:
        self.page.get_by_role("tab", name=tab).click()

    @property
    def text(self) -> Locator:
        return self.page.get_by_role("textbox", name="Definition as")

    def type_over(self, old: str, new: str) -> None:
        """Replace a piece of the Definition as somebody would: find it, choose it, type."""
        self.text.evaluate(
            "(element, [old, text]) => {"
            " const view = (element.cmTile ?? element.cmView).view;"
            " const from = view.state.doc.toString().indexOf(old);"
            " view.focus();"
            " view.dispatch({ selection: { anchor: from, head: from + old.length },"
            " scrollIntoView: true }) }",
            [old, new],
        )
        self.page.keyboard.insert_text(new)

    def written(self) -> str:
        """What the Definition panel says, all of it."""
        text: str = self.text.evaluate(
            "element => (element.cmTile ?? element.cmView).view.state.doc.toString()"
        )
        return text

    def undo(self) -> None:
        self.page.get_by_role("button", name="Undo").click()


def center(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Removed and added lines, as a reviewer would see them."""
    import difflib

    diff = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    removed = [line[2:] for line in diff if line.startswith("- ")]
    added = [line[2:] for line in diff if line.startswith("+ ")]
    return removed, added
