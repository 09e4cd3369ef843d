"""What somebody with a little access tries, to get more of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import websockets
from sqlalchemy import select

from server import limits
from server.auth import passwords
from server.models import WorkflowExecution
from tests.server.conftest import World
from tests.server.test_live import hear, opened, say, served
from tests.server.test_oidc import provider_for, sign_in
from tests.server.things import make_things

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("limit", ["team", "scope"])
async def test_a_limited_token_does_not_become_its_owner_by_setting_a_password(
    world: World, limit: str
) -> None:
    team_id = await world.team_id()
    made = await world.admin.post(
        "/api/auth/tokens",
        json={
            "name": "CI",
            **({"teamId": team_id} if limit == "team" else {"scopes": ["admin"]}),
        },
    )
    client = world.client(made.json()["token"])
    refused = await client.patch("/api/auth/me", json={"password": PASSWORD})
    assert refused.status_code == 403
    login = {"email": "admin@localhost", "password": PASSWORD}
    assert (await world.client().post("/api/auth/login", json=login)).status_code == 401
    assert (await client.patch("/api/auth/me", json={"name": "Fine"})).status_code == 200
    # Nor by making a token that may more.
    more = await client.post("/api/auth/tokens", json={"name": "More"})
    assert (more.json()["teamId"], more.json()["scopes"]) == (
        (team_id, []) if limit == "team" else (None, ["admin"])
    )
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    elsewhere = await client.post("/api/auth/tokens", json={"name": "X", "teamId": other})
    assert elsewhere.status_code == (404 if limit == "team" else 201)
    wider = await client.post("/api/auth/tokens", json={"name": "X", "scopes": ["write"]})
    assert wider.status_code == (201 if limit == "team" else 403)


async def test_an_account_made_under_somebody_elses_address_is_theirs_alone(world: World) -> None:
    """Made beforehand, by invitation, with a password of the intruder's; then its owner comes."""
    team_id = await world.team_id()
    invited = await world.admin.post(
        f"/api/teams/{team_id}/invitations", json={"email": "dana@example.test"}
    )
    accepted = await world.client().post(
        "/api/auth/invitations/accept",
        json={
            "token": invited.json()["token"],
            "name": "Dana",
            "password": PASSWORD,
            "createToken": True,
        },
    )
    intruder = world.client(accepted.json()["token"])
    browser = world.client()
    login = {"email": "dana@example.test", "password": PASSWORD}
    assert (await browser.post("/api/auth/login", json=login)).status_code == 200
    async with provider_for(world) as provider:
        owner, back = await sign_in(world, provider)
        assert back.status_code == 303
        assert (await owner.get("/api/auth/me")).json()["email"] == "dana@example.test"
        for client in (intruder, browser):
            assert (await client.get("/api/auth/me")).status_code == 401
        assert (await world.client().post("/api/auth/login", json=login)).status_code == 401
        again, _ = await sign_in(world, provider)
        assert (await owner.get("/api/auth/me")).status_code == 200
        assert (await again.get("/api/auth/me")).status_code == 200


