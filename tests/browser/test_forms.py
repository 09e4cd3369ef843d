"""Forms beside the canvas: one-press fixes, triggers, what a run is asked, templates."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.editing import Editor, changed_lines
from tests.browser.sample import SAFE
from tests.browser.site import Site


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> list[str]:
    return ["422"] if "trigger" in request.node.name else []


def test_a_problem_is_mended_with_one_press_and_one_undo(page: Page, site: Site) -> None:
    wrong = SAFE.replace(
        'migrations: "{{ discover-1.output', 'migrations: "{{ discover-9.output', 1
    )
    editor = Editor(page, site, site.workflow(wrong)).open()
    editor.open_panel("Problems")
    panel = page.get_by_role("tabpanel", name="Problems")
    panel.get_by_role("button", name="Write discover-1").click()
    expect(panel.get_by_text("nothing here is called")).to_have_count(0)
    assert editor.save() == SAFE
    editor.undo()
    editor.open_panel("Definition")
    assert editor.written() == wrong


def test_a_missing_rollback_is_drawn_with_one_press(page: Page, site: Site) -> None:
    without = re.sub(r"\n  error-handler-1:.*?\n\n", "\n\n", SAFE, flags=re.S)
    without = without[: without.index("  - source: execute-1\n    target: error-handler-1")]
    editor = Editor(page, site, site.workflow(without)).open()
    editor.open_panel("Problems")
    page.get_by_role("button", name="Add a rollback for when it fails").first.click()
    expect(editor.node("rollback-1")).to_be_visible()
    removed, added = changed_lines(without, editor.save())
    assert removed == []
    assert "    action: rollback" in added
    assert added[-3:] == ["  - source: execute-1", "    target: rollback-1", "    label: Failed"]


def test_a_triggers_key_is_shown_once_rotated_paused_and_deleted(page: Page, site: Site) -> None:
    workflow = site.workflow(SAFE, publish=True)
    page.goto(f"/workflows/{workflow['id']}/triggers")
    page.get_by_role("button", name="New trigger").click()
    page.get_by_label("How deliveries are signed").select_option("github")
    page.get_by_label("Only when").fill("{{ trigger.body.ref ")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_label("Only when")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Only when").fill("{{ trigger?.body?.ref === 'refs/heads/main' }}")
    page.get_by_role("button", name="Create").click()
    shown = page.get_by_role("dialog", name="The webhook’s address")
    first = shown.get_by_text("/api/webhooks/dr_hook_").inner_text()
    assert shown.get_by_text("whsec_").or_(shown.locator("code").nth(2)).count()
    shown.get_by_role("button", name="I have copied them").click()
    card = page.get_by_role("listitem").filter(has_text="GitHub")
    expect(card).to_contain_text("It has not fired yet")
    key = first.rpartition("/")[2]
    assert key not in page.content()
    card.get_by_role("button", name="Rotate").click()
    page.get_by_role("button", name="Make new ones").click()
    second = page.get_by_role("dialog").get_by_text("/api/webhooks/dr_hook_").inner_text()
    assert second != first
    page.get_by_role("button", name="I have copied them").click()
    card.get_by_role("switch", name="Active").click()
    expect(card.get_by_text("paused", exact=True)).to_be_visible()
    (webhook,) = (
        each
        for each in site.get(f"/api/workflows/{workflow['id']}/triggers")["items"]
        if each["type"] == "webhook"
    )
    assert webhook["isActive"] is False
    card.get_by_role("button", name="Delete the trigger").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)


def test_a_scheduled_trigger_shows_its_next_five_runs(page: Page, site: Site) -> None:
    workflow = site.workflow(SAFE, publish=True)
    page.goto(f"/workflows/{workflow['id']}/triggers")
    page.get_by_role("button", name="New trigger").click()
    page.get_by_role("radio", name="Schedule").check()
    page.get_by_label("Cron").fill("30 2 * * 1-5")
    page.get_by_label("Time zone", exact=True).fill("Europe/Zurich")
    expect(page.get_by_text("Runs every weekday at 02:30")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    card = page.get_by_role("listitem").filter(has_text="Europe/Zurich")
    times = card.get_by_role("list", name="Next runs").get_by_role("listitem")
    expect(times).to_have_count(5)


def test_a_trigger_that_exists_is_changed(page: Page, site: Site) -> None:
    workflow = site.workflow(SAFE, publish=True)
    address = f"/api/workflows/{workflow['id']}/triggers"
    config = {"cron": "30 2 * * *", "timezone": "Europe/Zurich"}
    made = site.post(address, {"type": "scheduled", "config": config})
    page.goto(f"/workflows/{workflow['id']}/triggers")
    card = page.get_by_role("listitem").filter(has_text="Europe/Zurich")
    card.get_by_role("button", name="Change the trigger").click()
    dialog = page.get_by_role("dialog", name="Change the trigger")
    # What it is stays what it is; what it was told is there.
    expect(dialog.get_by_role("radio")).to_have_count(0)
    expect(dialog.get_by_label("Cron")).to_have_value("30 2 * * *")
    dialog.get_by_label("Cron").fill("every morning")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog.get_by_label("Cron")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Cron").fill("15 4 * * 1")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(card).to_contain_text("04:15")
    after = next(each for each in site.get(address)["items"] if each["id"] == made["id"])
    assert after["config"] == {**after["config"], "cron": "15 4 * * 1", "timezone": "Europe/Zurich"}


def test_a_notification_is_read_before_it_is_sent(page: Page, site: Site) -> None:
    editor = Editor(page, site, site.workflow(SAFE)).open()
    inspector = editor.choose("notify-1")
    template = inspector.get_by_label("Template")
    expect(template).to_have_value("migration_success")
    inspector.get_by_text("What would be sent").click()
    shown = inspector.locator("details").filter(has_text="What would be sent")
    # The variable's default fills the hole; the template shows a sample of the details.
    expect(shown).to_contain_text("Migrations applied successfully to production")
    expect(shown).to_contain_text("Rows changed")
    template.select_option("")
    expect(shown).not_to_contain_text("Rows changed")
    inspector.get_by_label("Provider").select_option("email")
    expect(shown).to_contain_text("Migrations applied successfully to production")
    inspector.get_by_label("Provider").select_option("pagerduty")
    expect(shown).to_contain_text("dedup_key")


ASKING = """version: '1.0'
name: Asking
trigger: manual
variables:
  database: { type: connection }
  hosts: { type: list }
  speed: { type: string, enum: [careful, fast], default: careful }
  ticket: { type: string, pattern: "[A-Z]+-[0-9]+" }
  note: { type: string, required: false }
  key: { type: secret }
