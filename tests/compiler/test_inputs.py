"""What a run's own values become where a step takes something else."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_type_hints

import pytest

from runtime_tasks.errors import StepConfigError
from runtime_tasks.secrets import Secret, SecretText, secret
from runtime_tasks.steps import CATALOGUE
from runtime_tasks.steps.catalogue import Approvers, Seconds, Value
from runtime_tasks.steps.inputs import fitting


def step(
    *,
    url: SecretText,
    approvers: Approvers,
    message: str = "said by default",
    seconds: Seconds = 5,
    count: int | None = None,
    backup: bool = False,
    severity: Literal["error", "info"] = "error",
    headers: dict[str, SecretText] | None = None,
    body: Value = None,
) -> None:
    pass


DEFAULTS = {"message", "seconds", "count", "backup", "severity", "headers", "body"}


def fit(**given: Any) -> dict[str, Any]:
    hints = get_type_hints(step, include_extras=True)
    return fitting(hints, dict.fromkeys(DEFAULTS), given)


@pytest.mark.parametrize(
    ("key", "value", "fitted"),
    [
        ("message", "text", "text"),
        ("message", 3, "3"),
        ("message", 3.0, "3"),
        ("message", 1e21, "1e+21"),
        ("message", True, "true"),
        ("url", 7, "7"),
        ("url", secret("hook"), secret("hook")),
        ("seconds", 2, 2),
        ("seconds", 2.5, 2.5),
        ("count", 2.0, 2),
        ("backup", True, True),
        ("severity", "info", "info"),
        ("approvers", ["ann", 7], ["ann", "7"]),
        ("headers", {"a": 1, "b": secret("t")}, {"a": "1", "b": secret("t")}),
        ("body", {"any": [None]}, {"any": [None]}),
    ],
)
def test_a_value_that_can_be_meant_is_taken(key: str, value: Any, fitted: Any) -> None:
    found = fit(**{key: value})[key]
    assert found == fitted
    assert type(found) is type(fitted)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("message", ["a"], "'message' takes text, and this is a list"),
        ("message", {"a": 1}, "'message' takes text, and this is an object"),
        ("url", None, "'url' takes a secret or text, and this is null"),
        ("url", [], "'url' takes a secret or text, and this is a list"),
        ("seconds", "5", "'seconds' takes a number, and this is text"),
        ("seconds", True, "'seconds' takes a number, and this is true or false"),
        ("count", 2.5, "'count' takes a whole number or null, and this is a number"),
        ("backup", "yes", "'backup' takes true or false, and this is text"),
        ("severity", "fatal", "'severity' takes one of error, info, and this is text"),
        ("approvers", "ann", "'approvers' takes a list, and this is text"),
        ("approvers", None, "'approvers' takes a list, and this is null"),
        ("approvers", ["ann", None], "'approvers' takes text for each of its values"),
        ("headers", {"a": None}, "'headers' takes a secret or text for each of its values"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_in_words(key: str, value: Any, says: str) -> None:
    with pytest.raises(StepConfigError) as caught:
        fit(**{key: value})
    assert str(caught.value).startswith(says)


def test_null_is_left_out_where_that_may_be() -> None:
    assert fit(message=None, count=None, url="u") == {"url": "u"}


def test_every_step_fits_its_own_defaults() -> None:
    for node_type in CATALOGUE.values():
        hints = get_type_hints(node_type.function, include_extras=True)
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(node_type.function).parameters.items()
            if parameter.default is not parameter.empty
        }
        given = {name: value for name, value in defaults.items() if value is not None}
        assert fitting(hints, {}, given) == given, node_type.key


def test_a_secret_is_no_text_for_a_step_that_may_not_see_it() -> None:
    with pytest.raises(StepConfigError):
        fit(message=Secret(("x",)))
