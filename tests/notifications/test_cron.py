"""Cron expressions that everybody reads alike, and that fire."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runtime_tasks.steps import CATALOGUE
from runtime_tasks.steps.cron import check_cron, check_timezone


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "0 2 * * *",
        "*/15 8-18 * * mon-fri",
        "0 18 * * FRI",
        "0 0 29 2 *",
        "0 0 31 2 mon",  # either day is enough
        "0 0 30,31 * *",
        "5/10 0 1 jan,jul 7",
        "0 0 */30 * *",
    ],
)
def test_a_cron_that_fires_is_taken(cron: str) -> None:
    assert check_cron(cron) == cron


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 0 31 2 *", "never fires: there is no day 31 in Feb"),
        ("0 0 30-31 2 *", "never fires: there is no day 30 in Feb"),
        ("0 0 31 4,6,9,11 *", "no day 31 in Apr or Jun or Sep or Nov"),
        ("0 0 0 * * *", "five fields"),
        ("0 0 * *", "five fields"),
        ("@daily", "five fields"),
        ("", "five fields"),
        ("60 * * * *", "no minute"),
        ("0 24 * * *", "no hour"),
        ("0 0 0 * *", "no day of the month"),
        ("0 0 * 13 *", "no month"),
        ("0 0 * * 8", "no day of the week"),
        ("0 0 * * fre", "no day of the week"),
        ("0 0 L * *", "no day of the month"),
        ("0 0 * * 5#2", "not understood"),
        ("0 0 ? * *", "not understood"),
        ("*/0 * * * *", "step of 0"),
        ("30-10 * * * *", "runs backwards"),
        ("1,,2 * * * *", "not understood"),
        ("٣ * * * *", "not understood"),
        ("-1 * * * *", "not understood"),
    ],
)
def test_a_cron_that_is_none_says_why(cron: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_cron(cron)


def test_a_timezone_has_a_name() -> None:
    assert check_timezone("Europe/Zurich") == "Europe/Zurich"
    for name in ("Mars/Olympus", "../etc/passwd", "", "UTC+2"):
        with pytest.raises(ValueError, match="no timezone"):
            check_timezone(name)


def test_the_scheduled_trigger_checks_both() -> None:
    model = CATALOGUE["trigger", "scheduled"].config_model
    assert model.model_validate({"cron": "0 2 * * *", "timezone": "Asia/Tokyo"})
    with pytest.raises(ValidationError, match="never fires"):
        model.model_validate({"cron": "0 0 31 2 *"})
    with pytest.raises(ValidationError, match="no timezone"):
        model.model_validate({"cron": "0 2 * * *", "timezone": "Nowhere"})