nodes:
  trigger-1: { type: trigger, label: Start }
edges: []
"""


def test_a_run_is_asked_for_every_kind_of_value(page: Page, site: Site) -> None:
    connection = site.connection("Asked for")
    workflow = site.workflow(ASKING, publish=True)
    Editor(page, site, workflow).open()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Run now").click()
    dialog = page.get_by_role("dialog", name="Run now")
    # The secret is named, and nobody is asked for it.
    expect(dialog.get_by_text("One secret is read while it runs")).to_be_visible()
    assert dialog.get_by_label("key").count() == 0
    run = dialog.get_by_role("button", name="Run", exact=True)
    run.click()
    expect(dialog.get_by_role("alert")).to_have_count(3)
    dialog.get_by_label("database").select_option(label="Asked for")
    dialog.get_by_label("hosts").fill("db-1")
    dialog.get_by_label("hosts").press("Enter")
    dialog.get_by_label("ticket").fill("nonsense")
    expect(dialog.get_by_role("alert")).to_have_text("It does not match [A-Z]+-[0-9]+.")
    dialog.get_by_label("ticket").fill("DB-42")
    run.click()
    page.wait_for_url("**/executions/**")
    started = site.get(f"/api/executions/{page.url.rpartition('/')[2]}")
    assert started["context"]["variables"] == {
        "database": connection["id"],
        "hosts": ["db-1"],
        "speed": "careful",
        "ticket": "DB-42",
    } | {key: value for key, value in started["context"]["variables"].items() if key == "note"}


def test_a_secret_of_the_workflow_is_set_and_not_shown(page: Page, site: Site) -> None:
    workflow = site.workflow(ASKING)
    Editor(page, site, workflow).open()
    inspector = page.get_by_role("complementary", name="Inspector")
    inspector.get_by_role("button", name="key", exact=False).first.click()
    dialog = page.get_by_role("dialog", name="Variable key")
    dialog.get_by_label("Value").fill("hush-4711")
    dialog.get_by_role("button", name="Change").click()
    expect(page.get_by_text("The secret key is set")).to_be_visible()
    (secret,) = (
        each
        for each in site.get(f"/api/workflows/{workflow['id']}/variables")["items"]
        if each["name"] == "key"
    )
    assert secret["isSet"]
    assert "hush" not in site.text(workflow["id"]) + page.content()


def test_a_template_is_filled_in(page: Page, site: Site) -> None:
    site.connection("For the template")
    page.goto("/templates")
    page.get_by_role("button", name="Use Prod Safe").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Ours")
    dialog.get_by_label("Who approves?").fill("role:admin")
    dialog.get_by_label("Who approves?").press("Enter")
    dialog.get_by_label("How many seconds may an approval take?").fill("7200")
    dialog.get_by_role("button", name="Create").click()
    page.wait_for_url("**/editor")
    text = site.text(page.url.split("/")[-2])
    assert '"role:admin"' in text
    assert "timeout: 7200" in text


def test_a_narrow_window_has_its_palette_over_the_canvas(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 700, "height": 900})
    editor = Editor(page, site, site.workflow(SAFE)).open()
    palette = page.get_by_role("complementary", name="Node palette")
    expect(palette).to_have_count(0)
    page.get_by_role("button", name="Show the palette").click()
    palette.locator("[data-palette='delay/']").click()
    expect(editor.nodes).to_have_count(9)
    page.get_by_role("button", name="Hide the palette").click()
    expect(palette).to_have_count(0)


def test_the_flow_of_values_leads_to_nodes(page: Page, site: Site) -> None:
    from tests.browser.sample import through

    workflow = site.workflow(SAFE, publish=True)
    connection: Any = site.connection("Flowing")
    worker = site.run(workflow["id"], context={"connectionId": connection["id"]})
    through(worker, fails=False)
    site.finished(worker.execution_id)
    page.goto(f"/executions/{worker.execution_id}")
    page.get_by_role("tab", name="Variable flow").click()
    values = page.get_by_role("list", name="Values")
    expect(
        values.get_by_role("button", name=re.compile("Discover Migrations migrations"))
    ).to_contain_text("0007_add_invoices.sql")
    # The secret's value is nobody's business, here neither.
    expect(values.get_by_role("button", name=re.compile("slackWebhook"))).to_contain_text("•••")
    page.get_by_role("list", name="Used by").get_by_role(
        "button", name=re.compile("Dry-Run")
    ).click()
    details = page.get_by_role("complementary", name="Details")
    expect(details.get_by_role("heading", name="Dry-Run Migrations")).to_be_visible()
