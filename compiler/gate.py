"""The last look at a generated file: it may hold what the plan asked for, and nothing else.

Everything before this is built so that no text of a definition can become code.
This module does not trust it: it holds the finished source against the plan, word for
word or in its syntax tree, and refuses any import, any name, any statement and any
attribute that it does not expect.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache

from compiler.code import Code
from compiler.compiled import Span
from compiler.errors import CompilerError
from compiler.imports import IMPORTS
from compiler.layout import Value
from compiler.literals import quoted
from compiler.plain import plain_names
from compiler.plan import Plan, TaskPlan
from compiler.syntax import parse, parse_expression
from compiler.verbatim import NotVerbatim, on_one_line, written

BUILTINS = frozenset(
    ("all", "any", "bool", "enumerate", "float", "len", "max", "min", "next"),
)
"""What compiled expressions call."""

BETWEEN_FUNCTIONS = "\n\n\n@"
"""How the template parts functions. No literal holds it: line ends in texts are escaped."""

LOOP = "    async for _ in run:  # once at the start, and again each time a node settles\n"
RULE = re.compile(r"\n {8}(?=[^ )])")
"""Where a rule begins; no other line within the loop is indented so, but closing brackets."""
RUN = frozenset(("run",))
_HEADER = re.compile(r'"""[^"\\]*"""\n')
_IMPORT = re.compile("from ([a-z_.]+) import ([A-Za-z_, ]+)")
_RUN = re.compile(
    r'    run = WorkflowRun\(\s+inputs=locals\(\),\s+(digest="sha256:[0-9a-f]{64}"),'
    r"\s+(version=[1-9][0-9]*),\s+\)\n\Z"
)
_MADE = re.compile(
    r"WorkflowRun\(inputs=locals\(\), digest='sha256:[0-9a-f]{64}', version=[1-9][0-9]*\)"
)

_EXPRESSIONS: tuple[type[ast.AST], ...] = (
    *(ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.Dict),
    *(ast.FormattedValue, ast.GeneratorExp, ast.IfExp, ast.JoinedStr, ast.Lambda, ast.List),
    *(ast.ListComp, ast.Name, ast.Tuple, ast.UnaryOp),
    *(ast.keyword, ast.comprehension, ast.arguments, ast.arg),
    *(ast.Load, ast.Store, ast.And, ast.Or, ast.Not, ast.USub),
    *(ast.Add, ast.Sub, ast.Mult, ast.Mod),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn),
)
_ALLOWED = frozenset(_EXPRESSIONS)


class GateError(CompilerError):
    """The generated source holds something that nobody asked for. This is a fault of ours."""


def check(source: str, plan: Plan, definition_lines: dict[str, int]) -> tuple[Span, ...]:
    """Raise GateError, or give the source map.

    Each function is looked at by itself: pieces that are whole statements at the left margin mean
    together what they mean alone. A piece that was cut wrongly is none that was planned.
    """
    pieces = source.split(BETWEEN_FUNCTIONS)
    if len(pieces) != len(plan.tasks) + 2:
        raise GateError("there are more or fewer functions than the plan has")
    imported = _head(pieces[0], plan)
    tasks: dict[str, tuple[int, int]] = {}
    before = pieces[0].count("\n") + 3
    # All at once: a piece that ends within brackets is none of ours, whatever it takes with it.
    joined = on_one_line(BETWEEN_FUNCTIONS.join(pieces[1:-1])).split(BETWEEN_FUNCTIONS)
    for piece, on_a_line, task in zip(pieces[1:-1], joined, plan.tasks, strict=True):
        length = piece.count("\n")
        _task("@" + piece, "@" + on_a_line, task, imported)
        tasks[task.node.id] = before + 1, before + 1 + length
        before += length + 3
    functions = {task.function for task in plan.tasks}
    rules = _flow("@" + pieces[-1], plan, imported | functions, before)
    return tuple(
        Span(task.node.id, *tasks[task.node.id], *rule, definition_lines[task.node.id])
        for task, rule in zip(plan.tasks, rules, strict=True)
    )


def _task(piece: str, joined: str, task: TaskPlan, imported: set[str]) -> None:
    """A task is its decorator, its parameters and its step, as they were planned."""
    names: set[str] = set()
    try:
        planned = (
            f"@{written(task.decorator, names, _names_in)}\n"
            f"def {task.function}({', '.join(task.parameters)}):\n"
            f"    return {written(task.step, names, _names_in)}"
        )
    except NotVerbatim:
        raise GateError(f"{task.function} holds more than was planned") from None
    if planned != joined:
        names = _task_tree(_parsed(piece), task)
    unknown = names.difference(imported, task.parameters, BUILTINS)
    if unknown:
        raise GateError(f"nobody asked for the name {min(unknown)} in {task.function}")


@lru_cache(maxsize=4096)
def _names_in(expression: str) -> frozenset[str]:
    """The free names of one expression, which may stand between commas as it is."""
    plain = plain_names(expression)
    if plain is not None:
        return plain
    return frozenset(name.id for name in _free_names([_expression(expression)]))


