"""A compilation leaves Python's collector as it found it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from benchmarks.compile import definition
from compiler import DefinitionError, compile_workflow, workflow
from compiler.uncollected import uncollected


@pytest.fixture(params=[True, False], ids=["on", "off"])
def collects(request: pytest.FixtureRequest) -> Iterator[bool]:
    wanted: bool = request.param
    if not wanted:
        gc.disable()
    yield wanted
    gc.enable()


@pytest.mark.parametrize("text", [definition(20), "nodes: 7"], ids=["sound", "refused"])
def test_it_is_on_or_off_as_before(collects: bool, text: str) -> None:
    with suppress(DefinitionError):
        compile_workflow(text, "yaml")
    assert gc.isenabled() is collects


def test_it_rests_from_the_first_pass_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []

    def spied(name: str) -> Callable[..., object]:
        real = getattr(workflow, name)

        def spy(*values: object, **named: object) -> object:
            seen.append((name, gc.isenabled()))
            return real(*values, **named)

        return spy

    for name in ("read", "run_checks", "gate"):
        monkeypatch.setattr(workflow, name, spied(name))
    workflow.check_workflow(definition(20), "yaml")
    assert seen == [("read", False), ("run_checks", False)]
    seen.clear()
    workflow.compile_workflow(definition(20), "yaml")
    assert seen == [("read", False), ("run_checks", False), ("gate", False)]


def test_it_is_on_after_many_threads() -> None:
    """They take turns as often as they can."""
    usual = sys.getswitchinterval()

    def often(_: int) -> None:
        for _turn in range(100_000):
            with uncollected():
                pass

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(often, range(8)))
    finally:
        sys.setswitchinterval(usual)
    assert gc.isenabled()
