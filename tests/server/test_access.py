"""Every route × everybody: nobody is where they do not belong.

The table is walked from the OpenAPI document, so a new route takes part by
itself; without a policy, or without a body to try it with, it fails here.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server.access_docs import CALLERS, expected
from server.actors import RANK
from tests.server.conftest import World
from tests.server.things import Things, make_things

ROLES = ("viewer", "approver", "developer", "admin", "owner")
POLICIES = {"public", "worker", "signed-in", "instance", *ROLES}
DEFINITION = {"content": "name: X", "format": "yaml"}

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/auth/login": {"email": "a@example.test", "password": "wrong-password"},
    "POST /api/auth/login-link": {"token": "x"},
    "PATCH /api/auth/me": {"name": "Somebody"},
    "POST /api/auth/tokens": {"name": "Mine"},
    "POST /api/auth/invitations/accept": {"token": "x", "name": "X"},
    "POST /api/users": {"email": "new@example.test", "name": "New"},
    "PATCH /api/users/{user_id}": {"name": "Renamed"},
    "POST /api/teams": {"name": "Another"},
    "PATCH /api/teams/{team_id}": {"name": "Renamed"},
    "PATCH /api/teams/{team_id}/members/{user_id}": {"role": "approver"},
    "POST /api/teams/{team_id}/invitations": {"email": "x@example.test"},
    "POST /api/workflows": {"name": "Another", "teamId": "TEAM"},
    "PATCH /api/workflows/{workflow_id}": {"name": "Renamed"},
    "POST /api/workflows/import": {**DEFINITION, "teamId": "TEAM"},
    "POST /api/workflows/{workflow_id}/publish": {},
    "POST /api/workflows/{workflow_id}/duplicate": {},
    "POST /api/workflows/{workflow_id}/execute": {},
    "POST /api/workflows/{workflow_id}/test": {},
    "POST /api/workflows/from-template/{template_id}": {"teamId": "TEAM"},
    "POST /api/workflows/{workflow_id}/triggers": {"type": "manual"},
    "PATCH /api/workflows/{workflow_id}/triggers/{trigger_id}": {"isActive": False},
    "PUT /api/workflows/{workflow_id}/variables/{name}": {"value": "new value"},
    "POST /api/webhooks/{key}": {},
    "POST /api/schedules/preview": {"cron": "0 2 * * *"},
    "POST /api/notifications/preview": {"message": "Done."},
    "POST /api/events": {"data": {}, "teamId": "TEAM"},
    "POST /api/approvals/{approval_id}/approve": {},
    "POST /api/approvals/{approval_id}/reject": {},
    "POST /api/approvals/{approval_id}/comments": {"text": "Hm."},
    "POST /api/approvals/{approval_id}/delegate": {"to": "nobody@example.test"},
    "POST /api/connections": {"name": "New", "url": "sqlite:///x.db", "teamId": "TEAM"},
    "PATCH /api/connections/{connection_id}": {"tool": "alembic"},
    "POST /api/variables": {"name": "fresh", "value": "x", "teamId": "TEAM"},
    "PATCH /api/variables/{variable_id}": {"value": "y"},
    "POST /api/expressions/check": {"expression": "1 + 1"},
    "POST /api/definitions/check": DEFINITION,
    "POST /api/worker/executions/{execution_id}/approvals": {
        "nodeId": "a",
        "approvers": ["role:approver"],
        "timeout": 60,
    },
    "POST /api/worker/adopt": {"flowRunId": "unknown", "process": "0@a:1"},
    "POST /api/worker/news": {"flowRunId": "00000000-0000-0000-0000-000000000000"},
    "POST /api/worker/executions/{execution_id}/heartbeat": {"process": "1"},
    "POST /api/worker/executions/{execution_id}/suspend": {"process": "1", "nodeIds": ["a"]},
}
QUERIES = {"GET /api/workflows/{workflow_id}/versions/{version}/compare": {"to": 1}}
# These answer with what is the caller's own; there is nothing of another team to ask for.
OWN = ("/api/auth/", "/api/teams", "/api/users")


def routes(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


class Walk:
    """Calls routes with things that are there and bodies that fit."""

    def __init__(self, world: World, things: Things) -> None:
        self.world, self.things = world, things

    async def call(
        self, client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
    ) -> httpx.Response:
        ids = self.things.ids | {
            "key": self.things.key,
            "node_id": "approval-1",
            "token_id": "none",
            "session_id": "none",
        }
        body = BODIES.get(f"{method} {path}")
        if "requestBody" in operation:
            assert body is not None, f"{method} {path}: say in BODIES what to send"
        if body and body.get("teamId"):
            body = {**body, "teamId": ids["team_id"]}
        query = dict(QUERIES.get(f"{method} {path}", {}))
        if any(each["name"] == "teamId" for each in operation.get("parameters", [])):
            query["teamId"] = ids["team_id"]
        return await client.request(method, path.format(**ids), json=body, params=query)


async def test_every_route_says_who_may_call_it(world: World) -> None:
    document = (await world.client().get("/api/openapi.json")).json()
    for method, path, operation in routes(document):
        assert operation.get("x-policy") in POLICIES, f"{method} {path} has no policy"
    described = set(document["paths"])
    for route in world.app.routes:
        path = getattr(route, "path", "")
        if path.startswith("/api/") and path not in ("/api/openapi.json", "/api/live"):
            assert path in described, f"{path} is missing in the OpenAPI document"


@pytest.mark.slow
async def test_every_route_lets_in_exactly_those_it_says(world: World) -> None:
    """The table of docs/access.md, row by row."""
    document = (await world.client().get("/api/openapi.json")).json()
    team_id = await world.team_id()
    callers = {
        "nobody": world.client(),
        "worker": world.worker,
        "stranger": await _stranger(world),
        **{role: await world.person(role) for role in ROLES},
        "keeper": await _keeper(world),
    }
    assert callers.keys() == CALLERS.keys()
    untouched = Walk(world, await make_things(world, team_id))
    wrong: list[str] = []
    count = 0
    # The team itself goes last, and leaving it after that: nothing is left to try afterwards.
    last = [("DELETE", "/api/teams/{team_id}"), ("POST", "/api/teams/{team_id}/leave")]
    for method, path, operation in sorted(
        routes(document), key=lambda route: last.index(route[:2]) if route[:2] in last else -1
    ):
        policy = operation["x-policy"]
        if path == "/api/auth/logout" or path.startswith("/api/auth/login"):
            # Not with the clients that are still needed; logins are throttled and tested elsewhere.
            continue
        for caller, client in callers.items():
            walk, wanted = untouched, expected(policy, caller)
            if wanted == 200 and caller in RANK:
                walk = Walk(world, await make_things(world, team_id))
            got = await _status(walk, client, method, path, operation)
            count += 1
            if not _fits(policy, path, wanted, got):
                wrong.append(f"{method} {path} [{policy}]: {caller} gets {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert count > 800


def _fits(policy: str, path: str, wanted: int, got: int) -> bool:
    if wanted != 200:
        return got == wanted
    if policy == "public":
        return True  # whatever they refuse, they refuse for another reason than who is calling
    if policy in RANK and path.endswith(("/approve", "/reject", "/delegate")):
        return got != 401  # a vote is refused to those who were not asked, whatever their role
    return got not in (401, 403)


async def _status(
    walk: Walk, client: httpx.AsyncClient, method: str, path: str, operation: dict[str, Any]
) -> int:
    answer = await walk.call(client, method, path, operation)
    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", f"{method} {path}"
    return answer.status_code


async def _keeper(world: World) -> httpx.AsyncClient:
    """Looks after the installation, and belongs to no team."""
    made = await world.admin.post(
        "/api/users",
        json={
            "email": "keeper@example.test",
            "name": "Keeper",
            "isAdmin": True,
            "createToken": True,
        },
    )
    return world.client(made.json()["token"])


async def _stranger(world: World) -> httpx.AsyncClient:
    """The owner of another team, who looks after nothing else."""
    made = await world.admin.post("/api/teams", json={"name": "Elsewhere"})
    other = made.json()["id"]
    person = await world.admin.post(
        "/api/users",
        json={
            "email": "stranger@example.test",
            "name": "Stranger",
            "teamId": other,
            "role": "owner",
            "createToken": True,
        },
    )
    return world.client(person.json()["token"])


async def test_lists_hold_only_the_things_of_ones_own_teams(world: World) -> None:
    await make_things(world, await world.team_id())
    stranger = await _stranger(world)
    for path in ("workflows", "executions", "approvals", "connections", "variables"):
        mine = (await world.admin.get(f"/api/{path}")).json()["items"]
        theirs = (await stranger.get(f"/api/{path}")).json()["items"]
        assert len(mine) == 1, path
        assert theirs == [], path


async def test_a_token_with_scopes_does_only_what_they_say(world: World) -> None:
    things = await make_things(world, await world.team_id())
    made = await world.admin.post("/api/auth/tokens", json={"name": "CI", "scopes": ["execute"]})
    client = world.client(made.json()["token"])
    workflow = f"/api/workflows/{things.ids['workflow_id']}"
    assert (await client.get(workflow)).status_code == 200
    assert (await client.post(f"{workflow}/execute", json={})).status_code == 202
    assert (await client.patch(workflow, json={"name": "X"})).status_code == 403
    assert (await client.post("/api/auth/tokens", json={"name": "More"})).status_code == 403
    assert (await client.post("/api/teams", json={"name": "More"})).status_code == 403


async def test_a_token_for_one_team_sees_no_other(world: World) -> None:
    team_id = await world.team_id()
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    made = await world.admin.post("/api/auth/tokens", json={"name": "One", "teamId": other})
    client = world.client(made.json()["token"])
    things = await make_things(world, team_id)
    workflow = f"/api/workflows/{things.ids['workflow_id']}"
    assert (await client.get(workflow)).status_code == 404
    assert (await world.admin.get(workflow)).status_code == 200
    again = await client.post("/api/auth/tokens", json={"name": "Wider"})
    assert again.json()["teamId"] == other


async def test_looking_after_the_installation_grants_nothing_inside_a_team(world: World) -> None:
    client = await _keeper(world)
    team_id = await world.team_id()
    assert (await client.get(f"/api/teams/{team_id}")).status_code == 404
    joined = await client.post(
        "/api/users",
        json={"email": "me2@example.test", "name": "Me", "teamId": team_id, "role": "owner"},
    )
    assert joined.status_code == 404


async def test_one_may_leave_but_the_last_owner_stays(world: World) -> None:
    team_id = await world.team_id()
    viewer = await world.person("viewer")
    assert (await viewer.post(f"/api/teams/{team_id}/leave")).status_code == 204
    assert (await viewer.get(f"/api/teams/{team_id}")).status_code == 404
    alone = await world.admin.post(f"/api/teams/{team_id}/leave")
    assert alone.status_code == 409
    assert (await world.admin.get(f"/api/teams/{team_id}")).status_code == 200


async def test_nobody_gives_a_role_above_their_own(world: World) -> None:
    team_id = await world.team_id()
    admin = await world.person("admin")
    viewer = await world.person("viewer")
    member = f"/api/teams/{team_id}/members/{viewer.headers['X-Test-User']}"
    assert (await admin.patch(member, json={"role": "owner"})).status_code == 403
    assert (await admin.patch(member, json={"role": "admin"})).status_code == 200
    owner = next(
        each
        for each in (await admin.get(f"/api/teams/{team_id}/members")).json()["items"]
        if each["role"] == "owner"
    )
    of_owner = f"/api/teams/{team_id}/members/{owner['userId']}"
    assert (await admin.patch(of_owner, json={"role": "viewer"})).status_code == 403
    assert (await admin.delete(of_owner)).status_code == 403
