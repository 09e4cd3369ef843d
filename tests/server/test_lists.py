"""Lists over several teams, and the plans by which the database answers them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, update

from benchmarks.plans import explained, recorded
from server.database import sync_url
from server.ids import first_id_at, new_id
from server.models import WorkflowExecution, utc_now
from tests.server.conftest import World
from tests.server.things import make_things


async def two_teams(world: World, each: int = 5) -> list[str]:
    """Ids of executions, newest first; their teams take turns."""
    first = await world.team_id()
    second = (await world.admin.post("/api/teams", json={"name": "Second"})).json()["id"]
    made = [await make_things(world, team) for _ in range(each) for team in (first, second)]
    return sorted((things.ids["execution_id"] for things in made), reverse=True)


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_pages_over_several_teams_hold_everything_once(
    world_on_both: World, limit: int
) -> None:
    world = world_on_both
    ids = await two_teams(world)
    for path in ("executions", "approvals"):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await world.admin.get(
                f"/api/{path}", params={"limit": limit, **({"cursor": cursor} if cursor else {})}
            )
            items = page.json()["items"]
            seen += [each["executionId" if path == "approvals" else "id"] for each in items]
            cursor = page.json()["nextCursor"]
            if cursor is None:
                break
            assert len(items) == limit
        assert sorted(seen, reverse=True) == ids
        if path == "executions":
            assert seen == ids


async def test_a_period_holds_what_was_triggered_in_it(world_on_both: World) -> None:
    world = world_on_both
    things = await make_things(world, await world.team_id())
    at = utc_now() - timedelta(days=3)
    old = first_id_at(at) + "0" * 16
    async with world.database.writing() as session:
        session.add(
            WorkflowExecution(
                id=old,
                workflow_id=things.ids["workflow_id"],
                team_id=things.ids["team_id"],
                definition_id=things.ids["definition_id"],
                version=1,
                triggered_by="schedule",
                triggered_at=at,
            )
        )
        await session.flush()
        # Made a moment after its id, as they are.
        await session.execute(
            update(WorkflowExecution)
            .where(WorkflowExecution.id == old)
            .values(triggered_at=at + timedelta(milliseconds=5))
        )

    async def found(**period: datetime) -> list[str]:
        given = {key: moment.isoformat() for key, moment in period.items()}
        answer = await world.admin.get("/api/executions", params=given)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    new = things.ids["execution_id"]
    assert await found(since=at) == [new, old]
    assert await found(since=at + timedelta(seconds=1)) == [new]
    assert await found(until=at) == []
    assert await found(until=at + timedelta(seconds=1)) == [old]
    assert await found(since=datetime(1, 1, 1, tzinfo=UTC)) == [new, old]
    assert await found(until=datetime(9999, 12, 31, tzinfo=UTC)) == [new, old]
    assert (
        first_id_at(utc_now() - timedelta(seconds=1))
        < new_id()
        < first_id_at(utc_now() + timedelta(seconds=1))
    )


LISTS = (
    "/api/executions",
    "/api/executions?status=failed",
    "/api/executions?triggeredBy=nobody",
    "/api/executions?until=2000-01-01T00:00:00Z",
    "/api/workflows",
    "/api/workflows/{workflow_id}/executions",
    "/api/workflows/{workflow_id}/executions?version=2",
    "/api/workflows/{workflow_id}/executions?triggeredBy=nobody",
    "/api/workflows/{workflow_id}/executions?status=failed",
    "/api/executions/{execution_id}",
    "/api/executions/{execution_id}/logs",
    "/api/approvals",
    "/api/approvals?status=pending&mine=true",
    "/api/approvals?mine=true",
    "/api/approvals?executionId={execution_id}",
    "/api/audit?teamId={team_id}",
    "/api/audit?teamId={team_id}&action=never",
    "/api/audit?teamId={team_id}&subjectId={workflow_id}",
    "/api/audit?teamId={team_id}&executionId={execution_id}",
    "/api/metrics",
    "/api/metrics?workflowId={workflow_id}",
)


async def test_no_list_reads_all_that_ever_happened(world: World) -> None:
    """SQLite plans without looking at sizes; PostgreSQL's plans are in benchmarks/server.py."""
    await two_teams(world, each=1)
    things = await make_things(world, await world.team_id())
    engine = create_engine(sync_url(world.database.url))
    reading: dict[str, tuple[str, ...]] = {}
    for path in LISTS:
        with recorded(world.database.engine) as statements:
            answer = await world.admin.get(path.format(**things.ids))
        assert answer.status_code == 200, answer.text
        assert statements, path
        for statement in statements:
            if scans := explained(engine, *statement).scans:
                reading[path] = scans
    engine.dispose()
    assert reading == {}
