"""The flow's own part of an approval: it stays paused, whatever becomes of single answers."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prefect.exceptions import Pause
from prefect.states import Failed, Pending

from runtime_tasks.context import ApprovalRequest
from runtime_tasks.errors import Refused
from runtime_tasks.run import approvals
from runtime_tasks.run.approvals import Approvals, OpenRequest


@pytest.mark.parametrize(
    "said",
    [
        Pause("This run has already made this state transition."),
        RuntimeError("Flow run cannot be paused. Received non-paused state from API: Pending()"),
    ],
    ids=["asked-twice", "about-to-begin"],
)
async def test_a_pause_that_was_answered_oddly_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, said: Exception
) -> None:
    keys: list[str] = []
    looked: list[bool] = []

    async def pause(*, key: str, **_: Any) -> None:
        keys.append(key)
        if len(keys) == 1:
            raise said

    async def look(self: Approvals) -> None:
        looked.append(True)

    monkeypatch.setattr(approvals, "apause_flow_run", pause)
    monkeypatch.setattr(Approvals, "_while_paused", look)
    waiting = Approvals(cast(Any, SimpleNamespace()))
    request = ApprovalRequest("approval", ("ann@example.test",), "any", 60)
    waiting.open["approval"] = OpenRequest(request, {}, deadline=time.time() + 60)
    await asyncio.wait_for(waiting._pause(), 30)
    assert looked == [True]
    assert len(keys) == 2
    assert keys[0] == keys[1]


@pytest.mark.parametrize("final", [True, False])
async def test_a_run_that_has_ended_in_prefect_waits_no_longer(
    monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    state = Failed() if final else Pending()

    class Client:
        async def __aenter__(self) -> Client:
            return self

        async def __aexit__(self, *_: object) -> None:
            return

        async def read_flow_run(self, _: object) -> SimpleNamespace:
            return SimpleNamespace(state=state)

    monkeypatch.setattr(approvals, "get_client", Client)
    monkeypatch.setattr(approvals, "SLOW", 0.01)
    waiting = Approvals(cast(Any, SimpleNamespace(flow_run_id=None)))
    request = ApprovalRequest("approval", ("ann@example.test",), "any", 60)
    waiting.open["approval"] = OpenRequest(request, {}, deadline=time.time() + 60)
    if final:
        with pytest.raises(Refused, match="has ended in Prefect meanwhile: Failed"):
            await asyncio.wait_for(waiting._while_paused(), 30)
    else:
        await asyncio.wait_for(waiting._while_paused(), 30)
