"""The server with its real loops' parts, and an orchestrator in memory that misbehaves on request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.conftest import World, any_compiler, running, world_on_both

__all__ = ["any_compiler", "world_on_both"]


@pytest.fixture
async def world(tmp_path: Path, any_compiler: None) -> AsyncIterator[World]:
    async with running(tmp_path / "home") as world:
        yield world
