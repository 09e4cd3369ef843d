"""Alembic, run by the project's own interpreter with the project's own env.py.

On PostgreSQL Alembic's own transaction takes back what fails, unless env.py
or a revision asks otherwise; how much stays is then asked from Alembic.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.database import Database
from runtime_tasks.migrations.files import project_places
from runtime_tasks.migrations.model import History, Migration, Problem, Status
from runtime_tasks.migrations.project import Event, Heard, converse
from runtime_tasks.migrations.settings import project_environment
from runtime_tasks.migrations.tools.project_tool import ProjectTool, relative


class Alembic(ProjectTool):
    name = "alembic"

    def __init__(self) -> None:
        super().__init__()
        self._books = ("alembic_version",)

    def detect(self, folder: Path) -> str | None:
        found = _configuration(folder)
        if found is None:
            return None
        ini, scripts = found
        return " and ".join(p.name for p in (ini, scripts and scripts / "env.py") if p)

    def discover(self, database: Database, folder: Path) -> History:
        found = self.listen(database, folder)
        schema, table = found["version_table_schema"], found["version_table"]
        self._books = (f"{schema}.{table}" if schema else table,)
        problems = [
            Problem(f"the database stands at revision {identifier}, which no file here has")
            for identifier in found["missing"]
        ]
        heads = found["heads"]
        if len(heads) > 1:
            problems.append(Problem(f"there are {len(heads)} heads: {', '.join(heads)}", False))
        applied = [_migration(item, folder, "applied") for item in found["applied"]]
        applied += [Migration(m, m, status="missing") for m in found["missing"]]
        return History(
            tool=self.name,
            reason="",
            pending=tuple(_migration(item, folder, "pending") for item in found["pending"]),
            applied=tuple(applied),
            problems=tuple(problems),
            current=", ".join(found["current"]) or None,
        )

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
        ini, scripts = _configuration(folder) or (None, None)
        cwd = (ini.parent if ini else folder).absolute()
        url = database.url
        if url.dialect == "sqlite":
            url = url.with_database(str(Path(url.database).absolute()))
        task = {
            "action": action,
            "on_connect": list(on_connect),
            "ask": not database.transactional_ddl and action != "discover",
            "skip": {name: list(statements) for name, statements in (skip or {}).items()},
            "revisions": [m.id for m in migrations],
            "url": url.text(),
            "cwd": str(cwd),
            "places": [str(place) for place in project_places(cwd)],
            "ini": str(ini.absolute()) if ini and ini.suffix == ".ini" else None,
            "toml": str(ini.absolute()) if ini and ini.suffix == ".toml" else None,
            "script_location": str(scripts.absolute()) if scripts else None,
            "environment": project_environment(folder, url),
        }
        return converse("alembic_driver.py", task, folder=cwd, url=url, heard=heard)

    def explain(self, last: Event, database: Database) -> str:
        if last["event"] != "error":
            return "Alembic stopped without saying why"
        message = database.url.scrub(str(last["message"]))
        # SQLAlchemy appends the statement, its parameters and a link; the first line says what is wrong.
        message = re.split(r"\n\[SQL:|\n\(Background", message)[0].strip()
        if last.get("import_error"):
            raise StepConfigError(
                "Alembic or something that env.py imports is missing in the project's environment: "
                f"{message}. Give the project a .venv with its requirements installed"
            )
        return message


def _configuration(folder: Path) -> tuple[Path | None, Path | None] | None:
    """The configuration file, and the scripts' folder where no configuration names it."""
    if (folder / "alembic.ini").is_file():
        return folder / "alembic.ini", None
    pyproject = folder / "pyproject.toml"
    if pyproject.is_file() and "alembic" in tomllib.loads(pyproject.read_text()).get("tool", {}):
        return pyproject, None
    if (folder / "env.py").is_file() and (folder / "versions").is_dir():
        for place in (folder.parent, folder.parent.parent):
            if (place / "alembic.ini").is_file():
                return place / "alembic.ini", folder
        return None, folder
    return None


def _migration(item: dict[str, str], folder: Path, status: Status) -> Migration:
    file = relative(item["file"], folder)
    return Migration(item["id"], item["name"], file=file, checksum=item["checksum"], status=status)
