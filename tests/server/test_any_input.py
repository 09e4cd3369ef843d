"""Generated requests against every route: whatever comes, no 5xx, and the document holds.

Schemathesis makes the requests from the OpenAPI document, wrong ones as well
as right ones; half of the paths get ids of things that are there.
"""

from __future__ import annotations

import asyncio
import os
import threading
import unittest
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runtime_tasks.run_token import run_token
from server.auth import attempts
from server.limits import Limits
from tests.server.conftest import ADMIN_TOKEN, World, running
from tests.server.things import make_things

EXAMPLES = int(os.environ.get("DATAROLL_FUZZ_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# They end what the test itself needs: its session, its team, its own account.
SPARED = {"POST /api/auth/logout", "DELETE /api/teams/{team_id}", "PATCH /api/auth/me"}


@dataclass
class Live:
    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def things(self) -> dict[str, str]:
        async def make() -> dict[str, str]:
            things = await make_things(self.world, await self.world.team_id())
            return things.ids | {"key": things.key, "node_id": "approval-1"}

        return asyncio.run_coroutine_threadsafe(make(), self.loop).result(30)


class _NoLimits(Limits):
    def _hit(self, item: Any, *names: str) -> None:
        return None


@pytest.fixture
def live(tmp_path: Path, any_compiler: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The server on a socket, in a thread with a loop of its own."""
    monkeypatch.setattr(attempts, "PER_PERSON", 10**6)
    monkeypatch.setattr(attempts, "PER_ADDRESS", 10**6)
    ready, ended = threading.Event(), threading.Event()
    found: list[Any] = []

    async def main() -> None:
        async with running(tmp_path / "home") as world:
            world.app.state.limits = _NoLimits()
            server = uvicorn.Server(
                uvicorn.Config(world.app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
            )
            task = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            found[:] = [f"http://127.0.0.1:{port}", world, asyncio.get_running_loop()]
            ready.set()
            await asyncio.to_thread(ended.wait)
            server.should_exit = True
            await task

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert ready.wait(60)
    yield Live(*found)
    ended.set()
    thread.join(30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_request_breaks_the_server_or_the_document(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = schemathesis.openapi.from_url(f"{live.url}/api/openapi.json")
    counted: Counter[int] = Counter()
    broken: list[str] = []
    operations = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label in SPARED:
            continue
        operations += 1
        for mode in GenerationMode:
            problem = _try(live, operation, mode, counted)
            if problem:
                broken.append(f"{operation.label} ({mode.value}): {problem}")
    total = sum(counted.values())
    with capsys.disabled():
        print(f"\n{total} requests to {operations} operations: {dict(sorted(counted.items()))}")
    assert not broken, "\n\n".join(broken)
    assert total > operations * EXAMPLES / 2
    assert counted[200] + counted[201] + counted[202] + counted[204] > operations


def _try(live: Live, operation: Any, mode: GenerationMode, counted: Counter[int]) -> str | None:
    worker = operation.definition.raw.get("x-policy") == "worker"
    ids = live.things()
    own = run_token(live.world.app.state.worker_token, f"run-{ids['execution_id']}")
    token = own if worker else ADMIN_TOKEN
    turn = iter(range(10_000))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        if next(turn) % 2 and case.path_parameters:
            for name in case.path_parameters:
                if name in ids:
                    case.path_parameters[name] = ids[name]
        response = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=120)
        counted[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    try:
        attempt()
    except (hypothesis.errors.Unsatisfiable, pytest.skip.Exception, unittest.SkipTest):
        return None  # nothing about this operation can be made wrong
    except BaseException as error:
        return _short(error)
    return None


def _short(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_short(inner) for inner in error.exceptions[:3])
    return str(error)[:900]
