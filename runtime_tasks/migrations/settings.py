"""``dataroll.toml`` beside the migrations: what a project's tool needs and cannot be guessed.

::

    [environment]
    MY_APP_DATABASE = "{url}"          # or {async_url}, {host}, {port}, {user}, {database}

The placeholders are filled in when the tool runs; the file holds no secret.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import DatabaseUrl
from runtime_tasks.migrations.files import project_places

ASYNC = {"sqlite": "aiosqlite", "postgresql": "asyncpg", "mysql": "aiomysql"}


def project_settings(folder: Path) -> dict[str, Any]:
    """The nearest dataroll.toml, in the folder or above it within the project."""
    for place in project_places(folder):
        file = place / "dataroll.toml"
        if file.is_file():
            try:
                return tomllib.loads(file.read_text())
            except tomllib.TOMLDecodeError as error:
                raise StepConfigError(f"{file.name}: {error}") from None
    return {}


def project_environment(folder: Path, url: DatabaseUrl) -> dict[str, str]:
    """The variables that dataroll.toml asks for, filled in."""
    filled: dict[str, str] = {}
    values = {
        "url": url.text(),
        "async_url": url.text(driver=ASYNC[url.dialect]),
        "host": url.host or "localhost",
        "port": str(url.port or url.default_port),
        "user": url.user or "",
        "password": url.password or "",
        "database": url.database,
        "dialect": url.dialect,
    }
    for name, template in project_settings(folder).get("environment", {}).items():
        text = str(template)
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        filled[name] = text
    return filled
