"""Checks on edges that every workflow must pass before anything else is asked."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from compiler.definition import Definition, Edge, Node
from compiler.errors import Problem
from compiler.graph import FAILED, Graph, graph_of, loop, sort, step_of
from compiler.tree import shown


def wire(
    definition: Definition, known_ids: set[str], problems: list[Problem]
) -> tuple[Graph, bool]:
    """The graph, and whether it is the whole one: edges to nowhere and in loops are left out.

    ``known_ids`` are all ids in the text, also of nodes that were refused: an
    edge to one of those is not a second mistake.
    """
    nodes = {node.id: node for node in definition.nodes}
    seen: dict[tuple[str, str, str], Edge] = {}
    usable: list[Edge] = []
    for edge in definition.edges:
        ok = True
        for end in (edge.source, edge.target):
            if end not in nodes:
                ok = False
                if end not in known_ids:
                    close = get_close_matches(end[:100], list(nodes)[:2000], n=1)
                    problems.append(
                        _problem(
                            edge,
                            "unknown-node",
                            f"no node is called '{shown(end)}'",
                            hint=f"did you mean {close[0]}?" if close else None,
                            field="source" if end is edge.source else "target",
                        )
                    )
        if not ok:
            continue
        key = (edge.source, edge.target, edge.label)
        if key in seen:
            problems.append(
                _problem(
                    edge,
                    "duplicate-edge",
                    f"this edge stands on line {seen[key].place[0]} already",
                    hint="remove one of the two",
                )
            )
        else:
            seen[key] = edge
            usable.append(edge)
        problems.extend(_ends(edge, nodes))
    whole = len(usable) == len(definition.edges)
    definition = replace(definition, edges=tuple(usable))
    order, stuck = sort(definition)
    if stuck:
        whole = False
        way = loop(definition, stuck)
        if len(way) == 2:
            message = f"'{way[0]}' leads back to itself"
        else:
            message = f"these nodes wait for each other: {' → '.join(way[:12])}"
        at = next(
            edge for edge in definition.edges if (edge.source, edge.target) == (way[-2], way[-1])
        )
        problems.append(
            Problem(
                "cycle",
                message,
                *at.place,
                node=way[-1],
                hint="a workflow goes one way; remove one of these edges",
                path=way,
            )
        )
        looping = set(stuck)
        straight = (e for e in usable if not (e.source in looping and e.target in looping))
        definition = replace(definition, edges=tuple(straight))
        order, _ = sort(definition)
    return graph_of(definition, order), whole


def _ends(edge: Edge, nodes: dict[str, Node]) -> list[Problem]:
    source, target = nodes[edge.source], nodes[edge.target]
    step = step_of(source)
    found: list[Problem] = []
    if step_of(target).starts:
        kind = "a trigger starts the run" if target.type == "trigger" else "it starts by itself"
        found.append(
            _problem(
                edge,
                "edge-into-start",
                f"nothing may lead into '{target.id}': {kind}",
                node=target.id,
                hint="remove the edge, or give the node another type",
            )
        )
    if edge.label == FAILED and not step.can_fail:
        found.append(
            _problem(
                edge,
                "unknown-label",
                f"'{source.id}' cannot fail, so no edge '{FAILED}' may leave it",
                field="label",
            )
        )
    elif edge.label and edge.label != FAILED and edge.label not in step.branches:
        labels = (*step.branches, *((FAILED,) if step.can_fail else ()))
        close = get_close_matches(edge.label[:100].title(), labels, n=1)
        known = " or ".join(("no label", *labels))
        found.append(
            _problem(
                edge,
                "unknown-label",
                f"'{source.id}' has no outcome '{shown(edge.label)}'",
                field="label",
                hint=f"did you mean {close[0]}?" if close else f"it takes {known}",
            )
        )
    return found


def _problem(
    edge: Edge,
    code: str,
    message: str,
    *,
    node: str | None = None,
    field: str | None = None,
    hint: str | None = None,
) -> Problem:
    return Problem(
        code,
        message,
        *edge.place,
        node=node or shown(edge.source),
        field=field or "edges",
        hint=hint,
    )
