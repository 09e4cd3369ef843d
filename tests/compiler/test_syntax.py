"""Threads of one server parse at the same time."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from compiler.syntax import parse

TEXT = "\n".join(
    f"def f_{i}(a):\n    return steps.x(a.b[{i}] + (1, (2, 3)), k=[{{'a': 1}}])" for i in range(250)
)


class Garbage:
    """Its end lets another thread run, in the middle of whatever collected it."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0.0005)


@pytest.fixture
def collected_while_parsing() -> Iterator[None]:
    """Often enough, and not before: a tree has thousands of objects, the garbage thirty."""
    before = gc.get_threshold()
    gc.set_threshold(500, 1000, 1000)
    yield
    gc.set_threshold(*before)


def test_threads_that_parse_while_garbage_is_collected(collected_while_parsing: None) -> None:
    def work(_: int) -> int:
        garbage = [Garbage() for _ in range(10)]
        del garbage
        return len(parse(TEXT).body)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(work, range(16))) == {250}
