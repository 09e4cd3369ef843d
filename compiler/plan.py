"""What will be written, all decisions made: the template only prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from compiler.called import names_in
from compiler.certainty import Certainty
from compiler.code import asking, expression, identifier, literal
from compiler.definition import Definition, Node, Variable
from compiler.errors import ExpressionError, Problem
from compiler.expressions import (
    Expression,
    Name,
    ValueName,
)
from compiler.expressions.names import NameTable
from compiler.expressions.remembered import template, worded
from compiler.expressions.types import UNKNOWN, nothing_at_times
from compiler.fields import Field, fields_of, hidden_parameters, kinds_of
from compiler.graph import step_of
from compiler.layout import Bracket, Value, bracket, call, listing, mapping, value_of
from compiler.names import file_name, python_name
from compiler.places import SourceText
from compiler.retries import delays
from compiler.rules import Rules
from compiler.scope import Scope, values_of
from compiler.tree import Tree

# Prefect refuses these in a flow's name (prefect/types/names.py).
_REFUSED_BY_PREFECT = str.maketrans(dict.fromkeys("/%&><", "-"))

ALWAYS = ("currentUser", "trigger", "execution")
"""Parameters that every flow has, so that the server can start all of them alike."""


@dataclass(frozen=True)
class Parameter:
    name: str
    annotation: str
    default: Value | None
    input: str
    """What the definition calls it."""


class TaskPlan(NamedTuple):
    node: Node
    function: str
    parameters: tuple[str, ...]
    decorator: Bracket
    step: Bracket
    question: Bracket | None
    """``run.ready(…)``; None where the node starts the run."""
    start: Bracket


@dataclass(frozen=True)
class Plan:
    function: str
    flow: Bracket
    parameters: tuple[Parameter, ...]
    tasks: tuple[TaskPlan, ...]
    waived: Bracket | None
    names_used: frozenset[str]
    """Helpers that expressions and rules call."""


class Planner:
    """Compiles every hole of the definition, collecting problems."""

    def __init__(
        self,
        definition: Definition,
        certainty: Certainty,
        text: SourceText,
        problems: list[Problem],
    ) -> None:
        self.definition = definition
        self.graph = certainty.graph
        self.text = text
        self.problems = problems
        self.values = values_of(definition)
        self._given = {
            "failure": "failure",
            **{name: it.python for name, it in self.values.items() if isinstance(it, ValueName)},
        }
        """What inputs and variables are handed over as."""
        self.certainty = certainty
        self.rules = Rules(self.graph)
        self.uses: dict[str, frozenset[str]] = {}
        """Names that each node's expressions use."""
        self.names_used: set[str] = set()
        self._meant = {(p.node, p.hint) for p in problems if p.code == "unknown-key"}

    def plan(self, version: int) -> Plan:
        function = file_name(self.definition.name)
        taken = {name.text for name in self.rules.names.values()}
        taken |= {python_name(variable.name) for variable in self.definition.variables}
        while function in taken:
            function += "_flow"
        inputs = self._inputs()
        tasks = tuple(self._task(node, inputs) for node in self.graph.nodes)
        used = frozenset().union(*self.uses.values()) if self.uses else frozenset()
        return Plan(
            function=function,
            flow=self._flow(version),
            parameters=tuple(
                parameter
                for parameter in inputs.values()
                if parameter.input != "connectionId" or used & {"connectionId", "variables"}
            ),
            tasks=tasks,
            waived=self._waived(),
            names_used=frozenset(self.names_used | self.rules.asked),
        )

    def _flow(self, version: int) -> Bracket:
        definition = self.definition
        items: list[tuple[str, Value]] = [
            ("name", literal(flow_name(definition.name))),
            ("version", literal(str(version))),
        ]
        if definition.description:
            items.append(("description", literal(definition.description)))
        if definition.settings.timeout is not None:
            items.append(("timeout_seconds", literal(definition.settings.timeout)))
        return call(identifier("flow"), items)

    def _waived(self) -> Bracket | None:
        waivers = [
            (f"{waiver.check} {waiver.node or ''}".strip(), literal(waiver.reason))
            for waiver in self.definition.settings.checks
        ]
        for node in self.definition.nodes:
            if node.no_rollback is not None:
                why = f"{node.no_rollback.reason} ({node.no_rollback.acknowledged_by})"
                waivers.append((f"rollback-coverage {node.id}", literal(why)))
        return mapping(dict(waivers).items()) if waivers else None

    def _inputs(self) -> dict[str, Parameter]:
        """Parameters by Python name, in their order in the signature."""
        required = [Parameter("connectionId", "str", None, "connectionId")]
        optional: list[Parameter] = []
        for variable in self.definition.variables:
            if not variable.secret:
                parameter = _parameter(variable)
                (required if parameter.default is None else optional).append(parameter)
        implicit = [Parameter(name, "dict | None", literal(None), name) for name in ALWAYS]
        return {parameter.name: parameter for parameter in (*required, *optional, *implicit)}

    def _task(self, node: Node, inputs: Mapping[str, Parameter]) -> TaskPlan:
        step = step_of(node)
        scope = Scope(self.values, self.certainty, node.id)
        names: set[str] = set()
        items: list[tuple[str, Value]] = []
        positional = True
        for key, field in fields_of(step).items():
            tree = node.config.get(key)
            if tree is None:
                positional = False
                if field.required:
                    self._missing(node, field)
                continue
            self._fits(node, field, tree)
            value = self._value(node, field, tree, scope, names)
            items.append(("" if positional and field.positional else field.parameter, value))
        items += [self._hidden(node, name, scope, names) for name in hidden_parameters(step)]
        self.uses[node.id] = frozenset(names)
        return TaskPlan(
            node,
            self.rules.names[node.id].text,
            tuple(self._parameters(names, inputs)),
            _decorator(node),
            call(identifier("steps", step.name), items),
            self.rules.question(node),
            self.rules.start(node),
        )

    def _missing(self, node: Node, field: Field) -> None:
        # A key with a slip of the pen is one mistake, not two.
        if (node.id, f"did you mean {field.key}?") not in self._meant:
            message = f"'{field.key}' is missing"
            self._problem(node, field.key, "missing", message, hint=_example(field))

    def _fits(self, node: Node, field: Field, tree: Tree) -> None:
        wrong = field.accepts.wrong(tree)
        if wrong is not None:
            at, wanted = wrong
            words = wanted.startswith("one of")
            self._problem(
                node,
                field.key,
                "unknown-value" if words else "wrong-type",
                f"'{field.key}' does not know this word"
                if words
                else f"'{field.key}' takes {wanted}",
                hint=wanted if words else field.never_null or _example(field),
                tree=at,
            )
        value = tree.value
        if (
            field.least is not None
            and isinstance(value, int | float)
            and not isinstance(value, bool)
            and value < field.least
        ):
            self._problem(
                node,
                field.key,
                "wrong-type",
                f"'{field.key}' is at least {field.least:g}",
                tree=tree,
            )

    def _value(self, node: Node, field: Field, tree: Tree, scope: Scope, names: set[str]) -> Value:
        if field.lambda_of:
            if isinstance(tree.value, str) and not _is_one_hole(tree.value):
                # As a text it would always hold.
                self._problem(
                    node,
                    field.key,
                    "no-expression",
                    f"'{field.key}' is an expression",
                    hint="write it between {{ and }}, with nothing around it",
                    tree=tree,
                )
            # The server asks a trigger's filter before there is a run: there is nothing else then.
            around = None if node.type == "trigger" else scope
            inner = _Inner(around, field.lambda_of)
            compiled = self._compile(node, field, tree, inner, names)
            if compiled is None:
                return literal(None)
            names.discard(field.lambda_of)
            return asking(field.lambda_of, compiled)
        if tree.kind == "list":
            return listing(self._value(node, field, item, scope, names) for item in tree.items)
        if tree.kind == "mapping":
            return mapping(
                (key, self._value(node, field, inner_tree, scope, names))
                for key, inner_tree in tree.entries.items()
            )
        if not isinstance(tree.value, str) or "{{" not in tree.value:
            return literal(tree.value)
        compiled = self._compile(node, field, tree, scope, names)
        if compiled is None:
            return literal(None)
        wanted = field.accepts if tree is node.config[field.key] else field.accepts.inner
        if wanted is not None and wanted.kinds and not compiled.secrets:
            given = kinds_of(compiled.type)
            whole = tree is node.config[field.key]
            if whole and field.never_null and nothing_at_times(compiled.type):
                self._problem(
                    node,
                    field.key,
                    "may-be-null",
                    f"'{field.key}' comes to null where a node before it has not run",
                    hint=field.never_null,
                    tree=tree,
                )
            if given and wanted.kinds == {"text"} and given <= {"number", "whole", "boolean"}:
                # A number where text is wanted is what people see of it.
                compiled = worded(tree.value, scope)
                self.names_used |= names_in(compiled.python)
                return expression(compiled)
            if given and not given & wanted.kinds:
                self._problem(
                    node,
                    field.key,
                    "wrong-type",
                    f"'{field.key}' takes {wanted.wanted()}, and this is {compiled.type}",
                    tree=tree,
                )
        return expression(compiled)

    def _compile(
        self, node: Node, field: Field, tree: Tree, scope: NameTable, names: set[str]
    ) -> Expression | None:
        if not isinstance(tree.value, str):
            self._problem(node, field.key, "wrong-type", f"'{field.key}' takes text", tree=tree)
            return None
        text = tree.value
        try:
            compiled = template(text, scope)
        except ExpressionError as error:
            line, column = self.text.within(tree, error.column)
            self.problems.append(
                Problem(
                    error.code,
                    error.message,
                    line,
                    column,
                    node=node.id,
                    field=field.key,
                    hint=error.hint,
                )
            )
            return None
        self.names_used |= names_in(compiled.python)
        if compiled.secrets and not _takes_secret(field):
            secret = min(compiled.secrets)
            self._problem(
                node,
                field.key,
                "secret-here",
                f"the secret '{secret}' may not stand in '{field.key}': it would be seen",
                hint="secrets go where they are used: a webhook's URL, a header, a password",
                tree=tree,
            )
        names |= compiled.references
        return compiled

    def _hidden(
        self, node: Node, parameter: str, scope: Scope, names: set[str]
    ) -> tuple[str, Value]:
        """A parameter that no definition gives."""
        if node.type == "error_handler":
            names.add(parameter)
            return parameter, identifier(parameter)
        compiled = template(_RECEIVED, scope)
        self.names_used |= names_in(compiled.python)
        names |= compiled.references
        return parameter, expression(compiled)

    def _parameters(self, names: set[str], inputs: Mapping[str, Parameter]) -> list[str]:
        """A task's parameters: what its expressions use, inputs first, then nodes in order."""
        before: list[int] = []
        used: set[str] = set()
        for name in names:
            position = self.graph.position.get(name)
            if position is not None:
                before.append(position)
            elif (given_as := self._given.get(name)) is not None:
                used.add(given_as)
        given = [name for name in inputs if name in used] if used else []
        given += sorted(used.difference(inputs))
        return given + [self.rules.names[self.graph.nodes[at].id].text for at in sorted(before)]

    def _problem(
        self,
        node: Node,
        field: str,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        tree: Tree | None = None,
    ) -> None:
        line, column = (tree.line, tree.column) if tree else node.keys.get(field, node.place)
        self.problems.append(
            Problem(code, message, line, column, node=node.id, field=field, hint=hint)
        )


