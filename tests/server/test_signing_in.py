"""Login links, passwords, cookies with CSRF, tokens, invitations."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select, update

from server.auth import attempts
from server.models import SignInAttempts, utc_now
from tests.server.conftest import ADMIN_TOKEN, World, running


def login_token(world: World) -> str:
    return parse_qs(urlsplit(world.app.state.login_link.url).query)["token"][0]


async def test_the_first_login_link_works_once(world: World) -> None:
    browser = world.client()
    first = await browser.get(f"/login?token={login_token(world)}")
    assert first.status_code == 303
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    me = (await browser.get("/api/auth/me")).json()
    assert me["email"] == "admin@localhost"
    assert me["teams"][0]["role"] == "owner"
    again = await world.client().get(f"/login?token={login_token(world)}")
    assert again.status_code == 401
    assert "set-cookie" not in again.headers


async def test_a_change_by_cookie_needs_the_csrf_token_and_our_origin(world: World) -> None:
    browser = world.client()
    await browser.get(f"/login?token={login_token(world)}")
    csrf = (await browser.get("/api/auth/me")).json()["csrfToken"]
    new = {"name": "By cookie"}
    bare = await browser.post("/api/workflows", json=new)
    assert bare.status_code == 403
    assert bare.json()["type"] == "urn:dataroll:csrf-token-missing"
    wrong = await browser.post("/api/workflows", json=new, headers={"X-CSRF-Token": "guessed"})
    assert wrong.status_code == 403
    foreign = await browser.post(
        "/api/workflows",
        json=new,
        headers={"X-CSRF-Token": csrf, "Origin": "https://evil.example"},
    )
    assert foreign.json()["type"] == "urn:dataroll:foreign-origin"
    cross = await browser.post(
        "/api/workflows", json=new, headers={"X-CSRF-Token": csrf, "Sec-Fetch-Site": "cross-site"}
    )
    assert cross.status_code == 403
    good = await browser.post(
        "/api/workflows", json=new, headers={"X-CSRF-Token": csrf, "Origin": "http://testserver"}
    )
    assert good.status_code == 201
    # Signing somebody in from another site is a forgery, too.
    forged = await world.client().post(
        "/api/auth/login",
        json={"email": "admin@localhost", "password": "whatever-it-is"},
        headers={"Origin": "https://evil.example"},
    )
    assert forged.status_code == 403


async def test_logging_out_ends_the_session(world: World) -> None:
    browser = world.client()
    await browser.get(f"/login?token={login_token(world)}")
    cookie = browser.cookies["dataroll_session"]
    csrf = (await browser.get("/api/auth/me")).json()["csrfToken"]
    out = await browser.post("/api/auth/logout", headers={"X-CSRF-Token": csrf})
    assert out.status_code == 204
    thief = world.client(cookies={"dataroll_session": cookie})
    assert (await thief.get("/api/auth/me")).status_code == 401


async def test_passwords_sign_in_and_guessing_is_slowed_down(world: World) -> None:
    made = await world.admin.post(
        "/api/users",
        json={"email": "Ann@Example.test", "name": "Ann", "password": "correct horse battery"},
    )
    assert made.status_code == 201
    assert "password" not in made.text.lower()
    browser = world.client()
    good = await browser.post(
        "/api/auth/login",
        json={"email": "ann@example.test", "password": "correct horse battery"},
    )
    assert good.status_code == 200
    assert (await browser.get("/api/auth/me")).json()["name"] == "Ann"
    statuses = [
        (
            await world.client().post(
                "/api/auth/login",
                json={"email": "ann@example.test", "password": f"guess number {n}"},
            )
        )
        for n in range(8)
    ]
    assert {answer.status_code for answer in statuses} == {401, 429}
    assert statuses[-1].status_code == 429
    assert int(statuses[-1].headers["Retry-After"]) >= 1


async def guess(
    world: World, ip: str, account: str = "ann@example.test", password: str = "x"
) -> int:
    transport = httpx.ASGITransport(app=world.app, client=(ip, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post("/api/auth/login", json={"email": account, "password": password})
    return answer.status_code


async def test_guesses_are_counted_for_all_servers_of_one_database(
    tmp_path: Path, any_compiler: None, database_url: str
) -> None:
    home = tmp_path / "home"
    async with (
        running(home, DATAROLL_DATABASE_URL=database_url) as first,
        running(home, DATAROLL_DATABASE_URL=database_url) as second,
    ):
        statuses = [await guess(world, "10.0.0.1") for world in (first, second) * 4]
        assert statuses == [401] * 5 + [429] * 3
        assert await guess(second, "10.0.0.2") == 401
        assert await guess(second, "10.0.0.1", "bob@example.test") == 401
        async with first.database.writing() as session:
            kept = (await session.scalars(select(SignInAttempts))).all()
            assert not any("ann" in row.key or "10.0" in row.key for row in kept)
            await session.execute(update(SignInAttempts).values(ends_at=utc_now()))
        assert await guess(first, "10.0.0.1") == 401


async def test_guessing_from_many_addresses_is_slow_and_locks_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PER_ACCOUNT", 10)
    password = "correct horse battery"
    await world.admin.post(
        "/api/users", json={"email": "ann@example.test", "name": "Ann", "password": password}
    )
    assert await guess(world, "10.1.0.1", password=password) == 200
    statuses = [await guess(world, f"10.2.0.{number}") for number in range(12)]
    assert statuses == [401] * 9 + [429] * 3
    # Even the right password is not looked at from a new address; from a known one it is.
    assert await guess(world, "10.3.0.1", password=password) == 429
    assert await guess(world, "10.1.0.1", password=password) == 200


async def test_a_new_password_ends_all_other_sessions_and_tokens(world: World) -> None:
    made = await world.admin.post(
        "/api/users",
        json={
            "email": "ann@example.test",
            "name": "Ann",
            "password": "correct horse battery",
            "createToken": True,
        },
    )
    token = world.client(made.json()["token"])
    browser = world.client()
    login = {"email": "ann@example.test", "password": "correct horse battery"}
    csrf = (await browser.post("/api/auth/login", json=login)).json()["csrfToken"]
    headers = {"X-CSRF-Token": csrf}
    wrong = await browser.patch(
        "/api/auth/me", json={"password": "a new password", "currentPassword": "x"}, headers=headers
    )
    assert wrong.json()["errors"][0]["field"] == "currentPassword"
    changed = await browser.patch(
        "/api/auth/me",
        json={"password": "a new password", "currentPassword": "correct horse battery"},
        headers=headers,
    )
    assert changed.status_code == 200
    assert (await browser.get("/api/auth/me")).status_code == 200
    assert (await token.get("/api/auth/me")).status_code == 401


async def test_tokens_are_shown_once_and_revoked(world: World) -> None:
    made = (await world.admin.post("/api/auth/tokens", json={"name": "CI"})).json()
    client = world.client(made["token"])
    assert (await client.get("/api/auth/me")).status_code == 200
    listed = await world.admin.get("/api/auth/tokens")
    assert made["token"] not in listed.text
    assert made["prefix"] in listed.text
    assert (await world.admin.delete(f"/api/auth/tokens/{made['id']}")).status_code == 204
    assert (await client.get("/api/auth/me")).status_code == 401


async def test_somebody_joins_by_invitation_without_a_browser(world: World) -> None:
    team_id = await world.team_id()
    invited = await world.admin.post(
        f"/api/teams/{team_id}/invitations",
        json={"email": "Bob@example.test", "role": "approver"},
    )
    token = invited.json()["token"]
    body = {"token": token, "name": "Bob", "createToken": True}
    accepted = await world.client().post("/api/auth/invitations/accept", json=body)
    assert accepted.status_code == 200, accepted.text
    bob = world.client(accepted.json()["token"])
    me = (await bob.get("/api/auth/me")).json()
    assert (me["email"], me["teams"][0]["role"]) == ("bob@example.test", "approver")
    again = await world.client().post("/api/auth/invitations/accept", json=body)
    assert again.status_code == 401


async def test_an_invitation_does_not_make_one_somebody_who_is_here_already(world: World) -> None:
    await world.person("viewer", "carol@example.test")
    other = (await world.admin.post("/api/teams", json={"name": "Other"})).json()["id"]
    invited = await world.admin.post(
        f"/api/teams/{other}/invitations", json={"email": "carol@example.test", "role": "admin"}
    )
    body = {"token": invited.json()["token"], "name": "Carol", "createToken": True}
    stolen = await world.client().post("/api/auth/invitations/accept", json=body)
    assert stolen.status_code == 401
    as_admin = await world.admin.post("/api/auth/invitations/accept", json=body)
    assert as_admin.status_code == 401


async def test_a_disabled_person_is_out_at_once(world: World) -> None:
    viewer = await world.person("viewer")
    user_id = viewer.headers["X-Test-User"]
    off = await world.admin.patch(f"/api/users/{user_id}", json={"disabled": True})
    assert off.status_code == 200
    assert (await viewer.get("/api/auth/me")).status_code == 401


async def test_the_last_one_who_looks_after_the_installation_stays(world: World) -> None:
    me = (await world.admin.get("/api/auth/me")).json()
    answer = await world.admin.patch(f"/api/users/{me['id']}", json={"isAdmin": False})
    assert answer.status_code == 409


async def test_the_workers_token_opens_nothing_else(world: World) -> None:
    assert (await world.worker.get("/api/workflows")).status_code == 401
    admin = world.client(ADMIN_TOKEN)
    answer = await admin.get("/api/worker/executions/x/connections")
    assert answer.status_code == 401


async def test_validation_errors_do_not_repeat_what_was_sent(world: World) -> None:
    answer = await world.client().post(
        "/api/auth/login", json={"email": "not an address", "password": ["hunter2-canary"]}
    )
    assert answer.status_code == 422
    assert "hunter2-canary" not in answer.text
    assert {error["field"] for error in answer.json()["errors"]} == {"email", "password"}
