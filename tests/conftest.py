"""Fixtures that every test may ask for: private databases, a real Prefect server."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.databases", "tests.prefect_server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected flows anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that no worker begins with one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