_RECEIVED = "{{ trigger }}"


class _Inner(NameTable):
    """A scope with one more name: what a condition that is asked again is about."""

    def __init__(self, scope: Scope | None, name: str) -> None:
        self.scope = scope
        self.name = name

    def look_up(self, key: str) -> Name | None:
        if key == self.name:
            return ValueName(self.name, UNKNOWN)
        return None if self.scope is None else self.scope.look_up(key)

    def __iter__(self) -> Iterator[str]:
        yield self.name
        if self.scope is not None:
            yield from self.scope

    def __len__(self) -> int:
        return 1 + (0 if self.scope is None else len(self.scope))


def _is_one_hole(text: str) -> bool:
    text = text.strip()
    return text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1


def flow_name(name: str) -> str:
    """The name in Prefect, which refuses a few characters."""
    return name.translate(_REFUSED_BY_PREFECT)


def _takes_secret(field: Field) -> bool:
    inner = field.accepts.inner
    return field.accepts.secret or (inner is not None and inner.secret)


def _parameter(variable: Variable) -> Parameter:
    annotation = {
        "string": "str",
        "number": "int | float",
        "boolean": "bool",
        "object": "dict | list | None",
        "list": "list",
        "connection": "str",
    }[variable.type]
    default = None if variable.default is None else value_of(variable.default)
    if default is None and not variable.required:
        default = _empty(variable.type)
    return Parameter(python_name(variable.name), annotation, default, variable.name)


