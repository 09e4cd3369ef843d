"""Signing in through an identity provider (OpenID Connect), when one is configured::

    DATAROLL_OIDC_ISSUER=https://id.example   DATAROLL_OIDC_CLIENT_ID=…
    DATAROLL_OIDC_CLIENT_SECRET=…             DATAROLL_OIDC_LABEL="Sign in with Example"

Authorization code with PKCE. What has to be remembered between the two steps
travels in an encrypted cookie, good for ten minutes. People must be known
here, or invited: the provider says who somebody is, not what they may do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from server.errors import Unauthorized, Unavailable
from server.secret_box import SecretBox, SecretKeyError

STEP_SECONDS = 600
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@dataclass(frozen=True)
class Provider:
    issuer: str
    client_id: str
    client_secret: str
    label: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Provider | None:
        env = os.environ if environment is None else environment
        issuer = env.get("DATAROLL_OIDC_ISSUER", "").rstrip("/")
        client_id = env.get("DATAROLL_OIDC_CLIENT_ID", "")
        if not issuer or not client_id:
            return None
        return cls(
            issuer,
            client_id,
            env.get("DATAROLL_OIDC_CLIENT_SECRET", ""),
            env.get("DATAROLL_OIDC_LABEL", "Single sign-on"),
        )


@dataclass(frozen=True)
class Identity:
    """Whom the provider has recognised. ``subject`` is ``issuer|sub``."""

    subject: str
    email: str | None
    """Only when the provider has verified it."""
    name: str


async def first_step(provider: Provider, callback: str, box: SecretBox) -> tuple[str, str]:
    """Where to send the browser, and the cookie it needs on its way back."""
    about = await _fetch(f"{provider.issuer}/.well-known/openid-configuration")
    state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    verifier = secrets.token_urlsafe(48)
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    url = httpx.URL(about["authorization_endpoint"]).copy_merge_params(query)
    until = time.time() + STEP_SECONDS
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "until": until}
    return str(url), box.encrypt(json.dumps(kept))


def challenge_of(verifier: str) -> str:
    """RFC 7636 §4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def second_step(
    provider: Provider, callback: str, box: SecretBox, cookie: str, state: str, code: str
) -> Identity:
    """Raises Unauthorized for whatever does not fit, without saying what."""
    refused = Unauthorized("the sign-in was not completed; start it again")
    try:
        kept = json.loads(box.decrypt(cookie))
    except (SecretKeyError, ValueError):
        raise refused from None
    if kept["until"] < time.time() or not secrets.compare_digest(
        str(kept["state"]).encode(), state.encode()
    ):
        raise refused
    about = await _fetch(f"{provider.issuer}/.well-known/openid-configuration")
    try:
        token = await _exchange(provider, about["token_endpoint"], callback, code, kept["verifier"])
    except (httpx.HTTPError, ValueError):
        raise refused from None
    keys = await _fetch(about["jwks_uri"])
    try:
        claims = _claims(provider, keys, str(token.get("id_token", "")), kept["nonce"])
    except (JoseError, ValueError, KeyError):
        raise refused from None
    email = claims.get("email") if claims.get("email_verified") is True else None
    return Identity(
        subject=f"{provider.issuer}|{claims['sub']}",
        email=str(email).lower() if email else None,
        name=str(claims.get("name") or email or claims["sub"])[:200],
    )


def _claims(provider: Provider, keys: dict[str, Any], token: str, nonce: str) -> dict[str, Any]:
    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
    jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        exp={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    ).validate(decoded.claims)
    return dict(decoded.claims)


async def _exchange(
    provider: Provider, url: str, callback: str, code: str, verifier: str
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
        "client_id": provider.client_id,
        "code_verifier": verifier,
    }
    # Without a secret this is a public client, which PKCE alone protects.
    proof = (provider.client_id, provider.client_secret) if provider.client_secret else None
    async with httpx.AsyncClient(auth=proof, timeout=10, follow_redirects=False) as client:
        answer = await client.post(url, data=form)
        answer.raise_for_status()
        token: dict[str, Any] = answer.json()
        return token


async def _fetch(url: str) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=10, follow_redirects=False) as client:
            answer = await client.get(url)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found
    except (httpx.HTTPError, ValueError):
        raise Unavailable("the identity provider does not answer") from None
