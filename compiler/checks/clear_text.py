"""Secrets belong into the secret store, not into a file that everybody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem
from compiler.fields import fields_of
from compiler.graph import step_of
from compiler.tree import Tree

_LOOKS_SECRET = re.compile(
    r"hooks\.slack\.com/services/|://[^/\s:@]+:[^/\s:@]+@|"
    r"(?i:bearer|basic|token)\s+[A-Za-z0-9._~+/-]{12,}|"
    r"\b(?:ghp|gho|ghs|glpat|xox[abp]|sk|AKIA)[-_A-Za-z0-9]{12,}"
)
ALWAYS_SECRET = frozenset(("secret", "routingKey", "signingSecret"))


def secret_in_clear(subject: Subject) -> Iterator[Problem]:
    for node in subject.graph.nodes:
        fields = fields_of(step_of(node))
        for key, tree in node.config.items():
            if key not in fields or not _holds_secret(key, tree):
                continue
            yield warning(
                "secret-in-clear",
                f"'{key}' looks like a secret that stands in the definition for all to read",
                node,
                hint='store it as a secret, declare a variable of type secret, write "{{ name }}"',
                field=key,
                path=(node.id,),
            )


def _holds_secret(key: str, tree: Tree) -> bool:
    if tree.kind != "scalar":
        inner = (*tree.items, *tree.entries.values())
        return any(_holds_secret(key, one) for one in inner)
    text = tree.value
    if not isinstance(text, str) or "{{" in text or not text:
        return False
    return key in ALWAYS_SECRET or _LOOKS_SECRET.search(text[:10_000]) is not None
