"""An unchanged text is compiled once."""

from __future__ import annotations

import pytest

from compiler import DefinitionError
from compiler.cache import FlowCache
from tests.compiler.definitions import workflow


def test_an_unchanged_text_is_a_hit() -> None:
    cache = FlowCache(most=2)
    text = workflow("a: {type: trigger}")
    first = cache.compile(text, "yaml")
    assert cache.compile(text.encode(), "yaml") is first
    assert cache.hits == 1
    assert cache.compile(text, "yaml", version=2) is not first
    assert cache.compile(text + "# comment\n", "yaml").source == first.source
    assert cache.hits == 1
    assert cache.compile(text, "yaml") is not first, "the oldest one has made room"


def test_problems_are_not_kept() -> None:
    cache = FlowCache()
    for _ in range(2):
        with pytest.raises(DefinitionError):
            cache.compile("name: x", "yaml")
    assert cache.hits == 0
