"""Trying again does harm where the first try may have done its work."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem
from compiler.graph import step_of


def retry_not_idempotent(subject: Subject) -> Iterator[Problem]:
    for node in subject.graph.nodes:
        if node.retry is None or node.disabled or step_of(node).idempotent:
            continue
        method = node.config.get("method")
        reads = method is None or method.value in ("GET", "HEAD")
        if node.variant != "http_request" or not reads:
            yield warning(
                "retry-not-idempotent",
                f"'{node.id}' would be run again after it may have done its work",
                node,
                hint="remove the retries, or waive this check with the reason why that is safe",
                field="maxRetries" if "maxRetries" in node.keys else "retryable",
                path=(node.id,),
            )
