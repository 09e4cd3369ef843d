"""Approvers are told when a run waits for them, again at half time and near the end, by real mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from sqlalchemy import select

from cli.inbox import Inbox
from server.approvals.notices import Notices, is_due
from server.approvals.service import vote
from server.models import AuditLog, WorkflowApproval
from tests.approvals.conftest import Office
from tests.databases import free_port


class Mailbox(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.mails.append(message)


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mailbox, str]]:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{port}?tls=none"
    finally:
        controller.stop()


async def pass_time(office: Office, approval_id: str, *, minutes: float) -> None:
    """Everything about the request was so long ago, and people have been told of it."""
    async with office.database.writing() as session:
        row = await session.get_one(WorkflowApproval, approval_id)
        assert row.reminded_at is not None
        for moment in ("created_at", "timeout", "reminded_at"):
            setattr(row, moment, getattr(row, moment) - timedelta(minutes=minutes))


async def test_each_approver_gets_a_mail_with_a_link_that_is_no_vote(
    office: Office, mail: tuple[Mailbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, smtp = mail
    monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.1/32 127.0.0.2/32")
    a, b = [await office.hire(f"{name}@example.test") for name in "ab"]
    plans = [{"migrations": [{"id": "001", "name": "001_customers"}]}]
    approval = await office.ask(await office.run(), [a.email, b.email], plans=plans, required=2)
    with Inbox() as inbox:
        notices = [
            Notices(
                office.database,
                "https://rolls.example.test/",
                {"DATAROLL_SMTP_URL": smtp, "DATAROLL_APPROVAL_SLACK": inbox.url},
            )
            for _ in range(2)
        ]
        assert await notices[0].tell_all() == 3
        assert await notices[1].tell_all() == 0  # another server does not tell again
        assert sorted(str(found["To"]) for found in mailbox.mails) == [a.email, b.email]
        assert "Waiting for approval: Ship" in str(mailbox.mails[0]["Subject"])
        link = f"https://rolls.example.test/approvals/{approval.id}"
        text = mailbox.mails[0].get_payload(0).get_payload()  # type: ignore[union-attr]
        assert link in str(text)
        assert "001_customers" in str(text)
        assert link in str(inbox.messages)
        assert "token" not in str(text)

        async with office.database.writing() as session:
            await vote(session, a, approval.id, approve=True)
        await pass_time(office, approval.id, minutes=40)  # more than half of its time is over
        assert await notices[1].tell_all() == 2
    assert str(mailbox.mails[-1]["To"]) == b.email
    assert "Still waiting" in str(mailbox.mails[-1]["Subject"])


async def test_an_address_that_does_not_work_keeps_nobody_else_from_hearing(
    office: Office, mail: tuple[Mailbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, smtp = mail
    monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.1/32")
    a = await office.hire("a@example.test")
    await office.ask(await office.run(), [a.email])
    environment = {
        "DATAROLL_SMTP_URL": smtp,
        "DATAROLL_APPROVAL_SLACK": f"http://127.0.0.1:{free_port()}/nobody-listens",
    }
    assert await Notices(office.database, "https://x.test", environment).tell_all() == 1
    assert len(mailbox.mails) == 1


async def test_a_step_has_its_own_channel_and_its_own_people_told(
    office: Office, mail: tuple[Mailbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, smtp = mail
    monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.1/32 127.0.0.2/32")
    a = await office.hire("a@example.test")
    notify = {
        "slack": [{"secret": "dbaChannel"}],
        "emails": ["dba-team@example.test", a.email],
        "reminders": False,
    }
    execution_id = await office.run()
    with Inbox() as inbox:
        await office.declare_secret(execution_id, "dbaChannel", inbox.url)
        approval = await office.ask(execution_id, [a.email], notify=notify)
        notices = Notices(office.database, "https://x.test", {"DATAROLL_SMTP_URL": smtp})
        assert await notices.tell_all() == 3
        assert sorted(str(found["To"]) for found in mailbox.mails) == [
            a.email,
            "dba-team@example.test",
        ]
        assert f"https://x.test/approvals/{approval.id}" in str(inbox.messages)
        await pass_time(office, approval.id, minutes=58)  # near its end
        assert await notices.tell_all() == 0
    async with office.database.reading() as session:
        reads = await session.scalars(select(AuditLog).where(AuditLog.action == "secret.read"))
        assert [entry.details for entry in reads] == [{"name": "dbaChannel"}]


async def test_a_channel_whose_secret_nobody_set_keeps_nobody_from_hearing(
    office: Office, mail: tuple[Mailbox, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, smtp = mail
    monkeypatch.setenv("DATAROLL_ALLOW_ADDRESSES", "127.0.0.1/32")
    a = await office.hire("a@example.test")
    # One that the version does not declare is not read, though the team has it.
    await office.declare_secret(await office.run(), "elsewhere", "http://127.0.0.1/never")
    for name in ("nobodySetThis", "elsewhere"):
        notify = {"slack": [{"secret": name}]}
        await office.ask(await office.run(), [a.email], notify=notify)
    notices = Notices(office.database, "https://x.test", {"DATAROLL_SMTP_URL": smtp})
    assert await notices.tell_all() == 2
    assert len(mailbox.mails) == 2


def test_people_are_told_at_the_start_at_half_time_and_near_the_end() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    approval = WorkflowApproval(
        created_at=start, timeout=start + timedelta(hours=10), reminded_at=None
    )
    told = []
    for minute in range(600):
        now = start + timedelta(minutes=minute)
        if is_due(approval, now):
            approval.reminded_at = now
            told.append(minute)
    assert told == [0, 300, 540]


def test_a_short_request_is_told_about_once() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    approval = WorkflowApproval(
        created_at=start, timeout=start + timedelta(minutes=5), reminded_at=start
    )
    assert not is_due(approval, start + timedelta(minutes=4))
