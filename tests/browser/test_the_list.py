"""The forty behaviours in docs/editor.md: each has its tests, and each test its line."""

from __future__ import annotations

import re
from pathlib import Path

from tests.browser.conftest import ROOT

TESTS = sorted(Path(__file__).parent.glob("test_*.py"))


def listed() -> dict[int, set[str]]:
    text = (ROOT / "docs" / "editor.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)
    return {int(number): set(re.findall(r"`(test_\w+)`", tests)) for number, _, tests in rows}


def written() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for file in TESTS:
        for name, number in re.findall(r"^def (test_(\d\d)_\w+)", file.read_text(), re.M):
            found.setdefault(int(number), set()).add(name)
    return found


def test_every_behaviour_names_the_tests_that_show_it() -> None:
    assert listed().keys() == set(range(1, 41))
    assert listed() == written()
