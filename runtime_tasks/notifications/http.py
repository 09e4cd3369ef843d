"""HTTP requests to the outside."""

from __future__ import annotations

from typing import Any, NoReturn


def send(**request: Any) -> NoReturn:
    raise NotImplementedError
