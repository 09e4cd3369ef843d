"""The language means what JavaScript means: Python's answers against real Node's.

Each pair is an expression in a scope. Both ways of evaluating are asked: the interpreter
(``.evaluate``) and the emitted Python, run as generated code would run it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any

from compiler.expressions import Expression, ExpressionError, compile_expression, tree
from compiler.expressions.parser import BINDS, MATH, METHODS
from runtime_tasks import javascript as js
from runtime_tasks.errors import ExpressionFailed
from tests.expressions.generated import NAMES, Expressions, python_scope, scope
from tests.expressions.node import alike, in_node, written

PAIRS = 30_000
SCOPES = 60
PER_EXPRESSION = 3
PYTHON_NAMES = {key: name.python for key, name in NAMES.items()}


def interpreted(expression: Expression, given: dict[str, Any]) -> Any:
    try:
        return written(expression.evaluate(given))
    except ExpressionFailed:
        return ["throws"]


def emitted(code: Any, given: dict[str, Any]) -> Any:
    """Typed Python may meet a None that its type allows: that raises as JavaScript throws."""
    scope = {PYTHON_NAMES[key]: value for key, value in given.items()}
    try:
        return written(eval(code, {"js": js, **scope}))
    except (ExpressionFailed, AttributeError, TypeError):
        return ["throws"]


def for_node(text: str) -> str:
    """``maybe-1?.output.x`` also asks whether there is an output; JavaScript needs both marks."""
    text = text.replace("maybe-1?.output.", "maybe-1?.output?.")
    return text.replace("find-1", "find_1").replace("maybe-1", "maybe_1")


EVERYTHING = {
    *BINDS,
    *METHODS,
    *(f"Math.{name}" for name in MATH),
    *(["!", "-", "+", "?:", ".member", "[index]", "?.member", "?.[index]", "?.method()", "arrow"]),
    *(["text", "number", "constant", "undefined", "name", "item", "template", "list", "object"]),
}


def constructs(roots: Iterable[tree.Node]) -> set[str]:
    """What of the language occurs, so that nobody takes a part of it out of the generator."""
    found: set[str] = set()
    level = list(roots)
    while level:
        found.update(construct(node) for node in level)
        level = [child for node in level for child in tree.children(node)]
    return found


def construct(node: tree.Node) -> str:
    optional = getattr(node, "optional", False)
    match node:
        case tree.Binary() | tree.Logical() | tree.Unary():
            return node.operator
        case tree.Call():
            return "?.method()" if optional else node.method
        case tree.MathCall():
            return f"Math.{node.function}"
        case tree.Member():
            return "?.member" if optional else ".member"
        case tree.Index():
            return "?.[index]" if optional else "[index]"
        case tree.Constant(value=str()):
            return "text"
        case tree.Constant(value=None | bool()):
            return "constant"
    return NAMED[type(node)]


NAMED: dict[type[tree.Node], str] = {
    tree.Constant: "number",
    tree.UndefinedConstant: "undefined",
    tree.Reference: "name",
    tree.Parameter: "item",
    tree.Template: "template",
    tree.Array: "list",
    tree.ObjectLiteral: "object",
    tree.Arrow: "arrow",
    tree.Chain: "chain",
    tree.Ternary: "?:",
}


def test_python_and_node_agree_on_generated_expressions() -> None:
    chance = random.Random(int(os.environ.get("EXPRESSION_SEED", "20240")))
    scopes = [scope(chance) for _ in range(SCOPES)]
    python_scopes = [python_scope(given) for given in scopes]
    compiled: list[tuple[str, Expression, list[int]]] = []
    seen: set[str] = set()
    refused: list[tuple[str, ExpressionError]] = []
    while len(compiled) * PER_EXPRESSION < PAIRS:
        text = Expressions(chance).any(chance.randrange(1, 6))
        if text in seen or len(text) > 2_000:
            continue
        seen.add(text)
        try:
            expression = compile_expression(text, NAMES)
        except ExpressionError as error:
            refused.append((text, error))
            continue
        where = [chance.randrange(SCOPES) for _ in range(PER_EXPRESSION)]
        compiled.append((text, expression, where))

    assert constructs(expression.tree for _, expression, _ in compiled) >= EVERYTHING

    theirs = in_node([(for_node(text), where) for text, _, where in compiled], scopes)
    differences: list[str] = []
    pairs = threw = 0
    for (text, expression, where), answers in zip(compiled, theirs, strict=True):
        try:
            code = compile(expression.python, "<emitted>", "eval")
        except SyntaxError as error:
            differences.append(f"{error}: {text}\n  {expression.python}")
            continue
        for index, answer in zip(where, answers, strict=True):
            pairs += 1
            threw += answer == ["throws"]
            for way, ours in (
                ("evaluate", interpreted(expression, python_scopes[index])),
                ("python", emitted(code, python_scopes[index])),
            ):
                if not alike(ours, answer):
                    differences.append(
                        f"{way}: {text}\n  {expression.python}\n  ours {ours}\n  node {answer}"
                    )
    assert not differences, f"{len(differences)} of {pairs}:\n" + "\n".join(differences[:20])
    assert pairs >= 20_000, pairs
    assert threw < pairs / 3

    syntax = [text for text, error in refused if error.code == "syntax"]
    answers = in_node([(for_node(text), [0]) for text in syntax], scopes[:1])
    wrongly = [text for text, answer in zip(syntax, answers, strict=True) if answer != [["syntax"]]]
    assert not wrongly, "refused, but JavaScript: " + "\n".join(wrongly[:20])