def _expression(text: str) -> ast.expr:
    """The tree of a text that is one expression: neither several, nor one with a comment."""
    try:
        body = parse_expression(text)
        if "#" in text:
            parse_expression(f"({text})")
    except (SyntaxError, ValueError) as error:
        raise GateError(f"the generated source holds no expression: {error}") from None
    if isinstance(body, ast.Tuple) or "\n" in text:
        raise GateError("the generated source holds something else than one expression")
    return body


def _parsed(piece: str) -> list[ast.stmt]:
    try:
        return parse(piece).body
    except (SyntaxError, ValueError) as error:
        raise GateError(f"the generated source is no Python: {error}") from None


def _head(head: str, plan: Plan) -> set[str]:
    """The header, the imports and the waivers; gives the imported names."""
    header = _HEADER.match(head)
    if header is None:
        raise GateError("the file does not begin with its header")
    imports, _, waived = head[header.end() :].partition("\n\nWAIVED = ")
    if on_one_line(waived) != _waived_in_words(plan):
        raise GateError("the waivers are others than planned")
    imported: set[str] = set()
    for line in filter(None, imports.split("\n")):
        given = _IMPORT.fullmatch(line)
        if given is None:
            raise GateError(f"nobody asked for {line[:80]!r} before the first function")
        imported |= _allowed(given[1], given[2].split(", "))
    return imported


def _waived_in_words(plan: Plan) -> str:
    try:
        return "" if plan.waived is None else written(plan.waived, set(), _names_in)
    except NotVerbatim:
        raise GateError("the waivers hold more than was planned") from None


def _allowed(module: str, names: list[str]) -> set[str]:
    """The names that an import of ours binds."""
    known = IMPORTS.get(module, {})
    if not known.keys() >= set(names):
        raise GateError(f"nobody asked for an import from {module}")
    return {known[name] for name in names}


def _task_tree(body: list[ast.stmt], task: TaskPlan) -> set[str]:
    """The same, looked at in the syntax tree; gives the names that it uses."""
    match body:
        case [
            ast.FunctionDef(name=task.function, body=[ast.Return(value=ast.Call() as step)]) as it
        ]:
            pass
        case _:
            raise GateError(f"{task.function} does something else than return its step")
    _parameters(it.args, task.parameters, task.function)
    annotated = any(argument.annotation is not None for argument in it.args.args)
    if it.returns is not None or it.args.defaults or annotated or len(it.decorator_list) != 1:
        raise GateError(f"{task.function} is declared otherwise than planned")
    _as_planned(it.decorator_list[0], task.decorator, task.function)
    _as_planned(step, task.step, task.function)
    return {name.id for name in _free_names([*it.decorator_list, step])}


def _as_planned(node: ast.AST, planned: Value, function: str) -> None:
    """The tree means what the plan says, to the last leaf; only the layout may differ."""
    if isinstance(planned, Code):
        if ast.dump(node) != ast.dump(_expression(planned.text)):
            raise GateError(f"{function} says something else than planned")
        return
    given: list[ast.expr] = []
    match node:
        case ast.Call():
            opening = f"{ast.unparse(node.func)}("
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            found = [*("" for _ in node.args), *(f"{keyword.arg}=" for keyword in node.keywords)]
        case ast.List():
            opening, given, found = "[", node.elts, ["" for _ in node.elts]
        case ast.Dict():
            opening, given = "{", node.values
            found = [f"{_text_of(key)}: " for key in node.keys]
        case _:
            opening, found = "", []
    if opening != planned.opening or found != [name for name, _ in planned.items]:
        raise GateError(f"{function} says more or less than planned")
    for inner, (_, value) in zip(given, planned.items, strict=True):
        _as_planned(inner, value, function)


def _text_of(key: ast.expr | None) -> str:
    """A mapping's key as the plan writes it."""
    return quoted(key.value) if isinstance(key, ast.Constant) and type(key.value) is str else ""


def _parameters(arguments: ast.arguments, planned: Iterable[str], function: str) -> None:
    plain = not (
        arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg
    )
    if not plain or [argument.arg for argument in arguments.args] != list(planned):
        raise GateError(f"{function} takes other parameters than planned")


def _flow(piece: str, plan: Plan, known: set[str], before: int) -> list[tuple[int, int]]:
    """The flow function's form: make the run, ask the rules, finish. Gives each rule's lines."""
    head, found, rest = piece.partition(LOOP)
    body, end, more = rest.rpartition("\n    return")
    if not (found and end):
        raise GateError("the flow function has another form than planned")
    rules = RULE.split("\n" + body)[1:]
    if len(rules) != len(plan.tasks):
        raise GateError("there are more or fewer rules than the plan has")
    if on_one_line(f"{head}{end[1:]}{more}") != _flow_in_words(plan, head):
        _flow_tree(_parsed(f"{head}{found}        pass{end}{more}"), plan)
    joined = RULE.split("\n" + on_one_line(body))[1:]
    line = before + head.count("\n") + 1
    places: list[tuple[int, int]] = []
    for rule, on_a_line, task in zip(rules, joined, plan.tasks, strict=True):
        _rule("        " + on_a_line, task, known)
        length = rule.count("\n") + 1
        places.append((line + 1, line + length))
        line += length
    return places


