"""From the Tree of either shape to one Definition, collecting every problem on the way.

The list shape keeps a node's configuration under ``data``, the map shape beside
``type`` and ``label``; both may be mixed, and both come in YAML and in JSON.
"""

from __future__ import annotations

from typing import cast

from compiler.definition import TRIGGERS, Definition, TriggerKind
from compiler.errors import Problem
from compiler.reader import Reader, place_of
from compiler.shape_nodes import read_nodes
from compiler.shape_parts import read_edges, read_settings, read_variables
from compiler.tree import Tree

MAX_NAME = 200
TOP_KEYS = (
    *("version", "name", "description", "trigger", "tags", "variables"),
    *("nodes", "edges", "settings", "layout"),
)


def shape(root: Tree | None, problems: list[Problem]) -> Definition | None:
    """The definition in the tree; what cannot be used is left out and said."""
    reader = Reader(problems)
    if root is None or (root.kind == "scalar" and root.value is None):
        if not reader.problems:
            reader.problem("empty", "there is no definition in this text", (1, 1))
        return None
    if root.kind != "mapping":
        reader.problem(
            "wrong-type", "a definition is a mapping with name, nodes and edges", place_of(root)
        )
        return None
    reader.known_keys(root, TOP_KEYS)
    entries = root.entries
    for key in ("version", "name", "nodes"):
        if key not in entries:
            hint = 'add version: "1.0"' if key == "version" else None
            reader.problem("missing", f"'{key}' is missing", place_of(root), field=key, hint=hint)
    version = entries.get("version")
    # An unquoted 1.0 is a number in YAML and JSON alike, and means the same here.
    if version is not None and version.value not in ("1.0", 1.0, "1", 1):
        reader.problem(
            "version",
            "only version 1.0 of the format is known",
            place_of(version),
            field="version",
            hint='write version: "1.0"',
        )
    name = _name(reader, entries.get("name"))
    trigger = reader.one_of(entries.get("trigger"), TRIGGERS, "trigger") or "manual"
    nodes = tuple(read_nodes(reader, entries.get("nodes"), cast(TriggerKind, trigger)))
    return Definition(
        name=name,
        description=reader.text(entries.get("description"), "description"),
        trigger=cast(TriggerKind, trigger),
        tags=tuple(reader.texts(entries.get("tags"), "tags")),
        variables=tuple(read_variables(reader, entries.get("variables"))),
        nodes=nodes,
        edges=tuple(read_edges(reader, entries.get("edges"))),
        settings=read_settings(reader, entries.get("settings")),
        layout=_layout(reader, entries.get("layout")),
        place=place_of(root),
    )


def _name(reader: Reader, tree: Tree | None) -> str:
    if tree is None:
        return ""
    name = reader.text(tree, "name")
    if tree.kind == "scalar" and isinstance(tree.value, str | None) and not name.strip():
        reader.problem("missing", "a workflow needs a name", place_of(tree), field="name")
    if len(name) > MAX_NAME:
        reader.problem(
            "too-long", f"a name has at most {MAX_NAME} characters", place_of(tree), field="name"
        )
    return name


def _layout(reader: Reader, tree: Tree | None) -> Tree | None:
    if tree is not None and tree.kind != "mapping":
        reader.problem(
            "wrong-type", "'layout' maps node ids to positions", place_of(tree), field="layout"
        )
        return None
    return tree
