"""What is said, before anybody decides how it looks in Slack or in an e-mail.

::

    compose("migration_success", "Done in production", details=execute_1.output, link=link)

A template is a small YAML document (:class:`Template`); five come along, in ``templates/``, and
``DATAROLL_MESSAGE_TEMPLATES`` names a folder for a team's own. A hole holds a path and nothing
else (``{{ details.applied.length }}``): what a path finds is text, never a template again, and a
fact that finds nothing is left out. So one template serves with and without details.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime_tasks.errors import StepConfigError
from runtime_tasks.output import Output

Severity = Literal["success", "failure", "attention", "info"]

BUILT_IN = Path(__file__).parent / "templates"
FOLDER = "DATAROLL_MESSAGE_TEMPLATES"
LISTED = 20
"""Items of a list that are shown; the rest is counted."""

HOLE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")


class Template(BaseModel):
    """The form of a message; every text may have holes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(max_length=200)
    severity: Severity = "info"
    text: str = "{{ message }}"
    facts: dict[str, str] = Field(default_factory=dict)
    list: str = ""
    """Path of a list; its items are shown by their name."""
    document: str = ""
    """Path of a longer text: shown in full by e-mail, from its beginning elsewhere."""
    html: str = ""
    """Path of the same as HTML, for e-mail."""


@dataclass(frozen=True)
class Message:
    title: str
    text: str
    severity: Severity = "info"
    facts: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()
    document: str = ""
    html: str = ""
    link: str | None = None
    """Where the run can be seen."""

    def mapped(self, change: Callable[[str], str]) -> Message:
        """The same with every plain text changed; link and HTML stay."""
        return replace(
            self,
            title=change(self.title),
            text=change(self.text),
            facts=tuple((label, change(value)) for label, value in self.facts),
            items=tuple(change(item) for item in self.items),
            document=change(self.document),
        )

    @property
    def summary(self) -> str:
        """One line, for subjects, push notifications and incidents."""
        return " ".join(": ".join(filter(None, (self.title, self.text))).split())


def compose(
    template: str | Template,
    message: Any,
    *,
    details: Any = None,
    link: str | None = None,
    **more: Any,
) -> Message:
    """The message a template makes of the author's words and of ``details`` (any JSON, or a
    step's output). Without a template the words stand alone. Raises StepConfigError."""
    words = _shown(plain(message))  # a single hole keeps its type, so this may be no text
    values = {"message": words, "details": plain(details), "link": link or "", **more}
    if isinstance(template, str):
        template = load_template(template) if template else Template(title="")
    items = _found(values, template.list) if template.list else None
    return Message(
        title=_filled(template.title, values),
        text=_filled(template.text, values),
        severity=template.severity,
        facts=tuple(
            (label, text)
            for label, hole in template.facts.items()
            if (text := _filled(hole, values).strip())
        ),
        items=_items(items) if isinstance(items, list) else (),
        document=_shown(_found(values, template.document)) if template.document else "",
        html=_shown(_found(values, template.html)) if template.html else "",
        link=link,
    )


def template_names() -> list[str]:
    """The templates that can be named here: the built-in ones, and the folder's."""
    folders = [BUILT_IN, *([Path(own)] if (own := os.environ.get(FOLDER)) else [])]
    return sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})


def load_template(name: str) -> Template:
    """The template called ``name``; a team's own goes before a built-in one."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        folders = [BUILT_IN]
        if own := os.environ.get(FOLDER):
            folders.insert(0, Path(own))
        for folder in folders:
            file = folder / f"{name}.yaml"
            if file.is_file():
                return _read(file, file.stat().st_mtime_ns)
    raise StepConfigError(
        f"there is no message template '{name[:64]}'; there are: {', '.join(template_names())}"
    )


def parse_template(text: str) -> Template:
    """A template from its YAML. Raises StepConfigError that says what is wrong with it."""
    try:
        return Template.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise StepConfigError(f"the template is no YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StepConfigError(f"the template's {place or 'text'}: {first['msg']}") from None
    except ValueError as error:  # a date or a number that PyYAML cannot make
        raise StepConfigError(f"the template is no YAML: {error}") from None


def plain(value: Any) -> Any:
    """``value`` as JSON has it: outputs of steps become dicts with camelCase keys."""
    if isinstance(value, Output):
        return value.as_json()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


@cache
def _read(file: Path, changed: int) -> Template:
    return parse_template(file.read_text(encoding="utf-8"))


def _filled(text: str, values: dict[str, Any]) -> str:
    return HOLE.sub(lambda hole: _shown(_found(values, hole[1])), text)


def _found(values: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, (list, str)) and part == "length":
            values = len(values)
        else:
            return None
    return values


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}" if abs(value) < 1 else f"{value:.0f}"
        case list():
            return ", ".join(_items(value))
        case dict():
            return ", ".join(f"{_shown(key)}: {_shown(item)}" for key, item in value.items())
        case _:
            # Half a surrogate pair can be in JSON from elsewhere, and in nothing that is sent.
            return str(value).encode("utf-8", "replace").decode()


def _items(values: list[Any]) -> tuple[str, ...]:
    names = [
        _shown(next((value[key] for key in ("name", "id") if value.get(key)), "")) or _shown(value)
        if isinstance(value, dict)
        else _shown(value)
        for value in values[:LISTED]
    ]
    rest = len(values) - LISTED
    return (*names, f"and {rest} more") if rest > 0 else tuple(names)
