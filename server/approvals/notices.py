"""Telling people that a run waits for them: when it asks, at half time, and near the end.

An e-mail to each person who has not voted, where ``DATAROLL_SMTP_URL`` names a
mail server, and one message to ``DATAROLL_APPROVAL_SLACK`` (an incoming
webhook) and to ``DATAROLL_APPROVAL_WEBHOOK`` (signed with
``DATAROLL_APPROVAL_WEBHOOK_SECRET``). The step itself may name a webhook of
Slack and further addresses, and may want no reminders. Every message carries a link to
the request. The link leads to the login and holds no token: having it is no vote.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from runtime_tasks.context import LocalContext, using
from runtime_tasks.notifications.message import Message
from server.actors import SERVER
from server.audit.record import record
from server.database import Database
from server.errors import NotFound
from server.models import (
    ApprovalVote,
    User,
    Workflow,
    WorkflowApproval,
    WorkflowExecution,
    database_now,
)
from server.secret_box import SecretKeyError
from server.variables.of_run import secret_of_run

log = logging.getLogger("dataroll.notices")

ROUND = 5.0
"""Seconds between two looks."""
MOMENTS = (0.0, 0.5, 0.9)
"""When people are told, as parts of the time that the request is open."""
SHORTEST = timedelta(minutes=10)
"""A request that is open for less than this is told about once."""

Send = Callable[[Message], str]


@dataclass(frozen=True)
class Notice:
    """One message, and what sends it: called in a thread, as a step's context."""

    channel: str
    send: Send
    message: Message


class Notices:
    def __init__(
        self,
        database: Database,
        public_url: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.database = database
        self.public_url = public_url.rstrip("/")
        self.environment = os.environ if environment is None else environment

    async def run(self) -> None:
        while True:
            try:
                await self.tell_all()
            except Exception:
                log.exception("approvers could not be told; it is tried again")
            await asyncio.sleep(ROUND)

    async def tell_all(self) -> int:
        """Tell whoever is due; how many messages were handed over."""
        async with self.database.reading() as session:
            now = (await session.execute(select(database_now()))).scalar_one()
            rows = await session.scalars(
                select(WorkflowApproval).where(
                    WorkflowApproval.status == "pending", WorkflowApproval.expires_at > now
                )
            )
            due = [approval for approval in rows if is_due(approval, now)]
        told = 0
        for approval in due:
            if await self._claim(approval):
                told += await self._tell(approval)
        return told

    async def _claim(self, approval: WorkflowApproval) -> bool:
        """One of several servers tells. Lost when this one dies now; the next moment comes."""
        async with self.database.writing() as session:
            won = await session.execute(
                update(WorkflowApproval)
                .where(
                    WorkflowApproval.id == approval.id,
                    WorkflowApproval.status == "pending",
                    WorkflowApproval.reminded_at.is_not_distinct_from(approval.reminded_at),
                )
                .values(reminded_at=database_now())
                .returning(WorkflowApproval.id)
            )
            return won.first() is not None

    async def _tell(self, approval: WorkflowApproval) -> int:
        async with self.database.reading() as session:
            voted = select(ApprovalVote.user_id).where(ApprovalVote.approval_id == approval.id)
            people = await session.scalars(
                select(User.email).where(
                    User.id.in_(approval.approvers),
                    User.id.not_in(voted),
                    User.disabled_at.is_(None),
                )
            )
            workflow = await session.get(Workflow, approval.workflow_id)
            addresses = dict.fromkeys([*sorted(people), *approval.notify.get("emails", [])])
        slack = [self.environment.get("DATAROLL_APPROVAL_SLACK"), await self._slack_of(approval)]
        message = compose(approval, workflow.name if workflow else "", self.public_url)
        sent = 0
        for notice in self._notices(message, addresses, [url for url in slack if url]):
            context = LocalContext(approval.execution_id, f"{approval.node_id}:{notice.channel}")
            try:
                with using(context):
                    await asyncio.to_thread(notice.send, notice.message)
                sent += 1
            except Exception as error:  # nobody is told twice because one address is wrong
                log.warning("no %s about %s: %s", notice.channel, approval.id, error)
        return sent

    async def _slack_of(self, approval: WorkflowApproval) -> str | None:
        """The webhook that the step names, read where it is needed; without it others are told."""
        parts = approval.notify.get("slack", [])
        if not parts:
            return None
        names = [part["secret"] for part in parts if not isinstance(part, str)]
        secrets: dict[str, str] = {}
        try:
            async with self.database.writing() as session:
                execution = await session.get_one(WorkflowExecution, approval.execution_id)
                for name in names:
                    secrets[name] = await secret_of_run(session, execution, name)
                    await record(
                        session,
                        SERVER,
                        "secret.read",
                        "approval",
                        approval.id,
                        team_id=approval.team_id,
                        execution_id=approval.execution_id,
                        version=execution.version,
                        name=name,
                    )
        except (NotFound, SecretKeyError) as error:
            log.warning("no Slack message about %s: %s", approval.id, error)
            return None
        return "".join(p if isinstance(p, str) else secrets[p["secret"]] for p in parts)

    def _notices(
        self, message: Message, addresses: Iterable[str], slack: Iterable[str]
    ) -> list[Notice]:
        from runtime_tasks.notifications.email import send_email
        from runtime_tasks.notifications.slack import post_to_slack
        from runtime_tasks.notifications.webhook import post_webhook

        env = self.environment
        found: list[Notice] = []
        if smtp := env.get("DATAROLL_SMTP_URL"):
            for address in addresses:
                # One mail each: nobody learns from it who else is asked.
                def mail(message: Message, to: str = address) -> str:
                    return send_email(smtp, [to], message)

                found.append(Notice(f"e-mail to {address}", mail, message))
        for webhook in dict.fromkeys(slack):

            def chat(message: Message, to: str = webhook) -> str:
                return post_to_slack(to, message)

            found.append(Notice("Slack message", chat, message))
        if url := env.get("DATAROLL_APPROVAL_WEBHOOK"):
            secret = env.get("DATAROLL_APPROVAL_WEBHOOK_SECRET", "")
            found.append(
                Notice(
                    "webhook",
                    lambda text: post_webhook(url, text, signing_secret=secret),
                    message,
                )
            )
        return found


def is_due(approval: WorkflowApproval, now: datetime) -> bool:
    """Whether one of the moments has passed since people were told last."""
    open_for = approval.timeout - approval.created_at
    again = open_for >= SHORTEST and (approval.notify or {}).get("reminders", True)
    moments = MOMENTS if again else MOMENTS[:1]
    last = max(at for part in moments if (at := approval.created_at + open_for * part) <= now)
    return approval.reminded_at is None or approval.reminded_at < last


def compose(approval: WorkflowApproval, workflow: str, public_url: str) -> Message:
    """What is said. The plan itself is behind the login."""
    again = approval.reminded_at is not None
    until = f"{approval.timeout:%Y-%m-%d %H:%M} UTC"
    files = [
        str(item.get("name") or item.get("id"))
        for plan in approval.plans or []
        if isinstance(plan, dict)
        for item in plan.get("migrations") or []
        if isinstance(item, dict)
    ]
    return Message(
        title=f"{'Still waiting' if again else 'Waiting'} for approval: {workflow}",
        text=approval.message or "A run waits for a decision.",
        severity="attention",
        facts=(
            ("Step", approval.node_id),
            ("Approvals needed", str(approval.required)),
            ("Answer by", until),
        ),
        items=tuple(files[:20]),
        link=f"{public_url}/approvals/{approval.id}",
    )
