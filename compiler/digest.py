"""The digest of what a workflow does: the same for every way of writing it down."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from compiler.definition import Definition
from compiler.retries import delays


def digest_of(definition: Definition) -> str:
    """``sha256:…`` over names, nodes, edges and settings; layout and notes are left out."""
    text = json.dumps(
        _content(definition), sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _content(definition: Definition) -> dict[str, Any]:
    settings = definition.settings
    return {
        "version": definition.version,
        "name": definition.name,
        "description": definition.description,
        "trigger": definition.trigger,
        "tags": definition.tags,
        "variables": [
            [
                variable.name,
                variable.type,
                None if variable.default is None else [variable.default.plain()],
                variable.description,
                variable.required,
                variable.pattern,
                variable.enum,
            ]
            for variable in definition.variables
        ],
        "nodes": [
            [
                node.id,
                node.type,
                node.variant,
                node.label,
                {key: value.plain() for key, value in node.config.items()},
                delays(node.retry) if node.retry else None,
                node.timeout,
                node.continue_on_error,
                node.disabled,
                [node.no_rollback.reason, node.no_rollback.acknowledged_by]
                if node.no_rollback
                else None,
            ]
            for node in definition.nodes
        ],
        "edges": [[edge.source, edge.target, edge.label] for edge in definition.edges],
        "settings": [
            settings.timeout,
            settings.concurrency_key,
            settings.on_collision,
            [[waiver.check, waiver.node, waiver.reason] for waiver in settings.checks],
        ],
    }
