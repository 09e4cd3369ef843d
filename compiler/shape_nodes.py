"""Nodes, of either shape, from the Tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from compiler.definition import Node, NoRollback, Place, TriggerKind
from compiler.fields import fields_of
from compiler.names import ID
from compiler.reader import Reader, place_of
from compiler.retries import retry_of
from compiler.tree import Tree, shown
from runtime_tasks.steps import CATALOGUE, DISCRIMINATORS

MAX_NODES = 10_000
MAX_TIMEOUT = 366 * 24 * 3600
"""Seconds."""

NODE_KEYS = (
    *("id", "type", "label", "data", "description", "notes"),
    *("retryable", "maxRetries", "retryDelay", "retryBackoff"),
    *("timeout", "continueOnError", "disabled", "noRollback"),
)

_KNOWN = frozenset(NODE_KEYS)
SELDOM = _KNOWN - {"id", "type", "label", "data"}
"""What most nodes do without."""

TYPES = tuple(dict.fromkeys(kind for kind, _ in CATALOGUE))


def read_nodes(reader: Reader, tree: Tree | None, trigger: TriggerKind) -> Iterator[Node]:
    if tree is not None and len(tree.items or tree.entries) > MAX_NODES:
        reader.problem(
            "too-large",
            f"a workflow has at most {MAX_NODES:,} nodes",
            place_of(tree),
            field="nodes",
        )
        return
    empty = True
    yielded: set[str] = set()
    for id_, entry, at in reader.named(tree, "nodes", "id"):
        empty = False
        fine = reader.new_name(id_, at, ID, "a node", shown(id_))
        # Whatever its name, what else is wrong with the node is said now, not after the renaming.
        well_formed = fine or ID.match(id_) is not None
        node = _node(reader, id_ if well_formed else shown(id_), entry, at, trigger)
        if node is not None and (fine or (well_formed and id_ not in yielded)):
            yielded.add(id_)
            yield node
    if (empty and tree is not None and tree.kind != "scalar") or (
        empty and tree is not None and tree.value is None
    ):
        reader.problem(
            "missing", "a workflow needs at least one node", place_of(tree), field="nodes"
        )


def _node(reader: Reader, id_: str, entry: Tree, at: Place, trigger: TriggerKind) -> Node | None:
    if entry.kind != "mapping":
        reader.problem(
            "wrong-type", f"node '{id_}' takes a mapping", place_of(entry), node=id_, field="type"
        )
        return None
    entries, keys = entry.entries, entry.keys
    inner = entries.get("data")
    if inner is not None and not (inner.kind == "scalar" and inner.value is None):
        if inner.kind != "mapping":
            reader.problem(
                "wrong-type", "'data' takes a mapping", place_of(inner), node=id_, field="data"
            )
        else:
            for key in inner.entries:
                if key in entries or key in ("id", "type", "data"):
                    reader.problem(
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
        reader.problem(
            "missing",
            f"node '{id_}' needs a type",
            at,
            node=id_,
            field="type",
            hint=f"one of: {', '.join(TYPES)}",
        )
        return None
    type_ = reader.one_of(kind, TYPES, "type", id_)
    if type_ is None:
        return None
    variant = _variant(reader, id_, type_, entries, place_of(kind), trigger)
    if variant is None:
        return None
    step = CATALOGUE[type_, variant]
    parameters = step_keys(type_, variant)
    discriminator = DISCRIMINATORS.get(type_)
    config: dict[str, Tree] = {}
    for key, value in entries.items():
        if key in parameters:
            config[key] = value
        elif key not in _KNOWN and key != discriminator:
            known = (*parameters, *(key for key in NODE_KEYS if key not in ("id", "data")))
            hint = "positions stand under layout" if key == "position" else None
            reader.unknown_key(key, keys[key], known, id_, hint)
    return Node(
        id=id_,
        type=type_,
        variant=variant,
        label=reader.text(entries.get("label"), "label", id_) or step.label,
        config=config,
        place=at,
        keys=keys,
        **({} if SELDOM.isdisjoint(entries) else _seldom(reader, id_, entries, parameters)),
    )


def _seldom(
    reader: Reader, id_: str, entries: dict[str, Tree], parameters: tuple[str, ...]
) -> dict[str, Any]:
    """What most nodes leave out; a key that the step has for its own is none of these."""

    def own(key: str) -> Tree | None:
        return None if key in parameters else entries.get(key)

    return {
        "retry": retry_of(reader, entries, id_),
        "timeout": reader.number(own("timeout"), "timeout", id_, least=0.001, most=MAX_TIMEOUT),
        "continue_on_error": reader.flag(entries.get("continueOnError"), "continueOnError", id_),
        "disabled": reader.flag(entries.get("disabled"), "disabled", id_),
        "description": reader.text(own("description"), "description", id_),
        "notes": reader.text(entries.get("notes"), "notes", id_),
        "no_rollback": _no_rollback(reader, entries.get("noRollback"), id_),
    }


def _variant(
    reader: Reader, id_: str, type_: str, entries: dict[str, Tree], at: Place, trigger: TriggerKind
) -> str | None:
    key = DISCRIMINATORS.get(type_)
    if key is None:
        return ""
    given = entries.get(key)
    if given is None and type_ == "trigger":
        return trigger
    if given is not None and (type_, given.value) in CATALOGUE:
        return cast(str, given.value)
    known = tuple(variant for kind, variant in CATALOGUE if kind == type_)
    if given is None:
        reader.problem(
            "missing",
            f"'{key}' is missing",
            at,
            node=id_,
            field=key,
            hint=f"one of: {', '.join(known)}",
        )
        return None
    return reader.one_of(given, known, key, id_)


def _no_rollback(reader: Reader, tree: Tree | None, id_: str) -> NoRollback | None:
    if tree is None:
        return None
    reason = reader.text(tree.entries.get("reason"), "reason", id_)
    by = reader.text(tree.entries.get("acknowledgedBy"), "acknowledgedBy", id_)
    if tree.kind == "mapping":
        reader.known_keys(tree, ("reason", "acknowledgedBy"), id_)
    if not reason.strip() or not by.strip():
        reader.problem(
            "missing",
            "'noRollback' needs a reason and who acknowledged it",
            place_of(tree),
            node=id_,
            field="noRollback",
            hint='noRollback: {reason: "…", acknowledgedBy: "…"}',
        )
        return None
    return NoRollback(reason, by)


@cache
def step_keys(type_: str, variant: str) -> tuple[str, ...]:
    """The configuration keys that a definition may give a step."""
    return tuple(fields_of(CATALOGUE[type_, variant]))
