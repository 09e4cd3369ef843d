"""What steps hand on: records in Python, camelCase in JSON."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError
from typing import Any, Literal

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from runtime_tasks.javascript.values import attributes
from runtime_tasks.output import Output, camel_case
from runtime_tasks.steps import CATALOGUE


class Dream(Output):
    about: str
    was_good: bool = True


class SleepOutput(Output):
    hours_slept: float
    kind: Literal["deep", "light"] = "deep"
    dreams: list[Dream] = []
    notes: dict[str, Any] = {}


def test_json_and_back() -> None:
    slept = SleepOutput(hours_slept=7.5, dreams=[Dream(about="sheep")], notes={"seen_by": ["a"]})
    as_json = {
        "hoursSlept": 7.5,
        "kind": "deep",
        "dreams": [{"about": "sheep", "wasGood": True}],
        "notes": {"seen_by": ["a"]},
    }
    assert slept.as_json() == as_json
    assert SleepOutput.of_json(as_json) == slept


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"hoursSlept": "a lot"},
        {"hoursSlept": 8, "kind": "short"},
        {"hoursSlept": 8, "snored": True},
        {"hoursSlept": 8, "dreams": [{}]},
        [8],
    ],
    ids=str,
)
def test_json_that_is_none_of_its_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        SleepOutput.of_json(wrong)


def test_a_default_is_not_shared_and_nothing_can_be_changed() -> None:
    first, second = SleepOutput(hours_slept=8), SleepOutput(hours_slept=8)
    first.dreams.append(Dream(about="stairs"))
    assert second.dreams == []
    with pytest.raises(FrozenInstanceError):
        first.hours_slept = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        SleepOutput(8)  # type: ignore[misc]


def test_expressions_read_the_declared_fields_and_nothing_else() -> None:
    assert attributes(SleepOutput) == {
        "hoursSlept": "hours_slept",
        "kind": "kind",
        "dreams": "dreams",
        "notes": "notes",
    }


def test_names_are_those_that_pydantic_makes() -> None:
    """The server's schemas are made by pydantic's own rule."""
    names = {
        name for step in CATALOGUE.values() for name in inspect.signature(step.function).parameters
    }
    assert len(names) > 30
    for name in names:
        assert camel_case(name) == to_camel(name)
