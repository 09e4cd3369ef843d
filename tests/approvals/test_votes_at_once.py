"""Many people at the same moment: one decision, and the run is resumed once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from server.actors import SERVER, Caller
from server.approvals.service import cancel, expire_due, vote
from server.errors import Conflict
from server.executions.service import request_cancel
from server.models import (
    ApprovalVote,
    AuditLog,
    WorkflowApproval,
    WorkflowExecution,
    database_now,
    utc_now,
)
from server.orchestrator.resumer import Resumer
from tests.approvals.conftest import Office

VOTERS = 50


async def cast(office: Office, voter: Caller, approval_id: str, *, approve: bool) -> str:
    """``decided``, ``counted`` or the code of the refusal."""
    try:
        async with office.database.writing() as session:
            after = await vote(session, voter, approval_id, approve=approve)
            return "counted" if after.status == "pending" else "decided"
    except Conflict as refused:
        return refused.code


async def crowd(office: Office, size: int) -> list[Caller]:
    return [await office.hire(f"voter-{n}@example.test") for n in range(size)]


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("rounds", [40, pytest.param(200, marks=pytest.mark.long)])
async def test_fifty_votes_at_once_make_one_decision_and_one_resume(
    office: Office, rounds: int
) -> None:
    """Two servers resume, as two do in production. Some rounds want three votes, some all fifty."""
    voters = await crowd(office, VOTERS)
    servers = [Resumer(office.database, office.orchestrator) for _ in range(2)]
    outcomes: Counter[str] = Counter()
    for number in range(rounds):
        execution_id = await office.run()
        rule = (1, 3, "all")[number % 3] if number % 20 < 3 else 1
        approval = await office.ask(
            execution_id, ["role:approver"], required=rule, message=f"round {number}"
        )
        answers = await asyncio.gather(
            *(
                cast(office, voter, approval.id, approve=(number + place) % 7 != 0 or rule == "all")
                for place, voter in enumerate(voters)
            )
        )
        assert Counter(answers)["decided"] == 1, (number, Counter(answers))
        assert set(answers) <= {"decided", "counted", "already-decided"}
        await asyncio.gather(*(server.resume() for server in servers for _ in range(2)))
        decided = await office.approval(approval.id)
        assert office.orchestrator.resumed.count(f"run-{execution_id}") == 1
        assert json.loads(decided.decision or "")["outcome"] == decided.status
        outcomes[decided.status] += 1
        async with office.database.writing() as session:  # the next round is about the next run
            await session.execute(
                update(WorkflowExecution)
                .where(WorkflowExecution.id == execution_id)
                .values(status="success")
            )
    assert set(outcomes) == {"approved", "rejected"}
    assert sum(outcomes.values()) == rounds


async def test_approve_and_expire_at_the_same_moment_have_one_winner(office: Office) -> None:
    """The deadline passes while the votes are under way, on the database's clock."""
    (voter,) = await crowd(office, 1)
    seen: Counter[str] = Counter()
    first = await office.ask(await office.run(), [voter.email])
    began = time.monotonic()
    await cast(office, voter, first.id, approve=True)
    takes = timedelta(seconds=time.monotonic() - began)
    for number in range(100):
        approval = await office.ask(await office.run(), [voter.email])
        # Long before, long after, and every moment around the votes, however fast this machine is.
        await move_deadline(office, approval.id, takes * (number % 20 - 6) / 4)

        async def expire() -> list[str]:
            async with office.database.writing() as session:
                return await expire_due(session)

        voted, *expired = await asyncio.gather(
            cast(office, voter, approval.id, approve=True), expire(), expire()
        )
        if voted != "decided" and not any(expired):
            await asyncio.sleep(0.05)
            expired = [await expire()]
        winners = [voted == "decided", *map(bool, expired)]
        assert winners.count(True) == 1, (number, voted, expired)
        after = await office.approval(approval.id)
        assert after.status == ("approved" if voted == "decided" else "expired")
        assert voted in ("decided", "expired", "already-decided")
        seen[after.status] += 1
    assert set(seen) == {"approved", "expired"}


async def move_deadline(office: Office, approval_id: str, margin: timedelta) -> None:
    async with office.database.writing() as session:
        now = (await session.execute(select(database_now()))).scalar_one()
        await session.execute(
            update(WorkflowApproval)
            .where(WorkflowApproval.id == approval_id)
            .values(expires_at=now + margin)
        )


