"""The flow's own part of an approval: it stays paused, whatever becomes of single answers."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prefect.exceptions import Pause
from prefect.states import Crashed, Failed, Paused, Pending, State

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


class Prefect:
    """What a run's process sees of Prefect: one flow run, whose state it may set."""

    def __init__(self, state: State[Any]) -> None:
        self.state = state
        self.told: list[str | None] = []

    async def __aenter__(self) -> Prefect:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def read_flow_run(self, run_id: object) -> SimpleNamespace:
        return SimpleNamespace(id=run_id, state=self.state)

    async def set_flow_run_state(self, _: object, state: State[Any], *, force: bool) -> None:
        assert force
        self.state = state
        self.told.append(state.name)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_crash_of_an_earlier_attempt_is_not_this_processs_end(
    monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """A worker reports late that it could not start the run, which another start has begun."""
    prefect = Prefect(Crashed())
    keys: list[str] = []

    async def pause(*, key: str, **_: Any) -> None:
        keys.append(key)
        if len(keys) == 1:
            raise RuntimeError("Flow run cannot be paused. Received Crashed()")
        prefect.state = Paused()

    monkeypatch.setattr(approvals, "apause_flow_run", pause)
    monkeypatch.setattr(approvals, "get_client", lambda: prefect)
    monkeypatch.setattr(approvals, "SLOW", 0.01)
    stopped: list[bool] = []
    run = SimpleNamespace(
        flow_run_id="run",
        channel=SimpleNamespace(heartbeat=lambda: cancelled),
        cancel=lambda: stopped.append(True),
    )
    waiting = Approvals(cast(Any, run))
    request = ApprovalRequest("approval", ("ann@example.test",), "any", 60)
    waiting.open["approval"] = OpenRequest(request, {}, deadline=time.time() + 60)
    if cancelled:
        with pytest.raises(Refused, match="has ended in Prefect meanwhile"):
            await asyncio.wait_for(waiting._pause(), 30)
        assert (prefect.told, stopped) == ([], [True])
        return
    await asyncio.wait_for(waiting._pause(), 30)
    assert prefect.told == ["Running"]
    assert prefect.state.is_paused()
    assert len(set(keys)) == 2  # a pause that has fired does not pause again


@pytest.mark.parametrize("final", [True, False])
async def test_a_run_that_has_ended_in_prefect_waits_no_longer(
    monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    prefect = Prefect(Failed() if final else Pending())
    monkeypatch.setattr(approvals, "get_client", lambda: prefect)
    monkeypatch.setattr(approvals, "SLOW", 0.01)
    waiting = Approvals(cast(Any, SimpleNamespace(flow_run_id=None)))
    request = ApprovalRequest("approval", ("ann@example.test",), "any", 60)
    waiting.open["approval"] = OpenRequest(request, {}, deadline=time.time() + 60)
    if final:
        with pytest.raises(Refused, match="has ended in Prefect meanwhile: Failed"):
            await asyncio.wait_for(waiting._while_paused(), 30)
    else:
        await asyncio.wait_for(waiting._while_paused(), 30)
