"""The same alert at most once per window, across runs and processes on this machine.

::

    with once_per("…key…", 3600) as first:
        if first:
            send()

Kept in one SQLite file below ``DATAROLL_HOME``. Whoever claims the window sends; if sending
raises, the claim is given back, so that a failed attempt silences nobody.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import time

KEPT = 30 * 86400
"""Seconds after which a claim is forgotten; no window is longer."""


@contextmanager
def once_per(key: str, seconds: float, *, now: float | None = None) -> Iterator[bool]:
    """True for the first to come with ``key`` within ``seconds``, False for the others."""
    at = time() if now is None else now
    seconds = min(seconds, KEPT)
    with closing(_open()) as database:
        database.execute("DELETE FROM sent WHERE at < ?", (at - KEPT,))
        before = database.execute("SELECT at FROM sent WHERE key = ?", (key,)).fetchone()
        # One statement, so that of two processes at the same moment one wins.
        claimed = database.execute(
            "INSERT INTO sent (key, at) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE sent.at <= ?",
            (key, at, at - seconds),
        ).rowcount
    try:
        yield claimed == 1
    except BaseException:
        if claimed == 1:
            with closing(_open()) as database:
                database.execute(
                    "UPDATE sent SET at = ? WHERE key = ? AND at = ?",
                    (before[0] if before else 0, key, at),
                )
        raise


def alert_key(*parts: str) -> str:
    """One key out of what makes two alerts the same. A hash: targets are secrets."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _open() -> sqlite3.Connection:
    home = Path(os.environ.get("DATAROLL_HOME", ".dataroll"))
    home.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(home / "notifications.db", timeout=10, isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS sent (key TEXT PRIMARY KEY, at REAL NOT NULL)")
    return database