async def test_approve_reject_withdraw_and_cancel_at_once_have_one_winner(office: Office) -> None:
    voters = await crowd(office, 2)
    seen: Counter[str] = Counter()
    for number in range(40):
        execution_id = await office.run()
        approval = await office.ask(execution_id, ["role:approver"])

        async def withdraw(approval_id: str = approval.id) -> str:
            try:
                async with office.database.writing() as session:
                    await cancel(session, SERVER, approval_id)
                    return "decided"
            except Conflict as refused:
                return refused.code

        async def cancel_run(execution_id: str = execution_id) -> str:
            async with office.database.writing() as session:
                execution = await session.get_one(WorkflowExecution, execution_id)
                await request_cancel(session, SERVER, execution)
            return "run cancelled"

        rivals = [
            cast(office, voters[0], approval.id, approve=True),
            cast(office, voters[1], approval.id, approve=False),
            withdraw(),
            cancel_run(),
        ]
        answers = await asyncio.gather(*rivals[number % 4 :], *rivals[: number % 4])
        after = await office.approval(approval.id)
        assert Counter(answers)["decided"] == (0 if by_the_run(after) else 1), answers
        assert bool(after.decision) == (after.status != "cancelled")
        seen[after.status] += 1
    assert {"approved", "rejected", "cancelled"} >= set(seen)
    assert len(seen) > 1


def by_the_run(approval: WorkflowApproval) -> bool:
    """Cancelled along with its run, and by nobody who was asked."""
    return approval.status == "cancelled" and approval.rejection_reason is None


async def test_two_votes_of_one_person_at_once_count_once(office: Office) -> None:
    one, *_ = await crowd(office, 3)
    for _ in range(10):
        approval = await office.ask(await office.run(), ["role:approver"], required=2)
        answers = await asyncio.gather(
            *(cast(office, one, approval.id, approve=True) for _ in range(8))
        )
        assert Counter(answers) == {"counted": 1, "already-voted": 7}
        async with office.database.reading() as session:
            votes = await session.scalar(
                select(func.count()).where(ApprovalVote.approval_id == approval.id)
            )
        assert votes == 1
        assert (await office.approval(approval.id)).status == "pending"


async def test_every_vote_is_in_the_audit_log_once(office: Office) -> None:
    voters = await crowd(office, 12)
    approval = await office.ask(await office.run(), ["role:approver"], required="all")
    answers = await asyncio.gather(
        *(cast(office, voter, approval.id, approve=True) for voter in voters)
    )
    assert Counter(answers) == {"counted": 11, "decided": 1}
    async with office.database.reading() as session:
        entries = (
            await session.scalars(select(AuditLog).where(AuditLog.action == "approval.approve"))
        ).all()
    assert sorted(entry.actor for entry in entries) == sorted(voter.email for voter in voters)
    assert [entry.details.get("decided") for entry in entries].count("approved") == 1


async def test_a_request_made_while_the_run_is_cancelled_never_stays_open(office: Office) -> None:
    await crowd(office, 1)
    for _ in range(20):
        execution_id = await office.run()

        async def cancel_run(execution_id: str = execution_id) -> None:
            async with office.database.writing() as session:
                execution = await session.get_one(WorkflowExecution, execution_id)
                await request_cancel(session, SERVER, execution)

        approval, _ = await asyncio.gather(
            office.ask(execution_id, ["role:approver"]), cancel_run()
        )
        assert (await office.approval(approval.id)).status == "cancelled"


async def test_a_dead_process_is_not_resumed_but_started_again_once(office: Office) -> None:
    """Two servers find it at the same moment."""
    (voter,) = await crowd(office, 1)
    execution_id = await office.run()
    approval = await office.ask(execution_id, [voter.email])
    async with office.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        execution.heartbeat_at = utc_now() - timedelta(seconds=25)
        execution.process = "3@host:17"
    assert await cast(office, voter, approval.id, approve=True) == "decided"
    servers = [Resumer(office.database, office.orchestrator) for _ in range(2)]
    started = time.monotonic()
    for server in servers:
        server._listening_since -= timedelta(minutes=1)  # they have been here for a while
    await asyncio.gather(*(server.resume() for server in servers))
    await asyncio.gather(*(server.find_dead() for server in servers))
    assert time.monotonic() - started < 5
    assert office.orchestrator.resumed == []
    assert office.orchestrator.restarted == [f"run-{execution_id}"]
    async with office.database.reading() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        assert execution.process == "4@starting"