def _rule(joined: str, task: TaskPlan, known: set[str]) -> None:
    """A rule, its brackets on one line, is its question and its start, as they were planned."""
    names: set[str] = set()
    try:
        start = written(task.start, names, _names_in)
        if task.question is None:
            planned = f"        {start}"
        else:
            question = written(task.question, names, _names_in)
            planned = f"        if {question}:\n            {start}"
    except NotVerbatim:
        raise GateError(f"the rule of {task.function} holds more than names") from None
    unknown = names.difference(known, RUN)
    if planned != joined or unknown:
        raise GateError(f"the rule of {task.function} is another than planned")


def _flow_in_words(plan: Plan, head: str) -> str | None:
    """The flow function without its loop, on one line each; None where it is not so simple."""
    made = _RUN.search(head)
    try:
        parameters = [
            f"{parameter.name}: {parameter.annotation}"
            + (f" = {written(parameter.default, set(), _names_in)}" if parameter.default else "")
            for parameter in plan.parameters
        ]
        decorator = written(plan.flow, set(), _names_in)
    except NotVerbatim:
        raise GateError(f"{plan.function} holds more than was planned") from None
    if made is None:
        return None
    return (
        f"@{decorator}\nasync def {plan.function}({', '.join(parameters)}):\n"
        f"    run = WorkflowRun(inputs=locals(), {made[1]}, {made[2]})\n"
        "    return await run.finish()\n"
    )


def _flow_tree(body: list[ast.stmt], plan: Plan) -> None:
    """The flow function without its rules."""
    statement = body[0] if len(body) == 1 else None
    if not isinstance(statement, ast.AsyncFunctionDef) or statement.name != plan.function:
        raise GateError("the flow function is missing")
    _parameters(statement.args, (p.name for p in plan.parameters), plan.function)
    if len(statement.decorator_list) != 1:
        raise GateError("the flow is declared otherwise than planned")
    _as_planned(statement.decorator_list[0], plan.flow, plan.function)
    for argument, parameter in zip(statement.args.args, plan.parameters, strict=True):
        if argument.annotation is None or ast.unparse(argument.annotation) != parameter.annotation:
            raise GateError(f"{parameter.name} is declared otherwise than planned")
    defaults = [parameter.default for parameter in plan.parameters if parameter.default is not None]
    if len(statement.args.defaults) != len(defaults):
        raise GateError(f"{plan.function} has more or fewer defaults than planned")
    for default, planned in zip(statement.args.defaults, defaults, strict=True):
        _as_planned(default, planned, plan.function)
    match statement.body:
        case [
            ast.Assign(targets=[ast.Name("run")], value=ast.Call() as made),
            ast.AsyncFor(target=ast.Name("_"), iter=ast.Name("run"), body=[ast.Pass()], orelse=[]),
            ast.Return(value=ast.Await(value=ast.Call() as finish)),
        ] if ast.unparse(finish) == "run.finish()" and _MADE.fullmatch(ast.unparse(made)):
            pass
        case _:
            raise GateError("the flow function has another form than planned")


def _free_names(roots: Iterable[ast.AST | None]) -> list[ast.Name]:
    """The names that are used and not bound below; refuses nodes of other kinds than allowed."""
    bound: set[str] = set()
    loaded: list[ast.Name] = []
    stack: list[ast.AST] = [root for root in roots if root is not None]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is ast.Constant:
            continue
        if kind is ast.Name:
            if type(node.ctx) is ast.Store:  # type: ignore[attr-defined]
                bound.add(node.id)  # type: ignore[attr-defined]
            else:
                loaded.append(node)  # type: ignore[arg-type]
            continue
        if kind not in _ALLOWED:
            raise GateError(f"nobody asked for {kind.__name__} on line {_line(node)}")
        if kind is ast.Attribute and node.attr.startswith("_"):  # type: ignore[attr-defined]
            raise GateError(f"nobody asked for .{node.attr} on line {_line(node)}")  # type: ignore[attr-defined]
        if kind is ast.comprehension and node.is_async:  # type: ignore[attr-defined]
            raise GateError("nobody asked for an asynchronous loop")
        if kind is ast.arg:
            bound.add(node.arg)  # type: ignore[attr-defined]
        for name in node._fields:
            child = getattr(node, name)
            if isinstance(child, ast.AST):
                stack.append(child)
            elif isinstance(child, list):
                stack += [item for item in child if isinstance(item, ast.AST)]
    return [use for use in loaded if use.id not in bound]


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
