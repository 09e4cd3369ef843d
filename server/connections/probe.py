"""Does the database answer? Tried in a thread, with a time limit, and with a scrubbed error."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from runtime_tasks.redaction import Redactor
from server.connections.urls import parse
from server.variables.redactor import url_secrets

TIMEOUT = 5
VERSION = {"sqlite": "SELECT sqlite_version()"}


@dataclass(frozen=True)
class Probe:
    ok: bool
    message: str
    duration: int


async def probe(url: str, migrations: dict[str, Any]) -> Probe:
    start = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT * 3):
            ok, message = await asyncio.to_thread(_connect, url, migrations)
    except TimeoutError:
        ok, message = False, f"the database did not answer within {TIMEOUT * 3} s"
    clean = Redactor(url_secrets(url)).text(message)[:1000]
    return Probe(ok, clean, int((time.perf_counter() - start) * 1000))


def _connect(url: str, migrations: dict[str, Any]) -> tuple[bool, str]:
    parsed = parse(url)
    backend = parsed.get_backend_name()
    arguments: dict[str, Any] = {"connect_timeout": TIMEOUT}
    if backend == "sqlite":
        if not Path(str(parsed.database)).is_file():
            return False, "there is no such SQLite file"
        arguments = {"timeout": TIMEOUT}
    engine = create_engine(parsed, connect_args=arguments)
    try:
        with engine.connect() as connection:
            version = connection.execute(text(VERSION.get(backend, "SELECT version()"))).scalar()
    except SQLAlchemyError as error:
        return False, str(getattr(error, "orig", None) or error).strip()
    except (OSError, RuntimeError, ValueError) as error:
        return False, str(error)
    finally:
        engine.dispose()
    path = migrations.get("path")
    if path is not None and not Path(path).exists():
        return False, f"the database answers, but there is no migrations folder {path}"
    return True, f"{backend} {str(version).split(',')[0][:100]} answers"
