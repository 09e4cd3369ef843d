"""Nodes that no trigger leads to."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.checks.subject import Subject, warning
from compiler.errors import Problem
from compiler.graph import branch, step_of


def unreachable(subject: Subject) -> Iterator[Problem]:
    """Loose nodes start by themselves; nodes behind an edge that is never live do not run."""
    graph = subject.graph
    triggered = any(node.type == "trigger" for node in graph.nodes)
    reached: set[str] = set()
    for node in graph.nodes:
        edges = graph.incoming[node.id]
        if not edges:
            reached.add(node.id)
            if triggered and not step_of(node).starts:
                yield warning(
                    "unreachable",
                    f"no trigger leads to '{node.id}': it starts together with the run",
                    node,
                    hint="draw an edge to it, or remove it",
                    path=(node.id,),
                )
            continue
        for edge in edges:
            source = graph.node(edge.source)
            # A node that is switched off lets only its unlabelled outcome through.
            branches = step_of(source).branches
            passes = not source.disabled or branch(source, edge) in ("", *branches[:1])
            if edge.source in reached and passes:
                reached.add(node.id)
                break
        else:
            yield warning(
                "unreachable",
                f"'{node.id}' can never run: what leads to it is switched off",
                node,
                hint="switch the node before it on, or remove this one",
                path=(edges[0].source, node.id),
            )
