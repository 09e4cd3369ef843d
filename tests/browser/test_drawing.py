"""Behaviours 1 to 16: the palette, the canvas, and what they write."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.editing import Editor, center, changed_lines
from tests.browser.sample import SAFE
from tests.browser.site import Site

EMPTY = "# mine\nversion: '1.0'\nname: Empty one\ntrigger: manual\nnodes: {}\nedges: []\n"


@pytest.fixture
def editor(page: Page, site: Site, safe: Any) -> Editor:
    return Editor(page, site, safe).open()


@pytest.fixture
def empty(page: Page, site: Site) -> Editor:
    return Editor(page, site, site.workflow(EMPTY)).open()


def test_01_a_drag_from_the_palette_drops_at_the_pointer(empty: Editor) -> None:
    box = empty.canvas.bounding_box()
    assert box is not None
    x, y = box["width"] * 0.6, box["height"] * 0.3
    item = empty.page.locator("[data-palette='action/dry_run']")
    item.drag_to(empty.canvas, target_position={"x": x, "y": y})
    expect(empty.nodes).to_have_count(1)
    middle = center(empty.node("dryrun-1"))
    assert abs(middle[0] - box["x"] - x) < 12
    assert abs(middle[1] - box["y"] - y) < 12


def test_02_a_click_or_enter_adds_too(empty: Editor) -> None:
    empty.page.locator("[data-palette='trigger/manual']").click()
    expect(empty.node("trigger-1")).to_be_visible()
    empty.page.get_by_label("Search node types").fill("discover")
    empty.page.get_by_label("Search node types").press("Enter")
    expect(empty.node("discover-1")).to_be_visible()
    # What is added while a node is chosen follows it.
    expect(empty.edges).to_have_count(1)


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("slack", "Slack"),
        ("error_handler", "Error handler"),
        ("under a lock", "Execute migrations"),
    ],
)
def test_03_the_palette_is_searched_by_name_type_and_words(
    empty: Editor, words: str, label: str
) -> None:
    empty.page.get_by_label("Search node types").fill(words)
    items = empty.page.locator("[data-palette]")
    expect(items).to_have_count(1)
    expect(items.first).to_contain_text(label)


def test_04_ids_are_unique_and_readable(empty: Editor) -> None:
    for _ in range(2):
        empty.page.locator("[data-palette='action/execute_migrations']").click()
    empty.page.locator("[data-palette='notification/slack']").click()
    ids = re.findall(r"^  ([\w-]+):$", empty.save(), re.M)
    assert ids == ["execute-1", "execute-2", "notify-1"]


def test_05_connecting_handles_writes_one_edge_with_the_handles_label(editor: Editor) -> None:
    editor.connect("filter-1", "No", "notify-1")
    removed, added = changed_lines(SAFE, editor.save())
    assert removed == []
    assert added == ["  - source: filter-1", "    target: notify-1", '    label: "No"']


def test_06_a_loop_is_refused_with_a_message(editor: Editor) -> None:
    editor.connect("execute-1", "out", "discover-1")
    expect(editor.page.get_by_text("That would be a loop")).to_be_visible()
    assert editor.site.text(editor.id) == SAFE


def test_07_a_duplicate_edge_is_refused_too(editor: Editor) -> None:
    editor.connect("trigger-1", "out", "discover-1")
    expect(editor.page.get_by_text("These two are connected already")).to_be_visible()
    expect(editor.edges).to_have_count(7)


def test_08_nothing_connects_into_a_trigger(editor: Editor) -> None:
    assert editor.handle("trigger-1", "in").count() == 0
    inspector = editor.choose("notify-1")
    options = inspector.get_by_label("Connect to", exact=True).locator("option").all_text_contents()
    assert not any("trigger-1" in option for option in options)
    start, end = center(editor.handle("notify-1", "out")), center(editor.node("trigger-1"))
    editor.page.mouse.move(*start)
    editor.page.mouse.down()
    editor.page.mouse.move(*end, steps=8)
    editor.page.mouse.up()
    expect(editor.edges).to_have_count(7)


def test_09_deleting_a_node_takes_its_edges_in_one_step_of_undo(editor: Editor) -> None:
    editor.choose("filter-1")
    editor.canvas.press("Delete")
    expect(editor.nodes).to_have_count(7)
    expect(editor.edges).to_have_count(5)
    editor.undo()
    expect(editor.nodes).to_have_count(8)
    expect(editor.edges).to_have_count(7)
    expect(editor.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_10_undo_restores_the_text_byte_for_byte(editor: Editor) -> None:
    editor.open_panel("Definition")
    expect(editor.text).to_be_visible()
    assert editor.written() == SAFE
    inspector = editor.choose("approval-1")
    inspector.get_by_label("Label", exact=True).fill("Somebody has to look")
    editor.page.locator("[data-palette='delay/']").click()
    editor.choose("notify-1")
    editor.canvas.press("Delete")
    expect(editor.page.get_by_role("button", name="Undo: Delete node")).to_be_enabled()
    assert editor.written() != SAFE
    for _ in range(3):
        editor.undo()
    expect(editor.page.get_by_role("button", name="Undo")).to_be_disabled()
    assert editor.written() == SAFE


def test_11_a_burst_of_typing_is_one_step_of_undo(editor: Editor) -> None:
    inspector = editor.choose("notify-1")
    label = inspector.get_by_label("Label", exact=True)
    # The page's own clock: a busy machine makes pauses that nobody made.
    noon = datetime(2030, 1, 1, 12)
    editor.page.clock.set_fixed_time(noon)
    label.press("End")
    label.press_sequentially(" to everybody", delay=20)
    editor.page.clock.set_fixed_time(noon + timedelta(seconds=3))
    label.press_sequentially(" at once", delay=20)
    expect(editor.node("notify-1")).to_contain_text("to everybody at once")
    editor.undo()
    expect(editor.node("notify-1")).not_to_contain_text("at once")
    expect(editor.node("notify-1")).to_contain_text("Slack Notification to everybody")
    editor.undo()
    expect(editor.node("notify-1")).not_to_contain_text("to everybody")
    expect(editor.page.get_by_role("button", name="Undo")).to_be_disabled()


def test_12_arrow_keys_move_persist_and_undo(editor: Editor) -> None:
    editor.choose("notify-1")
    before = center(editor.node("notify-1"))
    editor.node("notify-1").focus()
    for _ in range(4):
        editor.page.keyboard.press("ArrowRight")
    after = center(editor.node("notify-1"))
    assert after[0] > before[0]
    text = editor.save()
    assert "layout:" in text
    editor.open()
    moved = re.search(r"notify-1: \{ x: (\d+), y: (\d+) \}", text)
    assert moved is not None
    assert int(moved[1]) > 0


def test_13_copy_and_paste_across_workflows_gives_new_ids_and_rewrites_references(
    editor: Editor, site: Site
) -> None:
    editor.choose("discover-1")
    editor.node("filter-1").click(modifiers=["Control"], position={"x": 100, "y": 12})
    editor.page.keyboard.press("Control+c")
    expect(editor.page.get_by_text("Copied 2 nodes")).to_be_visible()
    other = Editor(editor.page, site, site.workflow(SAFE)).open()
    other.canvas.click(position={"x": 20, "y": 20})
    other.page.keyboard.press("Control+v")
    expect(other.nodes).to_have_count(10)
    text = other.save()
    assert "  discover-2:" in text
    assert 'condition: "{{ discover-2.output.migrations.length > 0 }}"' in text
    assert "  - source: discover-2\n    target: filter-2" in text


def test_14_renaming_an_id_rewrites_edges_and_expressions(editor: Editor) -> None:
    inspector = editor.choose("discover-1")
    inspector.get_by_label("Node id").fill("pending")
    inspector.get_by_label("Node id").press("Enter")
    expect(editor.node("pending")).to_be_visible()
    text = editor.save()
    assert "discover-1" not in text
    assert text == SAFE.replace("discover-1", "pending")


def test_15_tidy_leaves_no_overlap_and_is_undoable(editor: Editor) -> None:
    editor.drag("notify-1", 10, -80)
    editor.page.get_by_role("button", name="Tidy").click()
    expect(editor.page.get_by_role("button", name="Undo: Tidy")).to_be_enabled()
    editor.page.wait_for_timeout(400)
    boxes = [node.bounding_box() for node in editor.nodes.all()]
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            assert a is not None
            assert b is not None
            apart = (
                a["x"] + a["width"] <= b["x"]
                or b["x"] + b["width"] <= a["x"]
                or a["y"] + a["height"] <= b["y"]
                or b["y"] + b["height"] <= a["y"]
            )
            assert apart
    editor.undo()
    expect(editor.page.get_by_role("button", name="Undo: Move")).to_be_enabled()


def test_16_moving_leaves_the_logics_text_untouched(editor: Editor) -> None:
    editor.drag("error-handler-1", 30, -60)
    text = editor.save()
    assert text.startswith(SAFE)
    assert text[len(SAFE) :].lstrip().startswith("layout:")


def test_what_is_shown_whole_stays_whole_until_somebody_moves_it(editor: Editor) -> None:
    def view() -> str:
        return str(editor.page.locator(".react-flow__viewport").get_attribute("style"))

    expect(editor.node("notify-1")).to_be_visible()
    editor.open_panel("Definition")
    panel = editor.page.get_by_role("tablist", name="Panel")
    expect(panel).to_be_visible()
    below = max(editor.nodes.evaluate_all("all => all.map(e => e.getBoundingClientRect().bottom)"))
    top = panel.bounding_box()
    assert top is not None
    assert below < top["y"]
    whole = view()
    editor.canvas.hover(position={"x": 20, "y": 20})
    editor.page.mouse.wheel(0, 60)
    expect(editor.page.locator(".react-flow__viewport")).not_to_have_attribute("style", whole)
    moved = view()
    editor.page.get_by_role("button", name="Close the panel").click()
    expect(editor.page.get_by_role("tabpanel")).to_have_count(0)
    assert view() == moved
