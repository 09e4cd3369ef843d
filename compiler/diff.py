"""What changed between two versions of a workflow, in words, with the risk of each change.

Lines of YAML say little: a box that moved changes many and means nothing, a label on an edge is
one word and may mean that nobody is asked any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from compiler.checks import run_checks
from compiler.checks.subject import DRY_RUN, EXECUTE, ROLLBACK, Subject
from compiler.definition import Definition, Edge, Node
from compiler.digest import digest_of
from compiler.graph import branch, step_of
from compiler.tree import Tree, shown
from compiler.workflow import Checked

Risk = Literal["none", "low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("none", "low", "medium", "high")
GUARDS = {
    "approval": ("'{}' is no longer behind an approval", "'{}' is behind an approval now"),
    "dry run": ("'{}' is no longer behind a dry run", "'{}' is behind a dry run now"),
    "rollback-coverage": (
        "when '{}' fails nothing is rolled back any more",
        "when '{}' fails it is rolled back now",
    ),
    "side-by-side": (
        "'{}' may now change a database together with another node",
        "'{}' no longer changes a database together with another node",
    ),
    "hole-in-sql": (
        "the SQL of '{}' is now put together from values",
        "the SQL of '{}' is no longer put together from values",
    ),
}
"""What to say when something unsafe is new, and when it is gone."""


@dataclass(frozen=True)
class Change:
    risk: Risk
    text: str
    node: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Difference:
    """``changes`` with the riskiest first."""

    changes: tuple[Change, ...]

    @property
    def risk(self) -> Risk:
        return self.changes[0].risk if self.changes else "none"


def diff(old: Checked, new: Checked) -> Difference:
    """What ``new`` does otherwise than ``old``; both must be without errors."""
    if old.definition is None or new.definition is None or old.graph is None or new.graph is None:
        raise ValueError("definitions with errors cannot be compared")
    before, after = old.definition, new.definition
    renamed = _renamed(before, after)
    changes = [
        *_top(before, after),
        *_variables(before, after),
        *_nodes(before, after, renamed),
        *_edges(old, new, renamed),
        *_guards(old, new, renamed),
    ]
    if not changes and before.layout != after.layout:
        changes = [Change("none", "moved on the canvas only")]
    elif not changes and digest_of(before) == digest_of(after):
        changes = [Change("none", "nothing but the way it is written")]
    changes.sort(key=lambda change: -RISKS.index(change.risk))
    return Difference(tuple(changes))


def _top(old: Definition, new: Definition) -> Iterator[Change]:
    if old.name != new.name:
        yield Change("low", f"renamed from {_said(old.name)} to {_said(new.name)}")
    if old.description != new.description:
        yield Change("none", "the description is another")
    if old.trigger != new.trigger:
        yield Change("medium", f"started by {new.trigger} instead of {old.trigger}")
    if old.tags != new.tags:
        yield Change("none", f"tags: {', '.join(map(shown, new.tags)) or 'none'}")
    mine, theirs = old.settings, new.settings
    for key in ("timeout", "concurrency_key", "on_collision"):
        if getattr(mine, key) != getattr(theirs, key):
            was, now = _said(getattr(mine, key)), _said(getattr(theirs, key))
            yield Change("medium", f"settings: {key.replace('_', ' ')} {was} → {now}")
    had = {(waiver.check, waiver.node) for waiver in mine.checks}
    for waiver in theirs.checks:
        if (waiver.check, waiver.node) not in had:
            where = f" at '{waiver.node}'" if waiver.node else ""
            yield Change(
                "high",
                f"the check {waiver.check}{where} is waived: {shown(waiver.reason)}",
                waiver.node,
            )
    has = {(waiver.check, waiver.node) for waiver in theirs.checks}
    for check, node in sorted(had - has, key=str):
        yield Change("low", f"the check {check} is no longer waived", node)


def _variables(old: Definition, new: Definition) -> Iterator[Change]:
    before = {variable.name: variable for variable in old.variables}
    after = {variable.name: variable for variable in new.variables}
    for name, variable in after.items():
        if name not in before:
            yield Change("low", f"variable '{name}' ({variable.type}) added")
        elif before[name] != variable:
            was = before[name]
            if was.type != variable.type:
                yield Change("medium", f"variable '{name}' is {variable.type}, was {was.type}")
            if was.default != variable.default:
                yield Change(
                    "medium",
                    f"variable '{name}': default {_value(was.default)} → {_value(variable.default)}",
                )
            if (was.required, was.pattern, was.enum) != (
                variable.required,
                variable.pattern,
                variable.enum,
            ):
                yield Change("low", f"variable '{name}' takes other values")
    for name in before:
        if name not in after:
            yield Change("low", f"variable '{name}' removed")


def _renamed(old: Definition, new: Definition) -> dict[str, str]:
    """Old id to new id of nodes that are the same but for their id."""
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    gone = [node for node in old.nodes if node.id not in after]
    come = [node for node in new.nodes if node.id not in before]
    found: dict[str, str] = {}
    for node in gone:
        same = [other for other in come if _content(other) == _content(node)]
        if len(same) == 1 and same[0].id not in found.values():
            found[node.id] = same[0].id
    return found


def _content(node: Node) -> Any:
    plain = {key: tree.plain() for key, tree in node.config.items()}
    return node.type, node.variant, node.label, plain


def _nodes(old: Definition, new: Definition, renamed: dict[str, str]) -> Iterator[Change]:
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    for was, now in renamed.items():
        yield Change("low", f"node '{was}' is called '{now}' now", now)
    for node in new.nodes:
        if node.id not in before and node.id not in renamed.values():
            yield Change(_weight(node), f"{_kind(node)} '{node.id}' added", node.id)
    for node in old.nodes:
        if node.id not in after and node.id not in renamed:
            guards = node.type == "approval" or (node.type, node.variant) in (DRY_RUN, ROLLBACK)
            risk: Risk = "high" if guards else "medium"
            yield Change(risk, f"{_kind(node)} '{node.id}' removed", node.id)
    for id_, node in before.items():
        other = after.get(renamed.get(id_, id_))
        if other is not None:
            yield from _node(node, other)


def _node(old: Node, new: Node) -> Iterator[Change]:
    id_ = new.id
    if (old.type, old.variant) != (new.type, new.variant):
        yield Change("high", f"'{id_}' is a {_kind(new)}, was a {_kind(old)}", id_, "type")
        return
    if old.label != new.label:
        yield Change("none", f"'{id_}' is labelled {_said(new.label)}", id_, "label")
    for key in dict.fromkeys((*old.config, *new.config)):
        was, now = old.config.get(key), new.config.get(key)
        if was != now:
            yield Change(
                _field_weight(new, key), f"'{id_}': {key} {_value(was)} → {_value(now)}", id_, key
            )
    if old.retry != new.retry:
        word = (
            "retry removed from"
            if new.retry is None
            else ("retry added to" if old.retry is None else "other retries at")
        )
        harmful = new.retry is not None and not step_of(new).idempotent
        yield Change("high" if harmful else "low", f"{word} '{id_}'", id_, "maxRetries")
    if old.timeout != new.timeout:
        yield Change(
            "low", f"'{id_}': timeout {_said(old.timeout)} → {_said(new.timeout)}", id_, "timeout"
        )
    if old.continue_on_error != new.continue_on_error:
        goes = "goes on" if new.continue_on_error else "no longer goes on"
        yield Change("medium", f"the run {goes} when '{id_}' fails", id_, "continueOnError")
    if old.disabled != new.disabled:
        guards = new.type == "approval" or _weight(new) == "high"
        word = "off" if new.disabled else "on"
        yield Change("high" if guards else "medium", f"'{id_}' is switched {word}", id_, "disabled")
    if old.notes != new.notes:
        yield Change("none", f"other notes at '{id_}'", id_, "notes")
    if old.no_rollback != new.no_rollback and new.no_rollback is not None:
        yield Change(
            "high",
            f"'{id_}' says that nothing rolls it back: {shown(new.no_rollback.reason)}",
            id_,
            "noRollback",
        )


def _edges(old: Checked, new: Checked, renamed: dict[str, str]) -> Iterator[Change]:
    before = _edge_keys(old, renamed)
    after = _edge_keys(new, {})
    for key, edge in after.items():
        if key not in before:
            yield Change("low", f"edge added: {_edge(key)}", edge.target)
    for key, edge in before.items():
        if key not in after:
            yield Change(
                "medium", f"edge removed: {_edge(key)}", renamed.get(edge.target, edge.target)
            )


def _edge_keys(checked: Checked, renamed: dict[str, str]) -> dict[tuple[str, str, str], Edge]:
    graph = checked.graph
    if graph is None:
        return {}
    return {
        (
            renamed.get(edge.source, edge.source),
            renamed.get(edge.target, edge.target),
            branch(graph.node(edge.source), edge),
        ): edge
        for node in graph.nodes
        for edge in graph.outgoing[node.id]
    }


def _edge(key: tuple[str, str, str]) -> str:
    source, target, outcome = key
    return f"{source} → {target}" + (f" ({outcome})" if outcome else "")


def _guards(old: Checked, new: Checked, renamed: dict[str, str]) -> Iterator[Change]:
    """What was safe and is not any more, waived or not."""
    had = {(guard, renamed.get(node or "", node or "")) for guard, node in _unguarded(old)}
    known = {renamed.get(node.id, node.id) for node in _all_nodes(old)}
    for guard, node in dict.fromkeys(_unguarded(new)):
        if node in known and (guard, node) not in had:
            yield Change("high", GUARDS[guard][0].format(node), node)
    has = set(_unguarded(new))
    now_known = {node.id for node in _all_nodes(new)}
    for guard, node in sorted(had - has):
        if node in now_known:
            yield Change("none", GUARDS[guard][1].format(node), node)


def _all_nodes(checked: Checked) -> tuple[Node, ...]:
    return () if checked.definition is None else checked.definition.nodes


def _unguarded(checked: Checked) -> Iterator[tuple[str, str]]:
    if checked.definition is None or checked.graph is None:
        return
    from compiler.certainty import Certainty

    subject = Subject(checked.definition, checked.graph, Certainty(checked.graph), frozenset())
    for problem in run_checks(subject, waived=False):
        guard = problem.code
        if guard == "approval-coverage":
            guard = "dry run" if "dry run" in problem.message else "approval"
        if guard in GUARDS and problem.node:
            yield guard, problem.node


def _weight(node: Node) -> Risk:
    kind = (node.type, node.variant)
    if kind == EXECUTE or kind == ("action", "run_sql"):
        return "high"
    return "medium" if step_of(node).effect == "writes" else "low"


def _field_weight(node: Node, key: str) -> Risk:
    if node.type == "approval" or key == "connectionId" or node.type == "condition":
        return "high" if key != "message" else "low"
    if key in ("message", "template", "description", "channel", "subject", "title"):
        return "low"
    return "medium" if step_of(node).effect == "writes" or node.type == "trigger" else "low"


def _kind(node: Node) -> str:
    return node.variant or node.type


def _value(tree: Tree | None) -> str:
    return "nothing" if tree is None else _said(tree.plain())


def _said(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def as_text(difference: Difference) -> str:
    width = max((len(change.risk) for change in difference.changes), default=0)
    lines = [f"{change.risk:{width}}  {change.text}" for change in difference.changes]
    return "\n".join([*lines, f"risk: {difference.risk}"]) + "\n"


def as_json(difference: Difference) -> dict[str, Any]:
    return {"risk": difference.risk, "changes": [asdict(change) for change in difference.changes]}


def as_markdown(difference: Difference) -> str:
    """A table for a pull request; what people wrote cannot break out of its cell."""
    lines = [f"**Risk: {difference.risk}**", "", "| risk | change |", "|---|---|"]
    lines += [f"| {change.risk} | {_cell(change.text)} |" for change in difference.changes]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\|`*_[]<>#@!" else c for c in text)
