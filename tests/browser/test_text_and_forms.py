"""Behaviours 17 to 33: the text, the forms, saving, publishing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from runtime_tasks.output import Output
from runtime_tasks.steps.catalogue import CATALOGUE, NodeType
from server.node_types import routes as node_types
from tests.browser.editing import Editor, changed_lines
from tests.browser.sample import SAFE
from tests.browser.site import Site

COMMENTED = SAFE.replace("    timeout: 3600\n", "    timeout: 3600   # an hour\n")


@pytest.fixture
def editor(page: Page, site: Site) -> Editor:
    return Editor(page, site, site.workflow(COMMENTED)).open()


@pytest.mark.parametrize("syntax", ["yaml", "json"])
def test_17_open_and_save_untouched_is_byte_identical(page: Page, site: Site, syntax: str) -> None:
    text = "# odd   spacing\n\n" + SAFE.replace("manual\n", "manual    # by hand\n", 1)
    if syntax == "json":
        text = '{"version" : "1.0",\n\n  "name":"Tight", "nodes": [ ], "edges":[]\n}\n'
    editor = Editor(page, site, site.workflow(text, syntax=syntax)).open()
    page.keyboard.press("Control+s")
    editor.open_panel("Definition")
    expect(editor.text).to_be_visible()
    assert editor.written() == text
    assert site.text(editor.id) == text


def test_18_one_field_changes_one_line_and_comments_stay(editor: Editor) -> None:
    inspector = editor.choose("approval-1")
    inspector.get_by_label("Timeout", exact=True).fill("2")
    removed, added = changed_lines(COMMENTED, editor.save())
    assert removed == ["    timeout: 3600   # an hour"]
    assert added == ["    timeout: 7200   # an hour"]


def test_19_a_yaml_edit_redraws_the_canvas(editor: Editor) -> None:
    editor.open_panel("Definition")
    editor.type_over("label: Slack Notification", "label: Tell everybody")
    expect(editor.node("notify-1")).to_contain_text("Tell everybody")
    assert "label: Tell everybody" in editor.save()


def test_20_broken_yaml_is_marked_keeps_the_last_canvas_and_cannot_be_published(
    editor: Editor,
) -> None:
    editor.open_panel("Definition")
    editor.type_over("ormType: auto", 'ormType: "auto')
    expect(editor.page.locator(".cm-lintRange-error").first).to_be_visible()
    expect(editor.page.get_by_role("alert").filter(has_text="Line")).to_be_visible()
    expect(editor.nodes).to_have_count(8)
    expect(editor.page.get_by_role("button", name="Publish")).to_be_disabled()
    editor.type_over('ormType: "auto', "ormType: prisma")
    expect(editor.page.get_by_role("button", name="Publish")).to_be_enabled()


def test_21_yaml_completes_keys_enums_and_node_ids(editor: Editor) -> None:
    editor.open_panel("Definition")
    offers = editor.page.locator(".cm-tooltip-autocomplete li")
    editor.type_over("    ormType: auto", "    ormType: ")
    editor.page.keyboard.press("Control+Space")
    expect(offers.filter(has_text="flyway")).to_be_visible()
    editor.page.keyboard.press("Escape")
    editor.type_over("    ormType: ", "    orm")
    editor.page.keyboard.press("Control+Space")
    expect(offers.filter(has_text="ormType")).to_be_visible()
    editor.page.keyboard.press("Escape")
    editor.type_over("    orm\n", "    ormType: auto\n")
    editor.type_over("  - source: discover-1\n", "  - source: \n")
    editor.type_over("  - source: \n", "  - source: ")
    editor.page.keyboard.press("Control+Space")
    expect(offers.filter(has_text="dryrun-1")).to_be_visible()


def test_22_the_json_view_is_equivalent(editor: Editor) -> None:
    editor.open_panel("Definition")
    editor.page.get_by_role("button", name="JSON", exact=True).click()
    expect(editor.page.get_by_role("textbox", name="Definition as JSON")).to_be_visible()
    definition = json.loads(editor.written())
    assert list(definition["nodes"]) == list(dict.fromkeys(definition["nodes"]))
    assert definition["nodes"]["approval-1"]["timeout"] == 3600
    assert definition["edges"][2] == {"source": "filter-1", "target": "dryrun-1", "label": "Yes"}
    editor.type_over('"timeout": 3600', '"timeout": 60')
    removed, added = changed_lines(COMMENTED, editor.save())
    assert removed == ["    timeout: 3600   # an hour"]
    assert added == ["    timeout: 60   # an hour"]


def test_23_two_braces_offer_upstream_nodes_only_with_their_types(editor: Editor) -> None:
    inspector = editor.choose("dryrun-1")
    field = inspector.get_by_role("textbox", name="Migrations")
    field.click()
    editor.page.keyboard.press("Control+a")
    editor.page.keyboard.type("{{")
    offers = editor.page.locator(".cm-tooltip-autocomplete li")
    expect(offers.filter(has_text="discover-1")).to_be_visible()
    assert offers.filter(has_text="execute-1").count() == 0
    assert offers.filter(has_text="slackWebhook").count() == 0
    editor.page.keyboard.type(" discover-1.output.")
    expect(offers.filter(has_text="migrations")).to_contain_text("list of Migration")


def test_24_an_unknown_reference_is_flagged_in_form_canvas_and_yaml(editor: Editor) -> None:
    editor.open_panel("Definition")
    editor.type_over('migrations: "{{ discover-1.output', 'migrations: "{{ discover-9.output')
    expect(editor.node("dryrun-1")).to_contain_text("1 errors")
    expect(editor.page.locator(".cm-lintRange-error").first).to_be_visible()
    inspector = editor.choose("dryrun-1")
    expect(inspector.get_by_role("alert").filter(has_text="discover-9")).to_be_visible()
    expect(editor.page.get_by_role("button", name="Publish")).to_be_disabled()


class Rested(Output):
    dreams: list[str]


def sleep_well(*, hours: float = 8, pillow: str) -> Rested:
    """Wait until everybody is rested."""
    raise NotImplementedError


def test_25_a_new_type_on_the_server_works_without_a_change_here(page: Page, site: Site) -> None:
    made = NodeType("action", "sleep_well", "Sleep well", (), True, False, "none", True, sleep_well)
    CATALOGUE[made.key] = made
    node_types._all.cache_clear()
    try:
        editor = Editor(page, site, site.workflow(SAFE)).open()
        page.locator("[data-palette='action/sleep_well']").click()
        inspector = editor.page.get_by_role("complementary", name="Inspector")
        inspector.get_by_role("textbox", name="Pillow").click()
        page.keyboard.type("soft")
        text = editor.save()
        assert "  sleep-well-1:\n    type: action\n" in text
        assert "    action: sleep_well\n    pillow: soft\n" in text
        inspector.get_by_role("tab", name="Data").click()
        expect(inspector.get_by_text("dreams", exact=True)).to_be_visible()
    finally:
        del CATALOGUE[made.key]
        node_types._all.cache_clear()


def test_26_the_servers_errors_land_on_fields(page: Page, site: Site) -> None:
    page.goto("/connections")
    page.get_by_role("button", name="New connection").click()
    page.get_by_label("Name").fill("Broken")
    page.get_by_label("Database URL").fill("nonsense")
    page.get_by_label("Folder").fill("/tmp/m")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_label("Database URL")).to_have_attribute("aria-invalid", "true")


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> list[str]:
    """The browser itself reports refused requests; these tests bring them about."""
    return {
        "test_26": ["422"],
        "test_28": ["422"],
        "test_29": ["412"],
    }.get(request.node.name[:7], [])


def test_27_secrets_never_come_back(page: Page, site: Site) -> None:
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.url))
    page.goto("/variables")
    page.get_by_role("button", name="New secret").click()
    page.get_by_label("Name").fill("apiKey")
    page.get_by_label("New value").fill("swordfish-4711")
    page.get_by_role("button", name="Create").click()
    row = page.get_by_role("row").filter(has_text="apiKey")
    expect(row).to_contain_text("set")
    assert "swordfish" not in page.content()
    assert "swordfish" not in json.dumps(site.get("/api/variables"))
    row.get_by_role("button", name="Change apiKey").click()
    expect(page.get_by_label("New value")).to_have_value("")


def test_28_cron_is_said_in_words_with_the_next_five_runs(page: Page, site: Site) -> None:
    text = (
        "version: '1.0'\nname: Nightly\ntrigger: scheduled\nnodes:\n"
        '  trigger-1: { type: trigger, label: Night, cron: "30 2 * * 1-5", timezone: Europe/Zurich }\n'
        "edges: []\n"
    )
    editor = Editor(page, site, site.workflow(text)).open()
    inspector = editor.choose("trigger-1")
    expect(inspector.get_by_text("Runs every weekday at 02:30")).to_be_visible()
    times = inspector.get_by_role("list", name="Next runs").get_by_role("listitem")
    # Prefect's schedule is imported for the first preview.
    expect(times).to_have_count(5)
    answer = site.post(
        "/api/schedules/preview", {"cron": "30 2 * * 1-5", "timezone": "Europe/Zurich"}
    )
    assert len(answer["next"]) == 5
    inspector.get_by_label("Cron").fill("0 0 31 2 *")
    expect(inspector.get_by_role("alert").first).to_be_visible()


def test_29_a_conflict_of_two_tabs_loses_nothing(
    page: Page, site: Site, context: BrowserContext
) -> None:
    workflow = site.workflow(COMMENTED)
    mine = Editor(page, site, workflow).open()
    other_page = context.new_page()
    theirs = Editor(other_page, site, workflow).open()
    theirs.choose("notify-1").get_by_label("Label", exact=True).fill("Theirs")
    theirs.save()
    mine.choose("approval-1").get_by_label("Timeout", exact=True).fill("2")
    page.get_by_role("button", name="Save draft").click()
    dialog = page.get_by_role("dialog", name="Somebody else saved this workflow first")
    expect(dialog).to_contain_text("Both sets of changes fit together")
    dialog.get_by_role("button", name="Save both together").click()
    expect(page.get_by_text("Both are saved together")).to_be_visible()
    text = site.text(workflow["id"])
    assert "label: Theirs" in text
    assert "timeout: 7200   # an hour" in text
    # Where both changed the same, mine is proposed, and theirs comes back by the keyboard, too.
    theirs.choose("trigger-1").get_by_label("Label", exact=True).fill("Their trigger")
    other_page.get_by_role("button", name="Save draft").click()
    other_page.get_by_role("dialog").get_by_role("button", name="Take theirs").click()
    theirs.choose("trigger-1").get_by_label("Label", exact=True).fill("Their trigger")
    theirs.save()
    mine.choose("trigger-1").get_by_label("Label", exact=True).fill("My trigger")
    page.get_by_role("button", name="Save draft").click()
    expect(dialog).to_contain_text("Both changed nodes.trigger-1.label")
    dialog.get_by_role("button", name="Take back").press("Enter")
    dialog.get_by_role("button", name="Save both together").click()
    expect(page.get_by_text("Both are saved together").last).to_be_visible()
    assert "label: Their trigger" in site.text(workflow["id"])
    other_page.close()


def test_30_leaving_is_guarded_and_the_draft_is_kept(editor: Editor) -> None:
    editor.choose("notify-1").get_by_label("Label", exact=True).fill("Not yet saved")
    expect(editor.page.get_by_text("Unsaved changes")).to_be_visible()
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    editor.page.on("dialog", answer)
    editor.page.reload()
    assert asked == ["beforeunload"]
    expect(editor.page.get_by_text("Your unsaved changes are back")).to_be_visible()
    expect(editor.node("notify-1")).to_contain_text("Not yet saved")
    assert editor.site.text(editor.id) == COMMENTED
    editor.page.get_by_role("button", name="Discard them").click()
    expect(editor.node("notify-1")).to_contain_text("Slack Notification")


def test_31_publish_shows_the_difference_and_makes_the_next_version(page: Page, site: Site) -> None:
    workflow = site.workflow(SAFE, publish=True)
    editor = Editor(page, site, workflow).open()
    publish = page.get_by_role("button", name="Publish")
    editor.choose("approval-1")
    editor.canvas.press("Delete")
    expect(publish).to_be_disabled()  # what is left waits for nothing that it speaks of
    editor.choose("dryrun-1").get_by_label("Connect to", exact=True).select_option("execute-1")
    expect(publish).to_be_enabled()
    publish.click()
    dialog = page.get_by_role("dialog", name="Publish a new version")
    changes = dialog.get_by_role("list", name="Changes in words")
    expect(changes).to_contain_text("“Execute Migrations” no longer waits for an approval")
    expect(changes).to_contain_text("look twice")
    dialog.get_by_role("tab", name="Graph").click()
    touched = dialog.get_by_role("list", name="Steps that differ").get_by_role("listitem")
    expect(touched).to_have_text(["Require Approval: gone"])
    expect(dialog.locator("[data-touched=removed]")).to_be_in_viewport()
    dialog.get_by_role("tab", name="Prefect code").click()
    expect(dialog.locator(".cm-deletedChunk").first).to_be_visible()
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 2 is published")).to_be_visible()
    expect(page.get_by_text("Published v2")).to_be_visible()


def test_32_a_published_version_does_not_change(page: Page, site: Site) -> None:
    workflow = site.workflow(SAFE, publish=True)
    editor = Editor(page, site, workflow).open()
    editor.choose("notify-1").get_by_label("Label", exact=True).fill("Later")
    editor.save()
    expect(page.get_by_text("v1 · draft ahead")).to_be_visible()
    first = site.get(f"/api/workflows/{workflow['id']}/versions/1")
    assert first["content"] == SAFE
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Versions").click()
    page.get_by_role("button", name="Version 1").click()
    dialog = page.get_by_role("dialog", name="Versions")
    changes = dialog.get_by_role("list", name="Changes in words")
    expect(changes).to_contain_text("“Slack Notification” is now called “Later”")
    dialog.get_by_role("tab", name="Prefect code").click()
    expect(dialog.locator(".cm-changedLine").filter(has_text='"Later"')).to_be_visible()
    page.get_by_role("button", name="Put version 1 into the draft").click()
    expect(editor.node("notify-1")).to_contain_text("Slack Notification")


def test_33_node_yaml_and_python_lead_to_each_other(editor: Editor) -> None:
    editor.open_panel("Definition")
    editor.choose("execute-1")
    expect(editor.page.locator(".cm-linked").first).to_contain_text("execute-1:")
    editor.page.get_by_role("tab", name="Prefect code").click()
    linked = editor.page.locator(".cm-linked")
    expect(linked.filter(has_text="def execute_1").first).to_be_visible()
    code = editor.page.get_by_role("textbox", name="Generated Prefect flow")
    code.get_by_text("def execute_1").scroll_into_view_if_needed()
    code.evaluate(
        "element => { const view = (element.cmTile ?? element.cmView).view;"
        " const at = view.state.doc.toString().indexOf('def discover_1');"
        " view.dispatch({ selection: { anchor: at }, scrollIntoView: true }) }"
    )
    code.locator(".cm-line", has_text="def discover_1").click()
    inspector = editor.page.get_by_role("complementary", name="Inspector")
    expect(inspector.get_by_label("Node id")).to_have_value("discover-1")
