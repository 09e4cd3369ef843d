"""Small changes to our own code, each of which some promise should notice.

A mutant's functions take the place of the original ones by their code objects, so that every
module that has imported them runs the mutant.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip

Change = Callable[[], None]


def mutants(module: types.ModuleType) -> Iterator[tuple[str, ast.Module]]:
    """Every mutant of a module with the words for what was changed, one at a time."""
    source = inspect.getsource(module)
    for at in range(len(_changes(ast.parse(source)))):
        tree = ast.parse(source)
        words, change = _changes(tree)[at]
        change()
        yield words, ast.fix_missing_locations(tree)


def _changes(tree: ast.Module) -> list[tuple[str, Change]]:
    found: list[tuple[str, Change]] = []
    beside = {id(part) for node in ast.walk(tree) if _says_nothing(node) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in beside:
            continue
        for words, change in _changes_of(node):
            line = getattr(node, "lineno", 0)
            found.append((f"line {line}: {words}", change))
    return found


def _says_nothing(node: ast.AST) -> bool:
    """Documentation, messages and how much a cache keeps: no promise is made of them."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name.endswith("Error") or name == "lru_cache"
        case ast.Assign(targets=[ast.Name("__slots__")]) | ast.keyword(arg="simple"):
            return True
        case ast.FunctionDef(name="__repr__") | ast.Name("TYPE_CHECKING"):
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
    return False


def _changes_of(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[operator]):
            new = _COMPARISONS[type(operator)]()
            yield f"{ast.unparse(node)} → {type(new).__name__}", _set(node, "ops", [new])
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield f"{ast.unparse(node)} → {type(other).__name__}", _set(node, "op", other)
        case ast.UnaryOp(op=ast.Not()):
            yield f"{ast.unparse(node)} → without not", _set(node, "op", ast.UAdd())
        case ast.If() | ast.IfExp() | ast.While():
            for value in (True, False):
                words = f"if {ast.unparse(node.test)} → {value}"
                yield words, _set(node, "test", ast.Constant(value))
        case ast.Constant(value=str(text)) if text:
            yield f"{text!r} → nothing", _set(node, "value", "")
            yield f"{text!r} → another text", _set(node, "value", text + "~")
        case ast.Constant(value=bool(value)):
            yield f"{value} → {not value}", _set(node, "value", not value)
        case ast.Constant(value=int(value)):
            yield f"{value} → {value + 1}", _set(node, "value", value + 1)
            yield f"{value} → {value - 1}", _set(node, "value", value - 1)
        case ast.Dict(keys=[_, *_]):
            for at, key in enumerate(node.keys):
                if key is not None:
                    words = f"without the entry {ast.unparse(key)}"
                    yield words, _without(node.keys, at, node.values)
        case ast.Set() | ast.Tuple(ctx=ast.Load()) if len(node.elts) > 1:
            for at, item in enumerate(node.elts):
                yield f"without the item {ast.unparse(item)}", _without(node.elts, at)
        case ast.FunctionDef():
            for at, statement in enumerate(node.body):
                if isinstance(statement, ast.Raise | ast.AugAssign) or (
                    isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                ):
                    words = f"without {ast.unparse(statement)}"
                    yield words, _replaced(node.body, at, ast.Pass())
    for field in ("body", "orelse", "handlers"):
        inner = getattr(node, field, None)
        if isinstance(inner, list) and not isinstance(node, ast.FunctionDef | ast.Module):
            for at, statement in enumerate(inner):
                if isinstance(statement, ast.Raise | ast.Continue):
                    yield f"without {ast.unparse(statement)}", _replaced(inner, at, ast.Pass())


def _set(node: ast.AST, field: str, value: Any) -> Change:
    return lambda: setattr(node, field, value)


def _without(items: list[Any], at: int, *others: list[Any]) -> Change:
    def change() -> None:
        for each in (items, *others):
            del each[at]

    return change


def _replaced(items: list[Any], at: int, new: ast.stmt) -> Change:
    def change() -> None:
        items[at] = new

    return change


@contextmanager
def running(module: types.ModuleType, tree: ast.Module) -> Iterator[None]:
    """The module with a mutant's functions and constants. Raises where it cannot be loaded."""
    mutant = types.ModuleType(module.__name__)
    mutant.__file__ = module.__file__
    exec(compile(tree, "mutant", "exec"), mutant.__dict__)
    codes: list[tuple[types.FunctionType, types.CodeType, Any]] = []
    constants: dict[str, Any] = {}
    for name, value in vars(module).items():
        other = vars(mutant).get(name)
        if name.startswith("__") or other is None:
            continue
        if isinstance(value, types.FunctionType | type) or hasattr(value, "__wrapped__"):
            codes.extend(_functions(value, other, module.__name__))
        else:
            constants[name] = value
    before = [(function, function.__code__, function.__defaults__) for function, _, _ in codes]
    try:
        for function, code, defaults in codes:
            function.__code__, function.__defaults__ = code, defaults
        for name in constants:
            if type(constants[name]).__name__ not in ("TypeVar", "object"):
                setattr(module, name, getattr(mutant, name))
        _forget(module)
        yield
    finally:
        for function, code, defaults in before:
            function.__code__, function.__defaults__ = code, defaults
        for name, value in constants.items():
            setattr(module, name, value)
        _forget(module)


def _functions(
    value: Any, other: Any, module: str
) -> Iterator[tuple[types.FunctionType, types.CodeType, Any]]:
    value, other = getattr(value, "__wrapped__", value), getattr(other, "__wrapped__", other)
    if isinstance(value, types.FunctionType) and value.__module__ == module:
        with suppress(AttributeError):
            yield value, other.__code__, other.__defaults__
    elif isinstance(value, type) and value.__module__ == module:
        for name, inner in vars(value).items():
            inner = getattr(inner, "__func__", inner)
            changed = getattr(vars(other).get(name), "__func__", vars(other).get(name))
            both = isinstance(inner, types.FunctionType) and isinstance(changed, types.FunctionType)
            if both and inner.__code__.co_freevars == changed.__code__.co_freevars:
                yield inner, changed.__code__, changed.__defaults__


def _forget(module: types.ModuleType) -> None:
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()
