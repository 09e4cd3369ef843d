"""Django: the project's own interpreter, settings and migration executor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database, DatabaseUrl
from runtime_tasks.migrations.model import History, Migration, Problem, Status
from runtime_tasks.migrations.project import Event, Heard, converse
from runtime_tasks.migrations.settings import project_environment
from runtime_tasks.migrations.tools.project_tool import ProjectTool, relative

_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)['\"]")

_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
}


class Django(ProjectTool):
    name = "django"

    def __init__(self) -> None:
        super().__init__()
        self._books = ("django_migrations",)

    def detect(self, folder: Path) -> str | None:
        manage = folder / "manage.py"
        if not manage.is_file() or "django" not in manage.read_text(errors="replace"):
            return None
        settings = _settings(folder)
        return f"manage.py with {settings}" if settings else "manage.py"

    def discover(self, database: Database, folder: Path) -> History:
        found = self.listen(database, folder)
        problems = [
            Problem(f"{app} has more than one last migration: {', '.join(names)}; merge them")
            for app, names in found["conflicts"].items()
        ]
        missing = {f"{app}.{name}" for app, name in found["missing"]}
        problems += [
            Problem(f"{name} is applied, but its file is gone", False) for name in sorted(missing)
        ]
        applied = [
            _migration(item, folder, "missing" if _id(item) in missing else "applied")
            for item in found["applied"]
        ]
        pending = [_migration(item, folder, "pending") for item in found["pending"]]
        current = applied[-1].id if applied else None
        return History(self.name, "", tuple(pending), tuple(applied), tuple(problems), current)

    def speak(
        self,
        database: Database,
        folder: Path,
        action: str,
        migrations: Sequence[Migration],
        heard: Heard,
        on_connect: Sequence[str] = (),
        skip: Mapping[str, Sequence[str]] | None = None,
    ) -> Event:
        task = {
            "action": action,
            "on_connect": list(on_connect),
            "ask": not database.transactional_ddl and action != "discover",
            "skip": {name: list(statements) for name, statements in (skip or {}).items()},
            "cwd": str(folder.absolute()),
            "settings": _settings(folder),
            "database": _database(database.url),
            "migrations": [m.id.split(".", 1) for m in migrations],
            "environment": project_environment(folder, database.url),
        }
        return converse("django_driver.py", task, folder=folder, url=database.url, heard=heard)

    def explain(self, last: Event, database: Database) -> str:
        if last["event"] != "error":
            return "Django stopped without saying why"
        message = database.url.scrub(str(last["message"])).strip()
        if last.get("import_error"):
            raise StepConfigError(
                "Django or something that the project imports is missing in its environment: "
                f"{message}. Give the project a .venv with its requirements installed"
            )
        return message


def _settings(folder: Path) -> str | None:
    match = _SETTINGS.search((folder / "manage.py").read_text(errors="replace"))
    return match[1] if match else None


def _database(url: DatabaseUrl) -> dict[str, Any]:
    """An entry of Django's DATABASES."""
    name = str(Path(url.database).absolute()) if url.dialect == "sqlite" else url.database
    options = {k: v for k, v in url.query if k.startswith("ssl")}
    return {
        "ENGINE": _ENGINES[url.dialect],
        "NAME": name,
        "USER": url.user or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": str(url.port or ""),
        "OPTIONS": options,
    }


def _id(item: dict[str, Any]) -> str:
    return f"{item['app']}.{item['name']}"


def _migration(item: dict[str, Any], folder: Path, status: Status) -> Migration:
    return Migration(
        id=_id(item),
        name=item["name"],
        file=relative(item["file"], folder),
        checksum=item["checksum"],
        status=status,
    )
