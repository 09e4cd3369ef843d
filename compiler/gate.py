"""The last look at a generated file: it may hold what the plan asked for, and nothing else.

Everything before this is built so that no text of a definition can become code.
This module does not trust it: it parses the finished source and refuses any
import, any name, any statement and any attribute that it does not expect.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from compiler.compiled import Span
from compiler.errors import CompilerError
from compiler.imports import IMPORTS
from compiler.plan import Plan

BUILTINS = frozenset(
    (
        *("len", "str", "int", "float", "bool", "list", "dict", "locals", "isinstance"),
        *("any", "all", "next", "min", "max", "abs", "round", "sum", "range", "type"),
    )
)

_EXPRESSIONS: tuple[type[ast.AST], ...] = (
    *(ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.Dict),
    *(ast.FormattedValue, ast.GeneratorExp, ast.IfExp, ast.JoinedStr, ast.Lambda, ast.List),
    *(ast.ListComp, ast.Name, ast.NamedExpr, ast.Slice, ast.Starred, ast.Subscript, ast.Tuple),
    *(ast.UnaryOp, ast.keyword, ast.comprehension, ast.arguments, ast.arg),
    *(ast.Load, ast.Store, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow, ast.FloorDiv),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn),
)
_ALLOWED = frozenset(_EXPRESSIONS)


class GateError(CompilerError):
    """The generated source holds something that nobody asked for. This is a fault of ours."""


def check(source: str, plan: Plan, definition_lines: dict[str, int]) -> tuple[Span, ...]:
    """Raise GateError, or give the source map."""
    module = ast.parse(source)
    body = list(module.body)
    docstring = body.pop(0)
    if not (isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)):
        raise GateError("the file does not begin with its header")
    imported: set[str] = set()
    while body and isinstance(body[0], ast.ImportFrom):
        imported |= _imported(body.pop(0))  # type: ignore[arg-type]
    if plan.waived is not None:
        waived = body.pop(0)
        if not (isinstance(waived, ast.Assign) and isinstance(waived.value, ast.Dict)):
            raise GateError("the waivers are no mapping of texts")
        _walk([waived.value], set())
    functions = {task.function for task in plan.tasks}
    if len(body) != len(plan.tasks) + 1:
        raise GateError("there are more or fewer functions than the plan has")
    lines: dict[str, tuple[int, int]] = {}
    for statement, task in zip(body, plan.tasks, strict=False):
        if not isinstance(statement, ast.FunctionDef) or statement.name != task.function:
            raise GateError(f"the function {task.function} is missing")
        if [argument.arg for argument in statement.args.args] != list(task.parameters):
            raise GateError(f"{task.function} takes other parameters than planned")
        if len(statement.body) != 1 or not isinstance(statement.body[0], ast.Return):
            raise GateError(f"{task.function} does more than return its step")
        known = imported | set(task.parameters)
        returned = statement.body[0].value
        if not _calls_step(returned, task.step.opening):
            raise GateError(f"{task.function} does not call its step")
        _walk([*statement.decorator_list, returned], known)
        lines[task.node.id] = statement.decorator_list[0].lineno, statement.end_lineno or 0
    rules = _flow(body[-1], plan, imported | functions)
    return tuple(
        Span(task.node.id, *lines[task.node.id], *rule, definition_lines[task.node.id])
        for task, rule in zip(plan.tasks, rules, strict=True)
    )


def _imported(statement: ast.ImportFrom) -> set[str]:
    allowed = IMPORTS.get(statement.module or "", ())
    if statement.level or not {ast.unparse(alias) for alias in statement.names} <= set(allowed):
        raise GateError(f"nobody asked for an import from {statement.module}")
    return {alias.asname or alias.name for alias in statement.names}


def _calls_step(node: ast.AST | None, opening: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) + "(" == opening


def _flow(statement: ast.stmt, plan: Plan, known: set[str]) -> list[tuple[int, int]]:
    """The flow function's form: make the run, ask the rules, finish. Gives each rule's lines."""
    if not isinstance(statement, ast.AsyncFunctionDef) or statement.name != plan.function:
        raise GateError("the flow function is missing")
    parameters = [argument.arg for argument in statement.args.args]
    if parameters != [parameter.name for parameter in plan.parameters]:
        raise GateError("the flow takes other parameters than planned")
    _walk([*statement.decorator_list, *statement.args.defaults], known)
    match statement.body:
        case [
            ast.Assign(targets=[ast.Name("run")], value=ast.Call() as made),
            ast.AsyncFor(target=ast.Name("_"), iter=ast.Name("run"), body=rules, orelse=[]),
            ast.Return(value=ast.Await(value=ast.Call() as finish)),
        ] if ast.unparse(finish) == "run.finish()" and len(rules) == len(plan.tasks):
            _walk([made], known)
        case _:
            raise GateError("the flow function has another form than planned")
    places: list[tuple[int, int]] = []
    for rule, task in zip(rules, plan.tasks, strict=True):
        match rule:
            case ast.Expr(value=ast.Call() as start) if task.question is None:
                asked: list[ast.AST] = [start]
            case ast.If(
                test=ast.Call() as question, body=[ast.Expr(value=ast.Call() as start)], orelse=[]
            ) if task.question is not None:
                asked = [question, start]
            case _:
                raise GateError(f"the rule of {task.function} has another form than planned")
        _walk(asked, known | {"run"})
        places.append((rule.lineno, rule.end_lineno or rule.lineno))
    return places


def _walk(roots: Iterable[ast.AST | None], known: set[str]) -> None:
    """Every node below is of an allowed kind, and speaks of known names only."""
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
        if kind is ast.arg:
            bound.add(node.arg)  # type: ignore[attr-defined]
        for name in node._fields:
            child = getattr(node, name)
            if isinstance(child, ast.AST):
                stack.append(child)
            elif isinstance(child, list):
                stack.extend(item for item in child if isinstance(item, ast.AST))
    for use in loaded:
        if use.id not in known and use.id not in bound and use.id not in BUILTINS:
            raise GateError(f"nobody asked for the name {use.id} on line {use.lineno}")


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
