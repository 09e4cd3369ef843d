"""Fixtures that every test may ask for: private databases, a real Prefect server."""

from __future__ import annotations

pytest_plugins = ["tests.databases", "tests.prefect_server"]
