"""The server of the server's own tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.server.conftest import World, any_compiler, running, world

__all__ = ["World", "any_compiler", "world"]


@pytest.fixture
async def compiling_world(tmp_path: Path) -> AsyncIterator[World]:
    """A server with the real compiler."""
    async with running(tmp_path / "home") as world:
        yield world


WAITING = """\
version: "1.0"
name: {name}
trigger: manual
nodes:
  start: {{type: trigger, label: Start}}
edges: []
"""


async def waiting(world: World, type_: str, config: dict[str, Any], name: str = "Waits") -> Any:
    """A published workflow with one trigger; the trigger's answer."""
    workflow = await world.published(WAITING.format(name=name), name=name)
    made = await world.admin.post(
        f"/api/workflows/{workflow['id']}/triggers", json={"type": type_, "config": config}
    )
    assert made.status_code == 201, made.text
    return made.json()


def standard(secret: str, body: bytes, id: str = "msg_1", at: datetime | None = None) -> Any:  # noqa: A002
    """Headers as the Standard Webhooks library signs."""
    at = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
    }


def github(secret: str, body: bytes, event: str = "push", guid: str = "g-1") -> dict[str, str]:
    code = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": guid,
        "x-hub-signature-256": f"sha256={code}",
    }


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def some_secret() -> str:
    return "whsec_" + base64.b64encode(b"k" * 32).decode()
