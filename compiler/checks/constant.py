"""A condition that always goes the same way is mostly one whose braces were forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem
from compiler.tree import Tree


def constant_condition(subject: Subject) -> Iterator[Problem]:
    for node in subject.graph.nodes:
        if node.type != "condition" or node.disabled:
            continue
        sides = [node.config.get(key) for key in ("condition", "value")]
        if isinstance(getattr(sides[0], "value", None), str) and not any(map(_has_hole, sides)):
            yield warning(
                "constant-condition",
                f"'{node.id}' compares text that never changes, so it always goes one way",
                node,
                hint='an expression stands between braces: "{{ … }}"',
                field="condition",
                path=(node.id,),
            )


def _has_hole(tree: Tree | None) -> bool:
    if tree is None:
        return False
    if isinstance(tree.value, str) and "{{" in tree.value:
        return True
    return any(map(_has_hole, (*tree.items, *tree.entries.values())))
