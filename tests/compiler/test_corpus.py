"""Thousands of hostile and odd definitions: each compiles to inert code or is refused in order."""

from __future__ import annotations

import ast
import types
from collections import Counter
from functools import cache

import black
import pytest
from black.mode import TargetVersion

from compiler import CompiledFlow, DefinitionError, compile_workflow
from compiler.names import MAX_FILE_NAME, file_name
from tests.compiler.hostile_definitions import Case, corpus

MODE = black.Mode(target_versions={TargetVersion.PY311})
PARTS = 8
NAMES = ("id ", "variable ", "name ")


@cache
def cases() -> tuple[Case, ...]:
    return tuple(corpus())


def answer(case: Case) -> CompiledFlow | DefinitionError:
    try:
        return compile_workflow(case.source, case.format)
    except DefinitionError as error:
        return error


def is_orderly(error: DefinitionError) -> None:
    """Every problem has a code, words and a place, and shows nothing that hides or misleads."""
    assert error.problems
    written = str(error)
    for problem in error.problems[:100]:
        assert problem.code
        assert problem.message
        assert problem.severity == "error"
        assert problem.line is not None
        assert problem.line >= 1
        assert problem.column is not None
        assert problem.column >= 1
        for text in (problem.code, problem.message, problem.node, problem.field, problem.hint):
            assert text is None or text.isprintable()
            assert text is None or len(text) < 500
        assert f":{problem.line}:{problem.column}" in written


CALLED = frozenset(("ready", "finish", "join", "get", "maybe", "lower", "upper", "split"))


def is_inert(flow: CompiledFlow) -> None:
    """The file imports what flows import, and calls nothing but ours, whatever the texts hold."""
    assert flow.filename == f"{flow.entrypoint}.py"
    assert flow.entrypoint.isidentifier()
    assert flow.entrypoint.isascii()
    assert len(flow.entrypoint) <= MAX_FILE_NAME + 10 * len("_flow")
    assert flow.source.replace("\n", "").isprintable()
    tree = ast.parse(flow.source)
    functions = {node.python for node in flow.nodes} | {flow.entrypoint}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert isinstance(node, ast.ImportFrom)
            assert node.module is not None
            assert node.module.partition(".")[0] in ("prefect", "runtime_tasks")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            assert node.name in functions
            functions.remove(node.name)
        elif isinstance(node, ast.Name):
            assert not node.id.startswith("__")
            assert node.id not in (
                "eval",
                "exec",
                "open",
                "compile",
                "getattr",
                "setattr",
                "globals",
            )
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
    assert functions == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_definition_is_answered_in_order(part: int) -> None:
    answers: Counter[str] = Counter()
    for case in cases()[part::PARTS]:
        found = answer(case)
        taken = isinstance(found, CompiledFlow)
        answers["taken" if taken else "refused"] += 1
        try:
            if isinstance(found, CompiledFlow):
                is_inert(found)
            else:
                is_orderly(found)
            assert case.expected == "either" or taken == (case.expected == "taken")
        except AssertionError as error:
            error.add_note(f"{case.name}: {found!s:.500}")
            raise
    assert min(answers["taken"], answers["refused"]) > 100


def test_the_corpus_is_large_and_every_case_has_a_name_of_its_own() -> None:
    names = Counter(case.name for case in cases())
    assert len(names) > 5000
    assert [name for name, count in names.items() if count > 1] == []


def test_what_is_taken_imports_under_prefect() -> None:
    """The odd names above all: they become functions, parameters, flows and tasks."""
    seen: set[str] = set()
    for at, case in enumerate(cases()):
        if at % 10 and not case.name.startswith(NAMES):
            continue
        flow = answer(case)
        if not isinstance(flow, CompiledFlow) or flow.digest in seen or len(flow.nodes) > 50:
            continue
        seen.add(flow.digest)
        module = types.ModuleType(flow.entrypoint)
        try:
            exec(compile(flow.source, flow.filename, "exec"), module.__dict__)
        except Exception as error:
            error.add_note(f"{case.name}\n{flow.source}")
            raise
        made = getattr(module, flow.entrypoint)
        assert made.name == flow.flow_name
        assert set(made.parameters.properties) == set(flow.parameters_schema["properties"])
        for node in flow.nodes:
            task = getattr(module, node.python)
            assert task.name == node.label
            assert f"node:{node.id}" in task.tags
    assert len(seen) > 200


def test_what_is_taken_is_left_alone_by_black() -> None:
    seen = 0
    for case in cases()[::41]:
        flow = answer(case)
        if isinstance(flow, CompiledFlow) and len(flow.source) < 20_000:
            seen += 1
            assert black.format_str(flow.source, mode=MODE) == flow.source, case.name
    assert seen > 50


def test_file_names_are_names_of_files_everywhere() -> None:
    for case in cases():
        if case.name.startswith("name "):
            flow = answer(case)
            assert isinstance(flow, CompiledFlow)
            assert file_name(flow.name) == flow.filename.removesuffix(".py") or flow.name == "start"