async def test_time_does_not_tell_who_has_an_account(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt costs one verification of a password, whoever is asked for."""
    await world.admin.post(
        "/api/users", json={"email": "ann@example.test", "name": "Ann", "password": PASSWORD}
    )
    await world.admin.post("/api/users", json={"email": "no-password@example.test", "name": "N"})
    hashed: list[str] = []
    verify = passwords._hasher().verify

    def counted(password: str, against: str) -> bool:
        hashed.append(against)
        return verify(password, against)

    monkeypatch.setattr(passwords._hasher(), "verify", counted)
    answers = [
        await world.client().post("/api/auth/login", json={"email": email, "password": "wrong one"})
        for email in ("ann@example.test", "nobody@example.test", "no-password@example.test")
    ]
    assert len(hashed) == 3
    assert all(text.startswith("$argon2id$") for text in hashed)
    assert len({text.split("$")[3] for text in hashed}) == 1  # the same costs
    assert len({(answer.status_code, answer.json()["detail"]) for answer in answers}) == 1


async def test_a_session_from_before_signing_in_is_not_the_one_after(world: World) -> None:
    """Nobody is given a cookie to sign in with."""
    planted = "dr_ses_planted-by-somebody-else-0123456789abcdef"
    await world.admin.post(
        "/api/users", json={"email": "ann@example.test", "name": "Ann", "password": PASSWORD}
    )
    browser = world.client(cookies={"dataroll_session": planted})
    login = {"email": "ann@example.test", "password": PASSWORD}
    first = await browser.post("/api/auth/login", json=login)
    assert first.status_code == 200
    given = first.cookies["dataroll_session"]
    assert given != planted
    thief = world.client(cookies={"dataroll_session": planted})
    assert (await thief.get("/api/auth/me")).status_code == 401
    second = await world.client().post("/api/auth/login", json=login)
    assert second.cookies["dataroll_session"] != given


@pytest.mark.parametrize(
    "query",
    ["next=https://evil.example", "token=x&next=//evil.example", "redirect=https://evil.example"],
)
async def test_signing_in_leads_nowhere_else(world: World, query: str) -> None:
    answer = await world.client().get(f"/login?{query}")
    assert "evil.example" not in answer.headers.get("location", "")
    token = str(world.app.state.login_link.url).partition("token=")[2]
    signed_in = await world.client().get(f"/login?token={token}&next=https://evil.example")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")


async def test_headers_cannot_be_smuggled_in_by_names(world: World) -> None:
    name = 'x"\r\nSet-Cookie: dataroll_session=evil\r\n; filename="evil.sh'
    made = await world.admin.post("/api/workflows", json={"name": name})
    assert made.status_code == 201
    exported = await world.admin.get(f"/api/workflows/{made.json()['id']}/export")
    assert "set-cookie" not in exported.headers
    assert exported.headers["content-disposition"].count('"') == 2
    hosted = await world.admin.post(
        f"/api/workflows/{made.json()['id']}/triggers",
        json={"type": "webhook", "config": {}},
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )
    assert hosted.json()["url"].startswith("http://testserver/")


async def test_ids_of_another_team_inside_ones_own_paths_are_not_found(world: World) -> None:
    """``/api/mine/{theirs}``: the outer thing is the caller's, the inner one is not."""
    mine = await make_things(world, await world.team_id())
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    theirs = await make_things(world, other)
    api = await world.person("owner")
    here, there = mine.ids, theirs.ids
    paths = [
        ("GET", f"/api/workflows/{here['workflow_id']}/triggers/{there['trigger_id']}", None),
        ("PATCH", f"/api/workflows/{here['workflow_id']}/triggers/{there['trigger_id']}", {}),
        ("DELETE", f"/api/workflows/{here['workflow_id']}/triggers/{there['trigger_id']}", None),
        (
            "POST",
            f"/api/workflows/{here['workflow_id']}/triggers/{there['trigger_id']}/rotate",
            None,
        ),
        ("DELETE", f"/api/teams/{here['team_id']}/invitations/{there['invitation_id']}", None),
        ("PATCH", f"/api/teams/{here['team_id']}/members/{there['user_id']}", {"role": "viewer"}),
        ("DELETE", f"/api/teams/{here['team_id']}/members/{there['user_id']}", None),
        ("GET", f"/api/metrics?workflowId={there['workflow_id']}", None),
        ("GET", f"/api/metrics?connectionId={there['connection_id']}", None),
        (
            "POST",
            "/api/variables",
            {
                "name": "hook",
                "type": "secret",
                "value": "mine",
                "workflowId": there["workflow_id"],
            },
        ),
    ]
    for method, path, body in paths:
        answer = await api.request(method, path, json=body)
        assert answer.status_code == 404, f"{method} {path}: {answer.text}"
    for key, status in (("connectionId", 422), ("workflowId", 422)):
        run = await api.post(
            f"/api/workflows/{here['workflow_id']}/execute",
            json={"context": {"connectionId": there["connection_id"]}, key: "x"},
        )
        assert run.status_code == status
    foreign = await api.post(
        f"/api/workflows/{here['workflow_id']}/execute",
        json={"context": {"connectionId": there["connection_id"]}},
    )
    assert foreign.status_code == 422
    asked = await api.get("/api/approvals", params={"executionId": there["execution_id"]})
    assert asked.json()["items"] == []
    log = await api.get("/api/audit", params={"executionId": there["execution_id"]})
    assert log.json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"teamId": "TEAM"},
        {"id": "x"},
        {"createdBy": "x"},
        {"version": 7},
        {"publishedVersion": 7},
        {"deploymentId": "x"},
        {"revision": 1},
        {"deletedAt": None},
        {"slug": "mine"},
        {"is_published": True, "deployment_id": "x"},
    ],
)
async def test_fields_that_are_not_the_callers_are_refused(
    world: World, body: dict[str, Any]
) -> None:
    things = await make_things(world, await world.team_id())
    answer = await world.admin.patch(f"/api/workflows/{things.ids['workflow_id']}", json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} <= body.keys()


