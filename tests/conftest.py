"""Fixtures that every test may ask for: private databases, a real Prefect server."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.databases", "tests.prefect_server"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected flows anew")
