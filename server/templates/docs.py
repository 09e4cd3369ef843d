"""docs/templates.md, written from the templates themselves.

::

    python -m server.templates.docs docs/templates.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from server.templates.catalogue import Template, templates

HEAD = """\
# Workflows to start from

<!-- Written by `make api-docs` from templates/workflows and templates/questions. -->

Six templates and five examples. `GET /api/workflow-templates` lists them with their questions;
`POST /api/workflows/from-template/{id} {name, answers}` makes a draft, where each answer has gone
to its place and the file's comments have stayed. A question that is not answered leaves what the
template says; secrets are stored encrypted and are no part of the definition. They are plain
definitions: change whatever does not fit.

Each of them is run by a test (`make test-long`) on real Prefect with SQLite, PostgreSQL and
MariaDB, until every one of its edges has been taken.
"""


def markdown() -> str:
    return "\n".join((HEAD, *(part for one in templates() for part in _template(one)))) + "\n"


def _template(one: Template) -> Iterator[str]:
    definition = yaml.safe_load(one.text)
    yield f"## {one.name}\n"
    yield f"`{one.id}` · {one.kind} · {_starts(definition)}\n"
    yield f"{one.description}\n"
    yield f"```\n{drawing(one.text)}\n```\n"
    yield "Where it goes one way or another:\n"
    yield "\n".join(_branches(definition)) + "\n"
    yield "| asked | kind | without an answer |"
    yield "|---|---|---|"
    for question in one.questions:
        default = one.default(question)
        help_ = f" ({question.help})" if question.help else ""
        yield f"| {_cell(question.ask + help_)} | {question.type} | {_default(question, default)} |"
    yield ""


def _starts(definition: dict[str, Any]) -> str:
    [node] = [node for node in definition["nodes"].values() if node["type"] == "trigger"]
    match node.get("trigger", "manual"):
        case "scheduled":
            return f"by the clock, `{node['cron']}` in {node['timezone']}"
        case "webhook":
            return f"by a webhook ({node['scheme']}) that passes `{node['filter']}`"
        case _:
            return "by hand"


def drawing(text: str) -> str:
    """The drawing in the comment at the head of the file."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix("   ").rstrip())
    return "\n".join(lines[1:]).strip("\n")


def _branches(definition: dict[str, Any]) -> Iterator[str]:
    """One line for each way out of a node that has several."""
    nodes = definition["nodes"]
    forks = {edge["source"] for edge in definition["edges"] if edge.get("label")}
    for name, node in nodes.items():
        if node["type"] == "error_handler":
            targets = [e["target"] for e in definition["edges"] if e["source"] == name]
            yield f"* anything else fails → {_names(nodes, targets)}"
        if name not in forks:
            continue
        ways: dict[str, list[str]] = {}
        for edge in definition["edges"]:
            if edge["source"] == name:
                ways.setdefault(edge["target"], []).append(edge.get("label", "done"))
        said = "; ".join(
            f"{' or '.join(labels)} → {nodes[target]['label']}" for target, labels in ways.items()
        )
        yield f"* **{node['label']}**: {said}"


def _names(nodes: dict[str, Any], targets: list[str]) -> str:
    return " and ".join(nodes[target]["label"] for target in targets)


def _default(question: Any, value: Any) -> str:
    if question.type == "secret":
        return "set later"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"`{shown}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