def _empty(type_: str) -> Value:
    """What a variable is that need not be given and was not."""
    if type_ == "list":
        return listing([])
    return literal({"number": 0, "boolean": False, "object": None}.get(type_, ""))


_NO_CACHE = identifier("NO_CACHE")


def _decorator(node: Node) -> Bracket:
    """``task(…)``, over several lines always, so that a difference shows one setting."""
    tags = listing((literal(f"node:{node.id}"), literal(f"node-type:{node.type}")))
    items: list[tuple[str, Value]] = [
        ("name=", literal(node.label)),
        ("task_run_name=", literal(node.id)),
        ("tags=", tags),
    ]
    if node.retry is not None:
        items.append(("retries=", literal(node.retry.retries)))
        items.append(("retry_delay_seconds=", listing(literal(s) for s in delays(node.retry))))
    if node.timeout is not None:
        items.append(("timeout_seconds=", literal(node.timeout)))
    items.append(("cache_policy=", _NO_CACHE))
    return bracket("task(", items, ")", exploded=True)


def _example(field: Field) -> str | None:
    examples: dict[str, str] = {
        "connection": 'such as connectionId: "{{ connectionId }}"',
        "approvers": "such as approvers: [role:admin]",
        "cron": 'such as cron: "0 2 * * *"',
        "sql": f"such as {field.key}: select 1",
        "duration": f"in seconds, such as {field.key}: 3600",
    }
    return examples.get(field.widget)
