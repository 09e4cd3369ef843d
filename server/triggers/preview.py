"""/api/schedules/preview: when a cron expression fires next, before anything is saved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from server.access import needs
from server.errors import field_error
from server.orchestrator.schedules import next_times
from server.schemas import Answer, Body, Text

router = APIRouter(tags=["triggers"])


class PreviewSchedule(Body):
    cron: Annotated[Text, StringConstraints(min_length=1, max_length=200)]
    timezone: Annotated[Text, StringConstraints(min_length=1, max_length=100)] = "UTC"
    count: int = Field(5, ge=1, le=50)


class NextTimes(Answer):
    next: list[datetime]


@router.post("/api/schedules/preview", **needs("signed-in", "read"))
async def preview(body: PreviewSchedule) -> NextTimes:
    """The next times, by the schedule that will fire; 422 where there are none."""
    try:
        times = await next_times(body.cron, body.timezone, body.count)
    except ValueError as error:
        field = "timezone" if "timezone" in str(error).lower() else "cron"
        raise field_error(field, str(error)) from None
    return NextTimes(next=times)
