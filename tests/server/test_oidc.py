"""Signing in through a provider: a small real one, on a socket, that signs its tokens."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import RSAKey

from server.auth.oidc import Provider
from tests.server.conftest import World


class FakeProvider:
    """Recognises one person; ``claims`` overrides what its token says."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1"})
        self.signing_key = self.key
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.issuer = ""
        self.app = FastAPI()

        @self.app.get("/.well-known/openid-configuration")
        async def about() -> dict[str, str]:
            return {
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }

        @self.app.get("/keys")
        async def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @self.app.post("/token")
        async def token(request: Request) -> dict[str, Any]:
            form = dict(parse_qs((await request.body()).decode()))
            digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert challenge == self.asked["code_challenge"]
            claims = {
                "iss": self.issuer,
                "aud": "dataroll",
                "sub": "s-1",
                "email": "Dana@example.test",
                "email_verified": True,
                "name": "Dana",
                "nonce": self.asked["nonce"],
                "exp": int(time.time()) + 300,
                **self.claims,
            }
            id_token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signing_key)
            return {"access_token": "a", "token_type": "Bearer", "id_token": id_token}


@asynccontextmanager
async def provider_for(world: World) -> AsyncIterator[FakeProvider]:
    import asyncio

    provider = FakeProvider()
    server = uvicorn.Server(
        uvicorn.Config(provider.app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    provider.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    world.app.state.oidc = Provider(provider.issuer, "dataroll", "s3cret", "Example")
    try:
        yield provider
    finally:
        server.should_exit = True
        await task


async def sign_in(
    world: World, provider: FakeProvider, **changes: str
) -> tuple[httpx.AsyncClient, httpx.Response]:
    browser = world.client()
    away = await browser.get("/api/auth/oidc/login")
    assert away.status_code == 303
    provider.asked = {
        k: v[0] for k, v in parse_qs(urlsplit(away.headers["location"]).query).items()
    }
    assert provider.asked["code_challenge_method"] == "S256"
    query = {"code": "c", "state": provider.asked["state"], **changes}
    return browser, await browser.get("/api/auth/oidc/callback", params=query)


async def test_somebody_invited_signs_in_and_is_known_from_then_on(world: World) -> None:
    await world.admin.post(
        f"/api/teams/{await world.team_id()}/invitations",
        json={"email": "dana@example.test", "role": "developer"},
    )
    async with provider_for(world) as provider:
        assert (await world.client().get("/api/auth/methods")).json()["oidc"] == "Example"
        browser, back = await sign_in(world, provider)
        assert (back.status_code, back.headers["location"]) == (303, "/")
        me = (await browser.get("/api/auth/me")).json()
        assert (me["email"], me["teams"][0]["role"]) == ("dana@example.test", "developer")
        provider.claims = {"email": "renamed@example.test"}
        browser, _ = await sign_in(world, provider)
        assert (await browser.get("/api/auth/me")).json()["id"] == me["id"]


async def test_strangers_and_forgeries_stay_outside(world: World) -> None:
    await world.person("admin", "dana@example.test")
    async with provider_for(world) as provider:
        for changes in (
            {"iss": "https://elsewhere.example"},
            {"aud": "another"},
            {"exp": 1},
            {"nonce": "replayed"},
        ):
            provider.claims = dict(changes)
            browser, back = await sign_in(world, provider)
            assert back.status_code == 401, changes
            assert (await browser.get("/api/auth/me")).status_code == 401
        provider.claims = {}
        _, wrong_state = await sign_in(world, provider, state="guessed")
        assert wrong_state.status_code == 401
        provider.claims = {"email_verified": False}
        _, unverified = await sign_in(world, provider)
        assert unverified.status_code == 403
        provider.claims = {"email": "stranger@example.test", "sub": "s-2"}
        _, stranger = await sign_in(world, provider)
        assert stranger.status_code == 403
        provider.claims = {}
        provider.signing_key = RSAKey.generate_key(2048, {"kid": "k1"})
        _, forged = await sign_in(world, provider)
        assert forged.status_code == 401


async def test_without_a_provider_there_is_nothing_to_sign_in_at(world: World) -> None:
    assert (await world.client().get("/api/auth/oidc/login")).status_code == 404
    assert (await world.client().get("/api/auth/methods")).json()["oidc"] is None
    with pytest.raises(KeyError):
        _ = (await world.client().get("/api/auth/methods")).json()["secret"]
