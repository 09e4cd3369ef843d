"""The passes of a compilation, one after another: read, shape, wire, plan, check, render, gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from compiler.certainty import Certainty, Trusting
from compiler.checks import run_checks
from compiler.checks.subject import Subject
from compiler.compiled import CompiledFlow, CompiledNode, Schedule, TriggerSpec
from compiler.definition import Definition
from compiler.digest import digest_of
from compiler.errors import DefinitionError, Problem
from compiler.gate import check as gate
from compiler.graph import Graph
from compiler.names import python_name
from compiler.parameters import parameters_schema
from compiler.places import SourceText
from compiler.plan import Plan, Planner, flow_name
from compiler.read_json import read_json
from compiler.read_yaml import read_yaml
from compiler.render import render
from compiler.shape import shape
from compiler.tree import Tree, decode
from compiler.triggers import check_triggers
from compiler.uncollected import uncollected
from compiler.wiring import wire

Format = Literal["yaml", "json"]


@dataclass(frozen=True)
class Checked:
    """A definition with all that was found out about it, sound or not."""

    definition: Definition | None
    graph: Graph | None
    plan: Plan | None
    problems: tuple[Problem, ...]
    """Errors and warnings, in the order of the text."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def read(source: str | bytes, format: Format, problems: list[Problem]) -> tuple[Tree | None, str]:  # noqa: A002 - the fixed name
    """The text as a Tree; problems of syntax, size and encoding are added."""
    if format not in ("yaml", "json"):
        raise ValueError(f"a definition is yaml or json, not {format!r}")
    text = decode(source, problems)
    if text is None:
        return None, ""
    tree = read_yaml(text, problems) if format == "yaml" else read_json(text, problems)
    return tree, text


@uncollected()
def check_workflow(
    source: str | bytes,
    format: Format,  # noqa: A002 - the fixed name
    *,
    version: int = 1,
    strict: bool = False,
) -> Checked:
    """Everything that is wrong with a definition. Raises nothing for a wrong one.

    ``strict`` makes errors of warnings.
    """
    problems: list[Problem] = []
    tree, text = read(source, format, problems)
    definition = shape(tree, problems)
    graph: Graph | None = None
    plan: Plan | None = None
    if definition is not None:
        graph, whole = wire(definition, _ids(tree), problems)
        check_triggers(definition, problems)
        # In a graph that is not whole nobody can say what has run before what.
        certainty = Certainty(graph) if whole else Trusting(graph)
        planner = Planner(definition, certainty, SourceText(text), problems)
        plan = planner.plan(version)
        if whole:
            used = frozenset[str]().union(*planner.uses.values())
            subject = Subject(definition, graph, planner.certainty, used)
            problems.extend(run_checks(subject))
    if strict:
        problems = [replace(problem, severity="error") for problem in problems]
    problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    return Checked(definition, graph, plan, tuple(problems))


@uncollected()
def compile_workflow(
    source: str | bytes,
    format: Format,  # noqa: A002 - the fixed name
    *,
    version: int = 1,
    strict: bool = False,
) -> CompiledFlow:
    """The Prefect flow that does what the definition says.

    Raises DefinitionError with every problem found. The result depends on
    nothing but the arguments.
    """
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError("a version is a whole number from 1")
    checked = check_workflow(source, format, version=version, strict=strict)
    if checked.errors:
        raise DefinitionError(checked.errors)
    definition, plan = checked.definition, checked.plan
    assert definition is not None  # noqa: S101 - without errors there is a definition
    assert plan is not None  # noqa: S101
    digest = digest_of(definition)
    text = render(plan, digest=digest, version=version)
    lines = {node.id: node.place[0] for node in definition.nodes}
    triggers = tuple(
        TriggerSpec(
            node.id, node.variant, {key: value.plain() for key, value in node.config.items()}
        )
        for node in definition.nodes
        if node.type == "trigger" and not node.disabled
    )
    return CompiledFlow(
        source=text,
        filename=f"{plan.function}.py",
        digest=digest,
        version=version,
        name=definition.name,
        flow_name=flow_name(definition.name),
        entrypoint=plan.function,
        nodes=tuple(
            CompiledNode(
                node.id, python_name(node.id), node.type, node.variant, node.label, node.place[0]
            )
            for node in definition.nodes
        ),
        source_map=gate(text, plan, lines),
        parameters_schema=parameters_schema(plan, definition),
        parameter_names={
            parameter.input: parameter.name
            for parameter in plan.parameters
            if parameter.input != parameter.name
        },
        triggers=triggers,
        schedules=tuple(
            Schedule(trigger.node, trigger.config["cron"], trigger.config.get("timezone") or "UTC")
            for trigger in triggers
            if trigger.kind == "scheduled" and trigger.config.get("cron")
        ),
        warnings=checked.warnings,
        definition=definition,
    )


def _ids(tree: Tree | None) -> set[str]:
    """All ids that the text gives nodes, refused ones too."""
    nodes = tree.entries.get("nodes") if tree is not None else None
    if nodes is None:
        return set()
    named = [item.entries.get("id") for item in nodes.items]
    return {*nodes.entries, *(id_.value for id_ in named if id_ and isinstance(id_.value, str))}
