"""Variables, edges and settings from the Tree."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.definition import COLLISIONS, VARIABLE_TYPES, Edge, Settings, Variable, Waiver
from compiler.names import VARIABLE
from compiler.reader import Reader, place_of, quote, suggestion, texts_in
from compiler.tree import Tree, shown
from compiler.variables import limited

MAX_EDGES = 50_000
MAX_TIMEOUT = 366 * 24 * 3600
"""Seconds."""

VARIABLE_KEYS = ("name", "type", "default", "description", "required", "pattern", "enum")
EDGE_KEYS = ("source", "target", "label", "id")
SETTINGS_KEYS = ("timeout", "concurrencyKey", "onCollision", "checks")


def read_variables(reader: Reader, tree: Tree | None) -> Iterator[Variable]:
    for name, entry, at in reader.named(tree, "variables", "name"):
        if not reader.new_name(name, at, VARIABLE, "a variable", None):
            continue
        if entry.kind != "mapping":
            reader.problem(
                "wrong-type",
                f"variable '{name}' takes a mapping",
                place_of(entry),
                field=name,
                hint="such as {type: string, default: staging}",
            )
            continue
        reader.known_keys(entry, VARIABLE_KEYS)
        kind = entry.entries.get("type")
        if kind is None:
            reader.problem(
                "missing",
                f"variable '{name}' needs a type",
                at,
                field=name,
                hint=f"one of: {', '.join(VARIABLE_TYPES)}",
            )
        type_ = reader.one_of(kind, VARIABLE_TYPES, "type")
        if type_ is None:
            continue
        default = entry.entries.get("default")
        if default is not None and not _fitting_default(reader, default, type_, name):
            default = None
        variable = Variable(
            name=name,
            type=type_,
            default=default,
            description=reader.text(entry.entries.get("description"), "description"),
            place=at,
        )
        yield limited(reader, entry, variable)


def _fitting_default(reader: Reader, tree: Tree, type_: str, name: str) -> bool:
    if type_ == "secret":
        reader.problem(
            "secret-default",
            f"the value of secret '{name}' does not belong into the definition",
            place_of(tree),
            field=name,
            hint="remove it here, change it where it came from, and store it as a secret",
        )
        return False
    value = tree.plain()
    fits = {
        "string": isinstance(value, str),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "object": isinstance(value, dict | list) or value is None,
        "list": isinstance(value, list),
        "connection": isinstance(value, str),
    }[type_]
    if not fits:
        reader.problem(
            "wrong-type",
            f"the default of '{name}' is no {type_}",
            place_of(tree),
            field=name,
            hint=quote(tree) if type_ == "string" else None,
        )
    elif "{{" in str(value) and any("{{" in text for text in texts_in(tree)):
        reader.problem(
            "hole-in-default",
            f"the default of '{name}' is taken as it stands: holes are not filled in",
            place_of(tree),
            field=name,
        )
        return False
    return fits


def read_edges(reader: Reader, tree: Tree | None) -> Iterator[Edge]:
    if tree is None or (tree.kind == "scalar" and tree.value is None):
        return
    if tree.kind != "list":
        reader.problem("wrong-type", "'edges' takes a list", place_of(tree), field="edges")
        return
    if len(tree.items) > MAX_EDGES:
        reader.problem(
            "too-large",
            f"a workflow has at most {MAX_EDGES:,} edges",
            place_of(tree),
            field="edges",
        )
        return
    for item in tree.items:
        if item.kind != "mapping":
            reader.problem(
                "wrong-type",
                "an edge is a mapping",
                place_of(item),
                field="edges",
                hint="such as {source: a, target: b}",
            )
            continue
        reader.known_keys(item, EDGE_KEYS)
        ends: list[str] = []
        for key in ("source", "target"):
            end = item.entries.get(key)
            if end is None or not isinstance(end.value, str):
                reader.problem(
                    "missing" if end is None else "wrong-type",
                    f"an edge needs '{key}': the id of a node",
                    place_of(end or item),
                    field=key,
                )
            else:
                ends.append(end.value)
        label = reader.text(item.entries.get("label"), "label")
        if len(ends) == 2:
            yield Edge(ends[0], ends[1], label, place=place_of(item))


def read_settings(reader: Reader, tree: Tree | None) -> Settings:
    if tree is None or (tree.kind == "scalar" and tree.value is None):
        return Settings()
    if tree.kind != "mapping":
        reader.problem("wrong-type", "'settings' takes a mapping", place_of(tree), field="settings")
        return Settings()
    reader.known_keys(tree, SETTINGS_KEYS)
    entries = tree.entries
    return Settings(
        timeout=reader.number(entries.get("timeout"), "timeout", None, least=1, most=MAX_TIMEOUT),
        concurrency_key=reader.text(entries.get("concurrencyKey"), "concurrencyKey"),
        on_collision=reader.one_of(entries.get("onCollision"), COLLISIONS, "onCollision")
        or "queue",
        checks=tuple(_waivers(reader, entries.get("checks"))),
    )


def _waivers(reader: Reader, tree: Tree | None) -> Iterator[Waiver]:
    from compiler.checks import CHECKS

    for check, entry, at in reader.named(tree, "checks", "check"):
        if check not in CHECKS:
            known = tuple(CHECKS)
            reader.problem(
                "unknown-value",
                f"no check is called '{shown(check)}'",
                at,
                field="checks",
                hint=suggestion(check, known) or f"one of: {', '.join(known)}",
            )
            continue
        if entry.kind == "mapping":
            reader.known_keys(entry, ("check", "reason", "node"))
        reason = reader.text(entry.entries.get("reason"), "reason")
        if isinstance(entry.value, str):
            reason = entry.value
        if not reason.strip():
            reader.problem(
                "missing",
                f"a waiver of '{check}' needs a reason",
                place_of(entry),
                field="checks",
                hint=f'{check}: {{reason: "…"}}',
            )
            continue
        node = reader.text(entry.entries.get("node"), "node") or None
        yield Waiver(check, reason, node, place=at)
