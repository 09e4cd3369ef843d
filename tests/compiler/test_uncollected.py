"""A compilation leaves Python's collector as it found it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from benchmarks.compile import definition
from compiler import DefinitionError, compile_workflow
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


def test_nothing_is_collected_meanwhile() -> None:
    text, found = definition(100, 1), list[str]()
    hear: Callable[[str, dict[str, int]], None] = lambda phase, _: found.append(phase)  # noqa: E731
    gc.callbacks.append(hear)
    try:
        with uncollected():
            compile_workflow(text, "yaml")
            assert found == []
        gc.collect()
    finally:
        gc.callbacks.remove(hear)
    assert found[:2] == ["start", "stop"]


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
