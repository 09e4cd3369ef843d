"""The preview of a schedule says what Prefect's own scheduler does."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from server.orchestrator.schedules import next_times

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "America/Anchorage",
    "America/Asuncion",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Moscow",
    "Europe/Zurich",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "UTC",
]
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 3 * 365
ZURICH = ZoneInfo("Europe/Zurich")


def clock_changes(zone: str) -> list[datetime]:
    """The days on which the zone's offset changes within the three years."""
    days = [START + timedelta(days=day) for day in range(DAYS)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [
        day
        for day, before, after in zip(days, offsets, offsets[1:], strict=False)
        if before != after
    ]


def when_people_look(zone: str) -> list[datetime]:
    """Every fifty days, and every six hours around each change of the clocks."""
    often = [START + timedelta(days=day, hours=5, minutes=13) for day in range(0, DAYS - 20, 50)]
    around = [
        change + timedelta(hours=hour, minutes=31)
        for change in clock_changes(zone)
        for hour in range(-12, 37, 6)
    ]
    return often + around


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "zones", [ZONES[::4], pytest.param(ZONES, marks=pytest.mark.long)], ids=["ten", "forty"]
)
def test_the_preview_is_what_prefect_fires_over_three_years(
    tmp_path: Path, zones: list[str]
) -> None:
    assert len(zones) in (10, 40)
    cron = "30 2 * * *"
    request = {"cron": cron, "zones": zones, "start": START.isoformat(), "days": DAYS}
    answer = subprocess.run(
        [sys.executable, "-m", "tests.triggers.prefect_firing"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PREFECT_HOME": str(tmp_path),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path / 'prefect.db'}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        },
    )
    fired: dict[str, list[float]] = json.loads(answer.stdout)

    async def compare() -> int:
        compared = 0
        for zone, times in fired.items():
            assert len(times) > 300
            for look in when_people_look(zone):
                shown = [time.timestamp() for time in await next_times(cron, zone, 5, after=look)]
                first = bisect_left(times, look.timestamp())
                assert shown == times[first : first + 5], (zone, look)
                compared += 1
        return compared

    assert asyncio.run(compare()) > len(zones) * 30


async def test_at_the_spring_change_half_past_two_fires_an_hour_early() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    shown = await next_times("30 2 * * *", "Europe/Zurich", 2, after=before)
    assert [time.isoformat() for time in shown] == [
        "2026-03-29T01:30:00+01:00",
        "2026-03-30T02:30:00+02:00",
    ]


async def test_a_time_that_has_just_passed_is_not_shown() -> None:
    now = datetime(2026, 3, 29, 0, 45, tzinfo=UTC)
    shown = await next_times("30 2 * * *", "Europe/Zurich", 5, after=now)
    assert len(shown) == 5
    assert shown[0] == datetime(2026, 3, 30, 2, 30, tzinfo=ZURICH)


async def test_a_leap_day_is_found() -> None:
    shown = await next_times("0 0 29 2 *", after=datetime(2026, 1, 1, tzinfo=UTC))
    assert [time.year for time in shown] == [2028, 2032, 2036, 2040, 2044]


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "0 0 0 * * *", "@daily", "nonsense"])
async def test_a_cron_that_is_none_is_refused(cron: str) -> None:
    with pytest.raises(ValueError):
        await next_times(cron)
