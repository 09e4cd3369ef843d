"""Who may decide, how many it takes, and what is refused with which reason."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from server.actors import SERVER, Caller
from server.approvals.delegation import delegate
from server.approvals.service import cancel, expire_due, vote
from server.errors import ApiError, Conflict, Forbidden, Invalid
from server.models import Membership, User, WorkflowApproval, WorkflowDefinition, utc_now
from server.models.executions import WorkflowExecution
from tests.approvals.conftest import Office


async def cast(
    office: Office, voter: Caller, approval: WorkflowApproval, approve: bool = True, **more: str
) -> str:
    """The status after the vote."""
    async with office.database.writing() as session:
        return (
            await vote(session, voter, approval.id, approve=approve, **more)  # type: ignore[arg-type]
        ).status


async def refused(
    office: Office, voter: Caller, approval: WorkflowApproval, **more: str
) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await cast(office, voter, approval, **more)
    return caught.value


async def hand(office: Office, giver: Caller, approval: WorkflowApproval, to: str) -> None:
    async with office.database.writing() as session:
        await delegate(session, giver, approval.id, to)


async def test_two_of_three_decide_and_one_no_decides_alone(office: Office) -> None:
    a, b, c = [await office.hire(f"{name}@example.test") for name in "abc"]
    two = await office.ask(await office.run(), ["role:approver"], required=2)
    assert await cast(office, a, two) == "pending"
    assert await cast(office, b, two) == "approved"
    no = await office.ask(await office.run(), ["role:approver"], required=2)
    assert await cast(office, a, no) == "pending"
    assert await cast(office, c, no, approve=False, comment="not today") == "rejected"
    after = await office.approval(no.id)
    assert after.rejection_reason == "not today"
    assert json.loads(after.decision or "")["by"] == ["c@example.test"]


async def test_all_means_everybody_who_was_asked(office: Office) -> None:
    people = [await office.hire(f"{name}@example.test") for name in "abc"]
    approval = await office.ask(await office.run(), [p.email for p in people], required="all")
    states = [await cast(office, person, approval) for person in people]
    assert states == ["pending", "pending", "approved"]


async def test_who_was_not_asked_and_late_and_double_votes_are_told_why(office: Office) -> None:
    a, b = [await office.hire(f"{name}@example.test") for name in "ab"]
    approval = await office.ask(await office.run(), [a.email, b.email], required=2)
    stranger = await office.hire("stranger@example.test")
    no = await refused(office, stranger, approval)
    assert (no.status, no.code) == (403, "not-an-approver")
    await cast(office, a, approval)
    assert (await refused(office, a, approval)).code == "already-voted"
    other = await refused(office, b, approval, plan_hash="sha256:read-long-ago")
    assert other.code == "plan-changed"
    await cast(office, b, approval)
    late = await refused(office, b, approval)
    assert (late.code, late.detail) == ("already-decided", "this request is approved already")


async def test_a_vote_after_the_deadline_is_refused_before_anybody_has_expired_it(
    office: Office,
) -> None:
    a = await office.hire("a@example.test")
    approval = await office.ask(await office.run(), [a.email])
    async with office.database.writing() as session:
        await session.execute(
            update(WorkflowApproval).values(expires_at=utc_now() - timedelta(seconds=1))
        )
    assert (await refused(office, a, approval)).code == "expired"
    async with office.database.writing() as session:
        assert await expire_due(session) == [approval.execution_id]
    after = await office.approval(approval.id)
    assert after.status == "expired"
    assert json.loads(after.decision or "")["outcome"] == "expired"


async def test_the_starter_is_never_the_only_consent(office: Office) -> None:
    starter, other = [await office.hire(f"{name}@example.test") for name in ("me", "you")]
    mine = await office.run(started_by=starter.user_id)
    with pytest.raises(Invalid, match="only the person who started the run could approve it"):
        await office.ask(mine, [starter.email])
    both = await office.ask(mine, [starter.email, other.email])
    assert await cast(office, starter, both) == "pending"
    assert await cast(office, other, both) == "approved"


async def test_skip_if_creator_asks_the_others_only_and_never_nobody(office: Office) -> None:
    starter, other = [await office.hire(f"{name}@example.test") for name in ("me", "you")]
    mine = await office.run(started_by=starter.user_id)
    with pytest.raises(Invalid, match="only the person who started"):
        await office.ask(mine, [starter.email], skip_if_creator=True)
    approval = await office.ask(
        mine, [starter.email, other.email], required="all", skip_if_creator=True
    )
    assert (approval.approvers, approval.required) == ([other.user_id], 1)
    assert (await refused(office, starter, approval)).code == "not-an-approver"
    assert await cast(office, other, approval) == "approved"


async def test_a_team_may_forbid_approving_ones_own_run_altogether(office: Office) -> None:
    starter, other = [await office.hire(f"{name}@example.test") for name in ("me", "you")]
    await office.allow_self_approval(False)
    approval = await office.ask(
        await office.run(started_by=starter.user_id), ["role:approver"], required="all"
    )
    assert approval.approvers == [other.user_id]


async def test_roles_ids_and_addresses_name_people_and_unknown_ones_are_named(
    office: Office,
) -> None:
    a = await office.hire("a@example.test")
    admin = await office.hire("admin@example.test", "admin")
    await office.hire("viewer@example.test", "viewer")
    approval = await office.ask(await office.run(), ["role:admin", a.user_id, "A@Example.test"])
    assert approval.approvers == [admin.user_id, a.user_id]
    for nobody in ("viewer@example.test", "role:owner", "role:nonsense", "ghost"):
        with pytest.raises(Invalid, match="nobody in the team"):
            await office.ask(await office.run(), [a.email, nobody])
    with pytest.raises(Invalid, match="it takes 3 approvals and 1 people"):
        await office.ask(await office.run(), [a.email], required=3)


async def test_a_vote_is_handed_on_and_counts_as_one(office: Office) -> None:
    a, b, c = [await office.hire(f"{name}@example.test") for name in "abc"]
    approval = await office.ask(await office.run(), [a.email, b.email], required="all")
    await hand(office, a, approval, "C@example.test")
    assert (await refused(office, a, approval)).code == "not-an-approver"
    assert await cast(office, c, approval) == "pending"
    with pytest.raises(Conflict, match="voted"):
        await hand(office, c, approval, a.email)
    assert await cast(office, b, approval) == "approved"


async def test_a_vote_is_handed_to_nobody_who_could_not_have_one(office: Office) -> None:
    a, b, starter = [await office.hire(f"{name}@example.test") for name in ("a", "b", "me")]
    await office.hire("viewer@example.test", "viewer")
    approval = await office.ask(
        await office.run(started_by=starter.user_id), [a.email, b.email], required="all"
    )
    for to, why in (
        (starter.email, "started the run"),
        (b.email, "asked themselves"),
        ("viewer@example.test", "nobody in the team"),
        ("ghost@example.test", "nobody in the team"),
    ):
        with pytest.raises(Invalid, match=why):
            await hand(office, a, approval, to)
    with pytest.raises(Forbidden):
        await hand(office, starter, approval, a.email)


async def test_a_vote_is_handed_back_and_on_again(office: Office) -> None:
    a, b = [await office.hire(f"{name}@example.test") for name in "ab"]
    approval = await office.ask(await office.run(), [a.email])
    for giver, to in ((a, b), (b, a), (a, b)):
        await hand(office, giver, approval, to.email)
    assert await cast(office, b, approval) == "approved"


async def test_who_has_left_the_team_has_no_voice_any_more(office: Office) -> None:
    a, b, c = [await office.hire(f"{name}@example.test") for name in "abc"]
    approval = await office.ask(await office.run(), ["role:approver"], required=2)
    await cast(office, a, approval)
    async with office.database.writing() as session:
        await session.execute(delete(Membership).where(Membership.user_id == a.user_id))
    assert await cast(office, b, approval) == "pending"
    async with office.database.writing() as session:
        await session.execute(
            update(User).where(User.id == b.user_id).values(disabled_at=utc_now())
        )
    assert await cast(office, c, approval) == "pending"


async def test_another_plan_makes_the_open_request_void_and_says_so(office: Office) -> None:
    a = await office.hire("a@example.test")
    execution = await office.run()
    approval = await office.ask(execution, [a.email])
    assert (await office.ask(execution, [a.email])).id == approval.id
    again = await office.ask(execution, [a.email], plan_hash="sha256:another")
    assert again.id == approval.id
    after = await office.approval(approval.id)
    assert after.status == "cancelled"
    assert "the approval is void" in (after.rejection_reason or "")
    assert (await refused(office, a, approval)).code == "already-decided"


async def test_a_flow_that_is_not_the_published_version_may_not_ask(office: Office) -> None:
    a = await office.hire("a@example.test")
    execution_id = await office.run()
    async with office.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        definition = await session.get_one(WorkflowDefinition, execution.definition_id)
        definition.digest = "sha256:published"
    with pytest.raises(Conflict, match="is not version"):
        await office.ask(execution_id, [a.email], digest="sha256:something-else")
    await office.ask(execution_id, [a.email], digest="sha256:published")


async def test_a_withdrawn_request_is_never_a_yes(office: Office) -> None:
    a = await office.hire("a@example.test")
    approval = await office.ask(await office.run(), [a.email])
    async with office.database.writing() as session:
        await cancel(session, SERVER, approval.id)
    assert (await refused(office, a, approval)).detail == "this request is cancelled already"
    after = await office.approval(approval.id)
    assert (after.decision, after.signature) == (None, None)


async def test_who_caused_the_event_that_started_the_run_is_never_the_only_consent(
    office: Office,
) -> None:
    """Otherwise posting an event, or running one workflow to start another, would be a way round."""
    starter, other = [await office.hire(f"{name}@example.test") for name in ("me", "you")]
    execution_id = await office.run(started_by="event")
    async with office.database.writing() as session:
        execution = await session.get_one(WorkflowExecution, execution_id)
        execution.context = {"trigger": {"startedBy": starter.user_id}}
    with pytest.raises(Invalid, match="only the person who started the run could approve it"):
        await office.ask(execution_id, [starter.email])
    both = await office.ask(execution_id, [starter.email, other.email])
    assert both.requested_by == starter.user_id
    assert await cast(office, starter, both) == "pending"
    assert await cast(office, other, both) == "approved"


@pytest.mark.parametrize("by", ["prefect", "webhook"])
async def test_a_run_that_a_stranger_started_in_prefect_takes_two(office: Office, by: str) -> None:
    """Or by an event in Prefect that stands for a webhook, which anybody may send who reaches it."""

    async def run() -> str:
        execution_id = await office.run(started_by=by)
        async with office.database.writing() as session:
            execution = await session.get_one(WorkflowExecution, execution_id)
            execution.idempotency_key = f"flow-run:{execution_id}"
        return execution_id

    a, b = [await office.hire(f"{name}@example.test") for name in "ab"]
    with pytest.raises(Invalid, match="nobody knows who: it takes two approvals"):
        await office.ask(await run(), [a.email])
    two = await office.ask(await run(), [a.email, b.email])
    assert await cast(office, a, two) == "pending"
    assert await cast(office, b, two) == "approved"
    c = await office.hire("c@example.test")
    without_the_starter = await office.ask(
        await run(), ["role:approver"], required=2, skip_if_creator=True
    )
    assert without_the_starter.required == 3
    every = await office.ask(await run(), [a.email, c.email], required="all")
    assert every.required == 2


async def test_the_steps_of_a_chain_are_different_people(office: Office) -> None:
    admin, owner = (
        await office.hire("admin@example.test", "admin"),
        await office.hire("owner@example.test", "owner"),
    )
    execution = await office.run()
    first = await office.ask(execution, ["role:approver"], node_id="first")
    assert await cast(office, owner, first) == "approved"
    second = await office.ask(execution, ["role:admin"], node_id="second", distinct=True)
    assert second.approvers == [admin.user_id]  # whoever has approved is not asked
    assert (await refused(office, owner, second)).code == "not-an-approver"
    with pytest.raises(Invalid, match="have approved another step of this run"):
        await hand(office, admin, second, owner.email)
    assert await cast(office, admin, second) == "approved"
    with pytest.raises(Invalid, match="everybody who could approve this step has approved another"):
        await office.ask(execution, ["role:owner"], node_id="third", distinct=True)
    # In another run, and where nothing is said, they may.
    again = await office.ask(await office.run(), ["role:owner"], node_id="third", distinct=True)
    assert await cast(office, owner, again) == "approved"
    free = await office.ask(execution, ["role:owner"], node_id="fourth")
    assert await cast(office, owner, free) == "approved"


async def test_of_two_requests_at_once_one_consent_each(office: Office) -> None:
    a, b = [await office.hire(f"{name}@example.test") for name in "ab"]
    execution = await office.run()
    one, two = [
        await office.ask(execution, ["role:approver"], node_id=node, distinct=True)
        for node in ("one", "two")
    ]
    assert await cast(office, a, one) == "approved"
    twice = await refused(office, a, two)
    assert (twice.status, twice.code) == (403, "not-twice")
    assert await cast(office, b, two) == "approved"


async def test_who_has_approved_elsewhere_may_still_say_no(office: Office) -> None:
    a = await office.hire("a@example.test")
    await office.hire("b@example.test")
    execution = await office.run()
    one, two = [
        await office.ask(execution, ["role:approver"], node_id=node, distinct=True)
        for node in ("one", "two")
    ]
    assert await cast(office, a, one) == "approved"
    assert await cast(office, a, two, approve=False) == "rejected"


async def test_votes_on_two_requests_in_the_same_millisecond_count_once(office: Office) -> None:
    """Neither transaction sees the other's vote unless they come one after the other."""
    people = [await office.hire(f"{name}@example.test") for name in "ab"]
    for _ in range(10):
        execution = await office.run()
        requests = [
            await office.ask(execution, ["role:approver"], node_id=node, distinct=True)
            for node in ("one", "two")
        ]
        results = await asyncio.gather(
            *(cast(office, people[0], request) for request in requests), return_exceptions=True
        )
        assert sorted(str(getattr(r, "code", r)) for r in results) == ["approved", "not-twice"]
