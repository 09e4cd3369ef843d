"""What ``flyway.conf`` or ``flyway.toml`` asks for: locations, names of files, placeholders, schemas.

The nearest file of each kind counts, in the folder (or its ``conf``) or up to
four levels above it. A project that configures Flyway in code or in Spring's
settings says the same in a ``dataroll.toml``, which counts before the others::

    [flyway]
    schemas = ["shop"]
    baselineOnMigrate = true
    placeholders = { owner = "shop_owner" }

What Flyway itself would refuse (an unknown placeholder) we refuse, too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from runtime_tasks.errors import StepConfigError
from runtime_tasks.migrations.files import (
    files_below,
    project_places,
    project_root,
    read_text,
    refuse_leading_out,
)
from runtime_tasks.migrations.project import variables
from runtime_tasks.migrations.settings import project_settings


@dataclass(frozen=True)
class Settings:
    folders: tuple[Path, ...]
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case, as Flyway compares them."""
    replaced: bool = True
    values: Mapping[str, Any] = field(default_factory=dict)
    """Everything that the files say, by the key after ``flyway.``."""

    def text(self, key: str, default: str) -> str:
        return str(self.values.get(key, default))

    def switched_on(self, key: str) -> bool:
        return str(self.values.get(key, "")).lower() == "true"

    def texts(self, key: str) -> tuple[str, ...]:
        """A list, which a ``.conf`` file writes with commas."""
        value = self.values.get(key) or ()
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(str(part).strip() for part in parts if str(part).strip())

    def scripts(self) -> Iterator[tuple[Path, str]]:
        """Each SQL file with its path relative to its location, which is the book's ``script``."""
        suffixes = [text.lower() for text in self.texts("sqlMigrationSuffixes")] or [".sql"]
        for folder in self.folders:
            for path in files_below(folder, tuple(suffixes)):
                yield path, path.relative_to(folder).as_posix()

    def fill(self, text: str, file: str, more: Mapping[str, str]) -> str:
        """The text with its placeholders filled in. ``more``: those that the database gives."""
        if not self.replaced:
            return text
        begin, end = self.text("placeholderPrefix", "${"), self.text("placeholderSuffix", "}")
        known = {**self.placeholders, **more, "flyway:filename": file}

        def value(match: re.Match[str]) -> str:
            name = match[1].lower()
            if name not in known:
                raise StepConfigError(
                    f"{file} has the placeholder {match[0]}, and neither flyway.conf nor "
                    "flyway.toml says what it stands for"
                )
            return known[name]

        return re.sub(f"{re.escape(begin)}(.*?){re.escape(end)}", value, text)

    def read(self, path: Path) -> str:
        """A script's text. Raises StepConfigError for a link that leads out of the project."""
        location = next(
            (place for place in self.folders if path.is_relative_to(place)), path.parent
        )
        refuse_leading_out(path, project_root(location))
        encoding = self.text("encoding", "UTF-8")
        if encoding.upper().replace("-", "") == "UTF8":
            return read_text(path)
        return path.read_bytes().decode(encoding)


def flyway_settings(folder: Path) -> Settings:
    values: dict[str, Any] = {}
    placeholders: dict[str, str] = {}
    home = folder

    def take(said: dict[str, Any], place: Path) -> None:
        nonlocal values, placeholders, home
        home = place if "locations" in said and "locations" not in values else home
        more = {str(k).lower(): str(v) for k, v in (said.pop("placeholders", None) or {}).items()}
        placeholders = more | placeholders
        values = said | values

    take(dict(project_settings(folder).get("flyway", {})), folder)
    for place in islice(project_places(folder), 5):
        for name, read in (("flyway.toml", _toml), ("flyway.conf", _conf)):
            for file in (place / name, place / "conf" / name):
                if file.is_file():
                    refuse_leading_out(file, project_root(folder))
                    take(read(file, variables(folder)), place)
    for key in _REFUSED:
        if str(values.get(key) or "false").lower() != "false":
            raise StepConfigError(f"Flyway's setting {key} is not supported here: {_REFUSED[key]}")
    return Settings(
        folders=_folders(folder, home, values.get("locations")),
        placeholders=placeholders,
        replaced=str(values.get("placeholderReplacement", True)).lower() != "false",
        values=values,
    )


_REFUSED = {
    "cherryPick": "choose the migrations in the step or the workflow",
    "skipExecutingMigrations": "mark them as applied with Flyway itself",
    "skipDefaultResolvers": "migrations that code finds are run by Flyway itself",
}


def _folders(folder: Path, home: Path, locations: Any) -> tuple[Path, ...]:
    """The locations that lie in the folder, where the settings name some; else the folder."""
    names = locations.split(",") if isinstance(locations, str) else locations or []
    found: list[Path] = []
    elsewhere: list[Path] = []
    for name in names:
        kind, _, path = str(name).strip().rpartition(":")
        place = (home / path).resolve()
        if kind in ("", "filesystem") and place.is_dir():
            inside = place.is_relative_to(folder.resolve())
            (found if inside else elsewhere).append(place)
    if found and elsewhere:
        raise StepConfigError(
            f"Flyway's locations lie in {folder.name} and beside it ({elsewhere[0].name}): "
            "name the folder that holds them all"
        )
    return tuple(found) or (folder,)


def _conf(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """Properties: ``flyway.url=…``, with ``${NAME}`` from the environment and ``\\`` at a line's end."""
    said: dict[str, Any] = {"placeholders": {}}
    text = re.sub(r"\\\r?\n[ \t]*", "", read_text(file))
    # A variable that is not set is empty, says Flyway's own reader.
    text = re.sub(r"\$\{(\w+)\}", lambda hole: variables.get(hole[1], ""), text)
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        key = key.strip().removeprefix("flyway.")
        if not equals or key.startswith(("#", "!")):
            continue
        if key.startswith("placeholders."):
            said["placeholders"][key.removeprefix("placeholders.")] = value.strip()
        else:
            said[key] = value.strip()
    return said


def _toml(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The table ``flyway``, and what its environment says of the database."""

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\$\{env\.(\w+)\}", lambda hole: variables.get(hole[1], ""), value)
        if isinstance(value, list):
            return [filled(item) for item in value]
        return {k: filled(v) for k, v in value.items()} if isinstance(value, dict) else value

    try:
        read = filled(tomllib.loads(read_text(file)))
    except tomllib.TOMLDecodeError as error:
        raise StepConfigError(f"{file.name}: {error}") from None
    said = dict(read.get("flyway", {}))
    named = read.get("environments", {}).get(said.get("environment", "default"), {})
    said |= {key: named[key] for key in ("schemas", "initSql") if key in named}
    return said | dict(named.get("flyway", {}))
