"""From the Tree of either shape to one Definition, collecting every problem on the way.

The list shape keeps a node's configuration under ``data``, the map shape beside
``type`` and ``label``; both may be mixed, and both come in YAML and in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, cast

from compiler.definition import (
    COLLISIONS,
    TRIGGERS,
    VARIABLE_TYPES,
    Definition,
    Edge,
    Node,
    NoRollback,
    Place,
    Settings,
    TriggerKind,
    Variable,
    Waiver,
)
from compiler.errors import Problem
from compiler.names import ID, IMPLICIT, VARIABLE, WORDS_OF_EXPRESSIONS, python_name
from compiler.retries import retry_of
from compiler.tree import Tree, shown
from compiler.variables import limited
from runtime_tasks.steps.catalogue import CATALOGUE, DISCRIMINATORS

MAX_NODES = 10_000
MAX_EDGES = 50_000
MAX_NAME = 200
MAX_TIMEOUT = 366 * 24 * 3600

TOP_KEYS = (
    *("version", "name", "description", "trigger", "tags", "variables"),
    *("nodes", "edges", "settings", "layout"),
)
VARIABLE_KEYS = ("name", "type", "default", "description", "required", "pattern", "enum")
EDGE_KEYS = ("source", "target", "label", "id")
SETTINGS_KEYS = ("timeout", "concurrencyKey", "onCollision", "checks")
NODE_KEYS = (
    *("id", "type", "label", "data", "description", "notes"),
    *("retryable", "maxRetries", "retryDelay", "retryBackoff"),
    *("timeout", "continueOnError", "disabled", "noRollback"),
)

TYPES = tuple(dict.fromkeys(kind for kind, _ in CATALOGUE))


class Shaper:
    """Reads one tree; ``problems`` fills up, and what cannot be used is left out."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def definition(self, root: Tree | None) -> Definition | None:
        if root is None or (root.kind == "scalar" and root.value is None):
            if not self.problems:
                self.problem("empty", "there is no definition in this text", (1, 1))
            return None
        if root.kind != "mapping":
            self.problem(
                "wrong-type", "a definition is a mapping with name, nodes and edges", _at(root)
            )
            return None
        self.known_keys(root, TOP_KEYS)
        entries = root.entries
        for key in ("version", "name", "nodes"):
            if key not in entries:
                hint = 'add version: "1.0"' if key == "version" else None
                self.problem("missing", f"'{key}' is missing", _at(root), field=key, hint=hint)
        version = entries.get("version")
        # An unquoted 1.0 is a number in YAML and JSON alike, and means the same here.
        if version is not None and version.value not in ("1.0", 1.0, "1", 1):
            self.problem(
                "version",
                "only version 1.0 of the format is known",
                _at(version),
                field="version",
                hint='write version: "1.0"',
            )
        name = self.name(entries.get("name"))
        trigger = self.one_of(entries.get("trigger"), TRIGGERS, "trigger") or "manual"
        nodes = tuple(self.nodes(entries.get("nodes"), cast(TriggerKind, trigger)))
        return Definition(
            name=name,
            description=self.text(entries.get("description"), "description"),
            trigger=cast(TriggerKind, trigger),
            tags=tuple(self.texts(entries.get("tags"), "tags")),
            variables=tuple(self.variables(entries.get("variables"))),
            nodes=nodes,
            edges=tuple(self.edges(entries.get("edges"))),
            settings=self.settings(entries.get("settings")),
            layout=self.layout(entries.get("layout")),
            place=_at(root),
        )

    # The small readers: each says what is wrong and gives something usable.

    def problem(
        self,
        code: str,
        message: str,
        at: Place,
        *,
        node: str | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(
            Problem(code, message, at[0], at[1], node=node, field=field, hint=hint)
        )

    def known_keys(
        self, tree: Tree, known: tuple[str, ...], node: str | None = None, hint: str | None = None
    ) -> None:
        for key in tree.entries:
            if key not in known:
                self.unknown_key(key, tree.keys[key], known, node, hint)

    def unknown_key(
        self,
        key: str,
        at: Place,
        known: tuple[str, ...],
        node: str | None,
        hint: str | None = None,
    ) -> None:
        self.problem(
            "unknown-key",
            f"'{shown(key)}' is not known here",
            at,
            node=node,
            field=shown(key),
            hint=hint or _suggestion(key, known) or f"known: {', '.join(known)}",
        )

    def text(self, tree: Tree | None, field: str, node: str | None = None) -> str:
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return ""
        if isinstance(tree.value, str):
            return tree.value
        self.problem(
            "wrong-type",
            f"'{field}' takes text",
            _at(tree),
            node=node,
            field=field,
            hint=_quote(tree),
        )
        return ""

    def texts(self, tree: Tree | None, field: str) -> Iterator[str]:
        if tree is None:
            return
        if tree.kind != "list":
            self.problem("wrong-type", f"'{field}' takes a list of texts", _at(tree), field=field)
            return
        for item in tree.items:
            if isinstance(item.value, str):
                yield item.value
            else:
                self.problem(
                    "wrong-type",
                    f"'{field}' takes texts",
                    _at(item),
                    field=field,
                    hint=_quote(item),
                )

    def flag(self, tree: Tree | None, field: str, node: str) -> bool:
        if tree is None:
            return False
        if isinstance(tree.value, bool):
            return tree.value
        self.problem(
            "wrong-type", f"'{field}' takes true or false", _at(tree), node=node, field=field
        )
        return False

    def number(
        self,
        tree: Tree | None,
        field: str,
        node: str | None,
        *,
        least: float,
        most: float,
        whole: bool = False,
    ) -> int | float | None:
        if tree is None:
            return None
        value = tree.value
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not least <= cast(float, value) <= most:
            kind = "a whole number" if whole else "a number"
            self.problem(
                "wrong-type",
                f"'{field}' takes {kind} from {least:g} to {most:g}",
                _at(tree),
                node=node,
                field=field,
            )
            return None
        number = cast("int | float", value)
        return int(number) if number == int(number) else number

    def one_of(
        self, tree: Tree | None, known: tuple[str, ...], field: str, node: str | None = None
    ) -> str | None:
        if tree is None:
            return None
        if isinstance(tree.value, str) and tree.value in known:
            return tree.value
        value = tree.value if isinstance(tree.value, str) else ""
        self.problem(
            "unknown-value",
            f"'{shown(value)}' is no {field}" if value else f"'{field}' takes one word",
            _at(tree),
            node=node,
            field=field,
            hint=_suggestion(value, known) or f"one of: {', '.join(known)}",
        )
        return None

    # The parts of a definition.

    def name(self, tree: Tree | None) -> str:
        if tree is None:
            return ""
        name = self.text(tree, "name")
        if isinstance(tree.value, str) and not name.strip():
            self.problem("missing", "a workflow needs a name", _at(tree), field="name")
        if len(name) > MAX_NAME:
            self.problem(
                "too-long", f"a name has at most {MAX_NAME} characters", _at(tree), field="name"
            )
        return name

    def layout(self, tree: Tree | None) -> Tree | None:
        if tree is not None and tree.kind != "mapping":
            self.problem(
                "wrong-type", "'layout' maps node ids to positions", _at(tree), field="layout"
            )
            return None
        return tree

    def named(self, tree: Tree | None, field: str, key: str) -> Iterator[tuple[str, Tree, Place]]:
        """Entries of a map by name, or items of a list that carry their name under ``key``."""
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return
        if tree.kind == "mapping":
            for name, entry in tree.entries.items():
                if key in entry.entries and entry.entries[key].value != name:
                    self.problem(
                        "two-names",
                        f"'{shown(name)}' is called something else by its '{key}'",
                        _at(entry.entries[key]),
                        node=shown(name) if key == "id" else None,
                        field=key,
                        hint=f"leave '{key}' out: the name stands in front",
                    )
                yield name, entry, tree.keys[name]
        elif tree.kind == "list":
            for item in tree.items:
                named = item.entries.get(key)
                if named is None or not isinstance(named.value, str):
                    self.problem(
                        "missing" if named is None else "wrong-type",
                        f"each of '{field}' needs '{key}' as text",
                        _at(named or item),
                        field=key,
                        hint=_quote(named) if named is not None else None,
                    )
                else:
                    yield named.value, item, _at(named)
        else:
            self.problem(
                "wrong-type", f"'{field}' takes a list or a mapping", _at(tree), field=field
            )

    def variables(self, tree: Tree | None) -> Iterator[Variable]:
        seen: dict[str, str] = {}
        for name, entry, at in self.named(tree, "variables", "name"):
            if not self.new_name(name, at, seen, VARIABLE, "a variable", None):
                continue
            if entry.kind != "mapping":
                self.problem(
                    "wrong-type",
                    f"variable '{name}' takes a mapping",
                    _at(entry),
                    field=name,
                    hint="such as {type: string, default: staging}",
                )
                continue
            self.known_keys(entry, VARIABLE_KEYS)
            kind = entry.entries.get("type")
            if kind is None:
                self.problem(
                    "missing",
                    f"variable '{name}' needs a type",
                    at,
                    field=name,
                    hint=f"one of: {', '.join(VARIABLE_TYPES)}",
                )
            type_ = self.one_of(kind, VARIABLE_TYPES, "type")
            if type_ is None:
                continue
            default = entry.entries.get("default")
            if default is not None and not self.fitting_default(default, type_, name):
                default = None
            yield limited(
                self,
                entry,
                Variable(
                    name=name,
                    type=type_,
                    default=default,
                    description=self.text(entry.entries.get("description"), "description"),
                    place=at,
                ),
            )

    def fitting_default(self, tree: Tree, type_: str, name: str) -> bool:
        if type_ == "secret":
            self.problem(
                "secret-default",
                f"the value of secret '{name}' does not belong into the definition",
                _at(tree),
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
            self.problem(
                "wrong-type",
                f"the default of '{name}' is no {type_}",
                _at(tree),
                field=name,
                hint=_quote(tree) if type_ == "string" else None,
            )
        elif "{{" in str(value) and any("{{" in text for text in _texts(tree)):
            self.problem(
                "hole-in-default",
                f"the default of '{name}' is taken as it stands: holes are not filled in",
                _at(tree),
                field=name,
            )
            return False
        return fits

    def new_name(
        self,
        name: str,
        at: Place,
        seen: dict[str, str],
        pattern: Any,
        what: str,
        node: str | None,
    ) -> bool:
        """Whether ``name`` is well formed, free, and not the Python name of another."""
        field = "id" if node is not None else shown(name)
        if not pattern.match(name):
            dash = ", - " if pattern is ID else ""
            self.problem(
                "bad-name",
                f"'{shown(name)}' cannot be the name of {what}",
                at,
                node=node,
                field=field,
                hint=f"a letter, then letters, digits{dash} and _ (at most 100)",
            )
            return False
        if name in IMPLICIT or name in WORDS_OF_EXPRESSIONS:
            self.problem(
                "reserved-name",
                f"'{name}' already means something in expressions",
                at,
                node=node,
                field=field,
                hint="choose another name",
            )
            return False
        python = python_name(name)
        if python in seen:
            same = seen[python]
            self.problem(
                "duplicate-name",
                f"'{name}' stands here a second time"
                if same == name
                else f"'{name}' and '{same}' would have the same name in Python: {python}",
                at,
                node=node,
                field=field,
                hint="rename one of the two",
            )
            return False
        seen[python] = name
        return True

    def nodes(self, tree: Tree | None, trigger: TriggerKind) -> Iterator[Node]:
        seen: dict[str, str] = {}
        if tree is not None and len(tree.items or tree.entries) > MAX_NODES:
            self.problem(
                "too-large", f"a workflow has at most {MAX_NODES:,} nodes", _at(tree), field="nodes"
            )
            return
        empty = True
        for id_, entry, at in self.named(tree, "nodes", "id"):
            empty = False
            if not self.new_name(id_, at, seen, ID, "a node", shown(id_)):
                continue
            node = self.node(id_, entry, at, trigger)
            if node is not None:
                yield node
        if (empty and tree is not None and tree.kind != "scalar") or (
            empty and tree is not None and tree.value is None
        ):
            self.problem("missing", "a workflow needs at least one node", _at(tree), field="nodes")

    def node(self, id_: str, entry: Tree, at: Place, trigger: TriggerKind) -> Node | None:
        if entry.kind != "mapping":
            self.problem(
                "wrong-type", f"node '{id_}' takes a mapping", _at(entry), node=id_, field="type"
            )
            return None
        entries, keys = entry.entries, entry.keys
        inner = entries.get("data")
        if inner is not None and not (inner.kind == "scalar" and inner.value is None):
            if inner.kind != "mapping":
                self.problem(
                    "wrong-type", "'data' takes a mapping", _at(inner), node=id_, field="data"
                )
            else:
                for key in inner.entries:
                    if key in entries or key in ("id", "type", "data"):
                        self.problem(
                            "duplicate-key",
                            f"'{shown(key)}' stands in the node and again under data",
                            inner.keys[key],
                            node=id_,
                            field=shown(key),
                            hint="keep one of the two",
                        )
                entries = {**inner.entries, **entries}
                keys = {**inner.keys, **keys}
        kind = entries.get("type")
        if kind is None:
            self.problem(
                "missing",
                f"node '{id_}' needs a type",
                at,
                node=id_,
                field="type",
                hint=f"one of: {', '.join(TYPES)}",
            )
            return None
        type_ = self.one_of(kind, TYPES, "type", id_)
        if type_ is None:
            return None
        variant = self.variant(id_, type_, entries, _at(kind), trigger)
        if variant is None:
            return None
        step = CATALOGUE[type_, variant]
        parameters = step_keys(type_, variant)
        discriminator = DISCRIMINATORS.get(type_)
        config: dict[str, Tree] = {}
        for key, value in entries.items():
            if key in parameters:
                config[key] = value
            elif key not in NODE_KEYS and key != discriminator:
                known = (*parameters, *(key for key in NODE_KEYS if key not in ("id", "data")))
                hint = "positions stand under layout" if key == "position" else None
                self.unknown_key(key, keys[key], known, id_, hint)
        label = self.text(entries.get("label"), "label", id_)
        timeout = None
        if "timeout" not in parameters:
            timeout = self.number(
                entries.get("timeout"), "timeout", id_, least=0.001, most=MAX_TIMEOUT
            )
        if "description" not in parameters:
            self.text(entries.get("description"), "description", id_)
        return Node(
            id=id_,
            type=type_,
            variant=variant,
            label=label or step.label,
            config=config,
            retry=retry_of(self, entries, id_),
            timeout=timeout,
            continue_on_error=self.flag(entries.get("continueOnError"), "continueOnError", id_),
            disabled=self.flag(entries.get("disabled"), "disabled", id_),
            notes=self.text(entries.get("notes"), "notes", id_),
            no_rollback=self.no_rollback(entries.get("noRollback"), id_),
            place=at,
            keys=keys,
        )

    def variant(
        self, id_: str, type_: str, entries: dict[str, Tree], at: Place, trigger: TriggerKind
    ) -> str | None:
        key = DISCRIMINATORS.get(type_)
        if key is None:
            return ""
        known = tuple(variant for kind, variant in CATALOGUE if kind == type_)
        given = entries.get(key)
        if given is None and type_ == "trigger":
            return trigger
        if given is None:
            self.problem(
                "missing",
                f"'{key}' is missing",
                at,
                node=id_,
                field=key,
                hint=f"one of: {', '.join(known)}",
            )
            return None
        return self.one_of(given, known, key, id_)

    def no_rollback(self, tree: Tree | None, id_: str) -> NoRollback | None:
        if tree is None:
            return None
        reason = self.text(tree.entries.get("reason"), "reason", id_)
        by = self.text(tree.entries.get("acknowledgedBy"), "acknowledgedBy", id_)
        if tree.kind == "mapping":
            self.known_keys(tree, ("reason", "acknowledgedBy"), id_)
        if not reason.strip() or not by.strip():
            self.problem(
                "missing",
                "'noRollback' needs a reason and who acknowledged it",
                _at(tree),
                node=id_,
                field="noRollback",
                hint='noRollback: {reason: "…", acknowledgedBy: "…"}',
            )
            return None
        return NoRollback(reason, by)

    def edges(self, tree: Tree | None) -> Iterator[Edge]:
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return
        if tree.kind != "list":
            self.problem("wrong-type", "'edges' takes a list", _at(tree), field="edges")
            return
        if len(tree.items) > MAX_EDGES:
            self.problem(
                "too-large", f"a workflow has at most {MAX_EDGES:,} edges", _at(tree), field="edges"
            )
            return
        for item in tree.items:
            if item.kind != "mapping":
                self.problem(
                    "wrong-type",
                    "an edge is a mapping",
                    _at(item),
                    field="edges",
                    hint="such as {source: a, target: b}",
                )
                continue
            self.known_keys(item, EDGE_KEYS)
            ends: list[str] = []
            for key in ("source", "target"):
                end = item.entries.get(key)
                if end is None or not isinstance(end.value, str):
                    self.problem(
                        "missing" if end is None else "wrong-type",
                        f"an edge needs '{key}': the id of a node",
                        _at(end or item),
                        field=key,
                    )
                else:
                    ends.append(end.value)
            label = self.text(item.entries.get("label"), "label")
            if len(ends) == 2:
                yield Edge(ends[0], ends[1], label, place=_at(item))

    def settings(self, tree: Tree | None) -> Settings:
        if tree is None or (tree.kind == "scalar" and tree.value is None):
            return Settings()
        if tree.kind != "mapping":
            self.problem("wrong-type", "'settings' takes a mapping", _at(tree), field="settings")
            return Settings()
        self.known_keys(tree, SETTINGS_KEYS)
        entries = tree.entries
        return Settings(
            timeout=self.number(entries.get("timeout"), "timeout", None, least=1, most=MAX_TIMEOUT),
            concurrency_key=self.text(entries.get("concurrencyKey"), "concurrencyKey"),
            on_collision=self.one_of(entries.get("onCollision"), COLLISIONS, "onCollision")
            or "queue",
            checks=tuple(self.waivers(entries.get("checks"))),
        )

    def waivers(self, tree: Tree | None) -> Iterator[Waiver]:
        from compiler.checks import CHECKS

        for check, entry, at in self.named(tree, "checks", "check"):
            if check not in CHECKS:
                known = tuple(CHECKS)
                self.problem(
                    "unknown-value",
                    f"no check is called '{shown(check)}'",
                    at,
                    field="checks",
                    hint=_suggestion(check, known) or f"one of: {', '.join(known)}",
                )
                continue
            if entry.kind == "mapping":
                self.known_keys(entry, ("check", "reason", "node"))
            reason = self.text(entry.entries.get("reason"), "reason")
            if isinstance(entry.value, str):
                reason = entry.value
            if not reason.strip():
                self.problem(
                    "missing",
                    f"a waiver of '{check}' needs a reason",
                    _at(entry),
                    field="checks",
                    hint=f'{check}: {{reason: "…"}}',
                )
                continue
            node = self.text(entry.entries.get("node"), "node") or None
            yield Waiver(check, reason, node, place=at)


_STEP_KEYS: dict[tuple[str, str], tuple[str, ...]] = {}


def step_keys(type_: str, variant: str) -> tuple[str, ...]:
    """The configuration keys that a definition may give a step."""
    known = _STEP_KEYS.get((type_, variant))
    if known is None:
        from compiler.fields import fields_of

        known = _STEP_KEYS[type_, variant] = tuple(fields_of(CATALOGUE[type_, variant]))
    return known


def _at(tree: Tree) -> Place:
    return tree.line, tree.column


def _texts(tree: Tree) -> Iterator[str]:
    if isinstance(tree.value, str):
        yield tree.value
    for inner in (*tree.items, *tree.entries.values()):
        yield from _texts(inner)


def _quote(tree: Tree) -> str | None:
    return "put quotes around it" if tree.kind == "scalar" else None


def _suggestion(word: str, known: tuple[str, ...]) -> str | None:
    close = get_close_matches(word[:100], known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None
