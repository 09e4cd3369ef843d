"""Database URLs: which ones we take, and what may be shown of them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def parse(url: str) -> URL:
    """Raises ValueError without repeating the URL, which holds a password."""
    if url.startswith("postgres://"):
        url = "postgresql" + url.removeprefix("postgres")
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL like postgresql://user@host/name") from None
    if backend not in DRIVERS:
        raise ValueError(f"names '{backend[:30]}'; dataroll knows {', '.join(DRIVERS)}")
    return parsed.set(drivername=DRIVERS[backend])


def checked_url(url: str) -> str:
    parsed = parse(url)
    if "\x00" in url:
        raise ValueError("the character U+0000 is not allowed")
    if not parsed.database:
        raise ValueError("does not name a database")
    if parsed.get_backend_name() != "sqlite" and not parsed.host:
        raise ValueError("does not name a host")
    return url


def shown(url: str) -> str:
    """``postgresql://db.example:5432/shop``: no user, no password, no options."""
    parsed = parse(url)
    plain = URL.create(
        parsed.get_backend_name(), host=parsed.host, port=parsed.port, database=parsed.database
    )
    return plain.render_as_string()[:300]


def is_own(url: str, own: str | URL, home: Path) -> bool:
    """Whether it is dataroll's own database, or Prefect's beside it: workflows change neither.

    This keeps mistakes away, and not somebody whose migrations may run programs on the worker.
    """
    parsed, ours = parse(url), make_url(own)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database)).resolve()
        kept = {(home / "prefect" / "prefect.db").resolve(), (home / "dataroll.db").resolve()}
        if ours.get_backend_name() == "sqlite" and ours.database:
            kept.add(Path(ours.database).resolve())
        return path in kept
    return _place(parsed) == _place(ours)


def _place(url: URL) -> tuple[object, ...]:
    host = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}.get(url.host or "", url.host)
    return (url.get_backend_name(), host, url.port or 5432, url.database)
