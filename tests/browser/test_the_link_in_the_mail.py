"""An approver's way: a mail with a link, the login, the plan, and only then a vote."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, expect

from tests.approvals.test_notices import Mailbox
from tests.browser.sample import PLAN, SAFE, before_approval
from tests.browser.site import Site, free_port

PASSWORD = "a long enough password"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("DATAROLL_SMTP_URL", f"smtp://127.0.0.1:{port}?tls=none")
    monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.1/32")
    try:
        yield mailbox
    finally:
        controller.stop()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A browser that nobody has signed in."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def link_for(mailbox: Mailbox, address: str) -> str:
    """The link in the mail to this person."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for mail in mailbox.mails:
            text = mail.get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
            if mail["To"] == address and (found := re.search(r"http://\S+/approvals/\w+", text)):
                return found[0]
        time.sleep(0.2)
    raise TimeoutError(f"no mail to {address}")


def test_the_link_leads_to_the_login_then_to_the_request_and_is_no_vote(
    site: Site, mailbox: Mailbox, visitor: Page
) -> None:
    team = site.get("/api/teams")["items"][0]["id"]
    person = {"name": "Mia", "email": "mia@example.test", "role": "approver", "teamId": team}
    site.post("/api/users", {**person, "password": PASSWORD})
    connection = site.connection("For the link")
    workflow = site.workflow(SAFE.replace("name: ", "name: Linked ", 1), publish=True)
    worker = site.run(workflow["id"], context={"connectionId": connection["id"]})
    before_approval(worker)
    asked = worker.ask(
        "approval-1", [person["email"]], message="Please look", plans=[PLAN], planHash="sha256:1"
    )

    visitor.goto(link_for(mailbox, person["email"]))
    expect(visitor.get_by_role("heading", name="Sign in to dataroll")).to_be_visible()
    assert "ALTER TABLE" not in visitor.content()
    visitor.get_by_label("E-mail").fill(person["email"])
    visitor.get_by_label("Password").fill(PASSWORD)
    visitor.get_by_role("button", name="Sign in").click()
    visitor.wait_for_url(f"**/approvals/{asked['id']}")
    expect(visitor.get_by_text("ALTER TABLE orders DROP COLUMN legacy_state")).to_be_visible()
    before = site.get(f"/api/approvals/{asked['id']}")
    assert (before["status"], before["votes"]) == ("pending", [])

    visitor.get_by_role("button", name="Approve").click()
    expect(visitor.locator("article").get_by_text("approved", exact=True)).to_be_visible()
    after = site.get(f"/api/approvals/{asked['id']}")
    assert [vote["user"]["email"] for vote in after["votes"]] == [person["email"]]
    worker.finish("cancelled")
