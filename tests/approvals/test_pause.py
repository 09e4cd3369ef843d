"""The flow's own part of an approval: it stays paused, whatever becomes of single answers."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prefect.exceptions import Pause

from runtime_tasks.context import ApprovalRequest
from runtime_tasks.run import approvals
from runtime_tasks.run.approvals import Approvals, OpenRequest


async def test_a_pause_whose_answer_was_lost_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    looked: list[bool] = []

    async def pause(*, key: str, **_: Any) -> None:
        keys.append(key)
        if len(keys) == 1:
            # What Prefect says to the client's second try: it has the first one already.
            raise Pause("This run has already made this state transition.")

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
