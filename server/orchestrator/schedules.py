"""When a schedule will fire, worked out by Prefect's own schedule, which will fire it.

::

    next_times("30 2 * * *", "Europe/Zurich", 5)

Cron libraries disagree about daylight saving. Prefect fires ``30 2 * * *`` at 01:30 local time
on the day on which 02:30 does not exist; most others skip that day or fire at 03:30. A preview
by another library would be wrong on exactly the days that people look it up for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from runtime_tasks.steps.cron import check_cron, check_timezone


async def next_times(
    cron: str, timezone: str = "UTC", count: int = 5, *, after: datetime | None = None
) -> list[datetime]:
    """The next ``count`` times after ``after`` (now), in the schedule's timezone.

    Raises ValueError where the cron or the timezone is none, or where the cron never fires.
    """
    # Prefect's server takes a second to import, and only a preview needs this part of it.
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=check_cron(cron), timezone=check_timezone(timezone))
    start = (after or datetime.now(UTC)).astimezone(UTC)
    # Within an hour of a change of the clocks Prefect names a time that has just passed.
    found = await schedule.get_dates(n=count + 2, start=start)
    zone = ZoneInfo(timezone)
    times = [datetime.fromtimestamp(time.timestamp(), zone) for time in found]
    return [time for time in times if time >= start][:count]