async def test_a_team_goes_only_when_nothing_of_it_can_start_any_more(
    world_on_both: World,
) -> None:
    world = world_on_both
    made = await world.admin.post("/api/teams", json={"name": "Going"})
    team = f"/api/teams/{made.json()['id']}"
    things = await make_things(world, made.json()["id"])
    published = await world.admin.delete(team)
    assert published.status_code == 409
    assert "A thing" in published.json()["detail"]
    workflow = f"/api/workflows/{things.ids['workflow_id']}"
    assert (await world.admin.post(f"{workflow}/unpublish")).status_code == 200
    running_still = await world.admin.delete(team)
    assert running_still.status_code == 409
    assert things.ids["execution_id"] in running_still.json()["detail"]
    await world.admin.post(f"/api/executions/{things.ids['execution_id']}/cancel")
    async with world.database.writing() as session:  # as the mirror notes it
        run = await session.get(WorkflowExecution, things.ids["execution_id"])
        assert run is not None
        run.status = "cancelled"
    assert (await world.admin.delete(team)).status_code == 204
    assert (await world.admin.get(workflow)).status_code == 404


async def test_nobody_uses_up_the_keys_of_webhooks_and_schedules(world: World) -> None:
    things = await make_things(world, await world.team_id())
    workflow = f"/api/workflows/{things.ids['workflow_id']}"
    taken = f"webhook:{things.ids['trigger_id']}:d-1"
    ours = await world.admin.post(
        f"{workflow}/execute", json={}, headers={"Idempotency-Key": taken}
    )
    assert ours.status_code == 202
    hooked = await world.client().post(
        f"/api/webhooks/{things.key}",
        json={},
        headers={"X-Webhook-Secret": "the webhook's secret", "X-Delivery-Id": "d-1"},
    )
    assert hooked.status_code == 202, hooked.text
    assert hooked.json()["id"] != ours.json()["id"]
    async with world.database.reading() as session:
        run = await session.get(WorkflowExecution, hooked.json()["id"])
        assert run is not None
        assert run.triggered_by == "webhook"
        assert len((await session.scalars(select(WorkflowExecution))).all()) == 3


async def test_datarolls_own_database_is_no_connection(
    world_on_both: World, tmp_path: Path
) -> None:
    world = world_on_both
    home = world.app.state.settings.home
    (tmp_path / "alias.db").symlink_to(home / "dataroll.db")
    own = world.database.url.render_as_string(hide_password=False).replace("+psycopg", "")
    urls = [
        f"sqlite:///{home}/dataroll.db",
        f"sqlite:///{home}/./x/../dataroll.db",
        f"sqlite:///{tmp_path}/alias.db",
        f"sqlite:///{home}/prefect/prefect.db",
        own.replace("+aiosqlite", ""),
        own.replace("+aiosqlite", "").replace("127.0.0.1", "localhost"),
    ]
    for url in urls:
        answer = await world.admin.post("/api/connections", json={"name": "Own", "url": url})
        assert answer.status_code == 422, url
        assert answer.json()["errors"][0]["field"] == "url"
    made = await world.admin.post(
        "/api/connections", json={"name": "Shop", "url": f"sqlite:///{home}/sample/shop.db"}
    )
    assert made.status_code == 201
    moved = await world.admin.patch(
        f"/api/connections/{made.json()['id']}", json={"url": f"sqlite:///{home}/dataroll.db"}
    )
    assert moved.status_code == 422


async def test_a_chattering_socket_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLS", limits.RateLimitItemPerMinute(20))
    async with served(world) as address:
        socket = await opened(address, world.admin)
        with suppress(websockets.ConnectionClosed):
            for _ in range(1000):
                await say(socket, type="ping")
                await hear(socket)
        assert socket.close_code == 4429
