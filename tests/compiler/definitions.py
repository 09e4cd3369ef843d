"""Small definitions for tests."""

from __future__ import annotations

from compiler import DefinitionError, Problem, compile_workflow
from compiler.compiled import CompiledFlow


def workflow(nodes: str, edges: str = "", *, top: str = "") -> str:
    """A definition in the map shape; ``edges`` are lines such as ``a -> b`` or ``a -> b: Yes``."""
    lines = ['version: "1.0"', "name: Test", *top.strip("\n").splitlines(), "nodes:"]
    lines += [f"  {line}" for line in nodes.strip("\n").splitlines()]
    if edges.strip():
        lines.append("edges:")
    for edge in edges.strip().splitlines():
        ends, _, label = edge.strip().partition(":")
        source, _, target = ends.partition("->")
        text = f"  - {{source: {source.strip()}, target: {target.strip()}"
        lines.append(text + (f", label: {label.strip()}}}" if label else "}"))
    return "\n".join(lines) + "\n"


def compiled(text: str) -> CompiledFlow:
    return compile_workflow(text, "yaml")


def problems(text: str | bytes, format_: str = "yaml") -> list[Problem]:
    """All errors of a definition; none if it compiles."""
    try:
        compile_workflow(text, format_)  # type: ignore[arg-type]
    except DefinitionError as error:
        return list(error.problems)
    return []


def codes(text: str | bytes, format_: str = "yaml") -> list[str]:
    return [problem.code for problem in problems(text, format_)]
