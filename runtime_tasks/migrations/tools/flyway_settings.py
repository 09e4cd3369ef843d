"""What ``flyway.conf`` or ``flyway.toml`` asks for: locations, names of files, placeholders.

The nearest file of each kind counts, in the folder or up to four levels above
it. What Flyway itself would refuse (an unknown placeholder) we refuse, too.
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
    files_in,
    project_places,
    project_root,
    read_text,
    refuse_leading_out,
)


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

    def scripts(self) -> Iterator[tuple[Path, str]]:
        """Each SQL file with its path relative to its location, which is the book's ``script``."""
        suffixes = self.text("sqlMigrationSuffixes", ".sql").lower().split(",")
        for folder in self.folders:
            for path in files_in(folder, "**/*"):
                if path.name.lower().endswith(tuple(suffix.strip() for suffix in suffixes)):
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
        encoding = self.text("encoding", "UTF-8")
        if encoding.upper().replace("-", "") == "UTF8":
            return read_text(path)
        return path.read_bytes().decode(encoding)


def flyway_settings(folder: Path) -> Settings:
    values: dict[str, Any] = {}
    placeholders: dict[str, str] = {}
    home = folder
    for place in islice(project_places(folder), 5):
        for name, read in (("flyway.toml", _toml), ("flyway.conf", _conf)):
            file = place / name
            if file.is_file():
                refuse_leading_out(file, project_root(folder))
                said = read(file)
                home = place if "locations" in said and "locations" not in values else home
                more = {str(k).lower(): str(v) for k, v in said.pop("placeholders", {}).items()}
                placeholders = more | placeholders
                values = said | values
    return Settings(
        folders=_folders(folder, home, values.get("locations")),
        placeholders=placeholders,
        replaced=str(values.get("placeholderReplacement", True)).lower() != "false",
        values=values,
    )


def _folders(folder: Path, home: Path, locations: Any) -> tuple[Path, ...]:
    """The locations that lie in the folder, where the settings name some; else the folder."""
    names = locations.split(",") if isinstance(locations, str) else locations or []
    found = []
    for name in names:
        kind, _, path = str(name).strip().rpartition(":")
        place = (home / path).resolve()
        inside = place.is_relative_to(folder.resolve())
        if kind in ("", "filesystem") and inside and place.is_dir():
            found.append(place)
    return tuple(found) or (folder,)


def _conf(file: Path) -> dict[str, Any]:
    said: dict[str, Any] = {"placeholders": {}}
    for line in file.read_text().splitlines():
        key, equals, value = line.partition("=")
        key = key.strip().removeprefix("flyway.")
        if not equals or key.startswith(("#", "!")):
            continue
        if key.startswith("placeholders."):
            said["placeholders"][key.removeprefix("placeholders.")] = value.strip()
        else:
            said[key] = value.strip()
    return said


def _toml(file: Path) -> dict[str, Any]:
    try:
        return dict(tomllib.loads(file.read_text()).get("flyway", {}))
    except tomllib.TOMLDecodeError as error:
        raise StepConfigError(f"{file.name}: {error}") from None
