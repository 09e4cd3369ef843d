"""A workflow in words, and as a Mermaid graph."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.definition import Edge, Node
from compiler.graph import FAILED, Graph, branch, step_of
from compiler.retries import delays
from compiler.tree import shown
from compiler.workflow import Checked


def prose(checked: Checked) -> str:
    """What runs when, one numbered line a node."""
    definition, graph = checked.definition, checked.graph
    if definition is None or graph is None:
        raise ValueError("a definition with errors cannot be explained")
    lines = [shown(definition.name)]
    if definition.description:
        lines.append(definition.description.strip())
    lines.append("")
    for number, node in enumerate(graph.nodes, 1):
        lines.append(f"{number}. {_label(node)} ({node.id}) {'; '.join(_when(graph, node))}.")
        lines.extend(f"   {sentence}" for sentence in _details(node))
    lines.append("")
    lines.extend(_inputs(checked))
    return "\n".join(lines).rstrip() + "\n"


def _label(node: Node) -> str:
    step = step_of(node)
    return f"{shown(node.label)} — {step.summary.rstrip('.').lower()}"


def _when(graph: Graph, node: Node) -> Iterator[str]:
    edges = graph.incoming[node.id]
    if node.type == "error_handler":
        yield "runs when a node fails that has no Failed edge of its own"
    elif not edges:
        yield "starts the run"
    else:
        yield "runs " + " or ".join(_after(graph, edge) for edge in edges)
        if len(edges) > 1:
            yield "it waits for all of them to settle"
    if node.disabled:
        yield "it is switched off"


def _after(graph: Graph, edge: Edge) -> str:
    source = graph.node(edge.source)
    outcome = branch(source, edge)
    if outcome == FAILED:
        return f"when {source.id} fails"
    if outcome:
        return f"when {source.id} ends in {outcome}"
    return f"after {source.id}"


def _details(node: Node) -> Iterator[str]:
    for key, tree in node.config.items():
        value = tree.value if tree.kind == "scalar" else tree.plain()
        yield f"{key}: {shown(str(value).lower() if isinstance(value, bool) else str(value))}"
    if node.retry is not None:
        waits = ", ".join(f"{delay:g}" for delay in delays(node.retry))
        yield f"If it fails it is tried again after {waits} seconds."
    if node.timeout is not None:
        yield f"It fails after {node.timeout:g} seconds."
    if node.continue_on_error:
        yield "If it fails the run goes on."
    if node.no_rollback is not None:
        yield (
            f"Nothing rolls it back: {shown(node.no_rollback.reason)} "
            f"({shown(node.no_rollback.acknowledged_by)})."
        )


def _inputs(checked: Checked) -> Iterator[str]:
    definition = checked.definition
    if definition is None:
        return
    for variable in definition.variables:
        default = "" if variable.default is None else f", {shown(str(variable.default.plain()))}"
        kind = "a secret" if variable.secret else variable.type
        yield f"{variable.name} is {kind}{default}."
    for waiver in definition.settings.checks:
        where = f" at {waiver.node}" if waiver.node else ""
        yield f"The check {waiver.check}{where} is waived: {shown(waiver.reason)}."


_SHAPES = {
    "trigger": ("([", "])"),
    "condition": ("{", "}"),
    "approval": ("[/", "/]"),
    "notification": (">", "]"),
    "error_handler": ("[[", "]]"),
}


def mermaid(graph: Graph) -> str:
    """A flowchart; labels are quoted, and what Mermaid would read as markup is escaped."""
    lines = ["flowchart TD"]
    for index, node in enumerate(graph.nodes):
        opening, closing = _SHAPES.get(node.type, ("[", "]"))
        text = f"{_escaped(node.label)}<br/>{node.id}"
        lines.append(f'    n{index}{opening}"{text}"{closing}')
    for node in graph.nodes:
        for edge in graph.outgoing[node.id]:
            source, target = graph.position[edge.source], graph.position[edge.target]
            outcome = branch(node, edge)
            arrow = "-.->" if outcome == FAILED else "-->"
            label = f"|{outcome}|" if outcome else ""
            lines.append(f"    n{source} {arrow}{label} n{target}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(
        character if character.isalnum() or character in " -_.,:?!" else f"#{ord(character)};"
        for character in shown(text)
    )
