"""Values from other people's systems, cut to a size that lists and browsers can bear."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_JSON = 256_000
MAX_TEXT = 16_000
PREVIEW = 4_000


def bounded(value: Any) -> Any:
    """The value as JSON; a large one becomes ``{"truncated": true, "bytes": …, "preview": …}``."""
    clean = _clean(value)
    text = json.dumps(clean, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= MAX_JSON:
        return clean
    return {"truncated": True, "bytes": len(text.encode()), "preview": text[:PREVIEW]}


def bounded_text(text: str) -> str:
    """A message. The end is kept as well as the start: errors say what matters last."""
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]}\n… {len(text) - MAX_TEXT} characters left out …\n{text[-half:]}"


def _clean(value: Any, depth: int = 0) -> Any:
    """Only what JSON has; NaN and what is too deep become texts."""
    if depth > 60:
        return "…"
    if isinstance(value, dict):
        return {_clean_text(str(key)): _clean(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int) else str(value)


def _clean_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
