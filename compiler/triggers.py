"""Checks on triggers: their configuration is read when the workflow is published."""

from __future__ import annotations

from collections.abc import Callable

from compiler.definition import Definition, Node
from compiler.errors import Problem
from compiler.tree import Tree, shown
from runtime_tasks.steps.cron import check_cron, check_timezone
from runtime_tasks.steps.triggers import check_event, check_header

PUBLISHED = ("cron", "timezone", "path", "event", "scheme", "header")
"""Read before any run, so holes make no sense in them."""
NEEDED = {"scheduled": "cron", "event": "event"}
EXAMPLES = {"cron": 'such as cron: "0 2 * * *"', "event": "such as event: migration.executed"}


def check_triggers(definition: Definition, problems: list[Problem]) -> None:
    for node in definition.nodes:
        if node.type != "trigger":
            continue
        needed = NEEDED.get(node.variant)
        if needed and needed not in node.config:
            problems.append(
                Problem(
                    "missing",
                    f"a trigger of kind {node.variant} needs '{needed}'",
                    *node.place,
                    node=node.id,
                    field=needed,
                    hint=EXAMPLES[needed],
                )
            )
        for key in PUBLISHED:
            tree = node.config.get(key)
            if tree is not None and isinstance(tree.value, str):
                problems.extend(_published(node, key, tree, tree.value))


def _published(node: Node, key: str, tree: Tree, text: str) -> list[Problem]:
    if "{{" in text:
        message: str | None = f"'{key}' is read when the workflow is published: no holes here"
        code, hint = "hole-here", "write the value itself"
    elif key == "cron":
        code, message = "bad-cron", refusal(check_cron, text)
        hint = "minute hour day month weekday, such as 0 2 * * *"
    elif key == "timezone":
        code, message, hint = "bad-timezone", refusal(check_timezone, text), "such as Europe/Berlin"
    elif key == "event":
        code, message, hint = "unknown-event", refusal(check_event, text), EXAMPLES["event"]
    elif key == "header":
        code, message, hint = "bad-header", refusal(check_header, text), "such as X-Webhook-Secret"
    else:
        return []
    if message is None:
        return []
    return [
        Problem(
            code,
            shown(message) if code != "hole-here" else message,
            tree.line,
            tree.column,
            node=node.id,
            field=key,
            hint=hint,
        )
    ]


def refusal(check: Callable[[str], str], text: str) -> str | None:
    """What the check says against the text, or None."""
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return None
