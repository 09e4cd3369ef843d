"""Checks on what a workflow does, each with a way through the graph that shows the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from compiler.errors import Problem

if TYPE_CHECKING:
    from compiler.plan import Planner

Check = Callable[["Planner"], Iterator[Problem]]

CHECKS: dict[str, Check] = {}


def run_checks(planner: Planner) -> list[Problem]:
    return []
