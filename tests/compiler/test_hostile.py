"""Texts that want to be code, names that want to be paths, sizes that want to take all day."""

from __future__ import annotations

import ast
import cProfile
import json
from typing import Any

import black
import pytest
from black.mode import TargetVersion
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler import DefinitionError, compile_workflow
from compiler.compiled import CompiledFlow
from tests.compiler.definitions import workflow

MODE = black.Mode(target_versions={TargetVersion.PY311})

NASTY = (
    '"""',
    "'''",
    "\\",
    '\\"',
    "\\'",
    '"; import os; os.system("id") #',
    '")\n@task\ndef x(): pass\n',
    "\n\nimport os\n",
    "\r\n# coding: rot13",
    "{{",
    "}}",
    "{%  for x in y %}",
    "{# comment #}",
    "{0.__class__}",
    "%(name)s %s",
    "${jndi:ldap://x}",
    "\u202e\u2066 reversed \u2069",
    "\u200b\u200d\ufeff zero",
    "\u2028\u2029\x85 lines",
    "\x00\x01\x07\x1b[31m\x7f\x9f",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "😀 مرحبا 漢字 e\u0301",
    "a" * 5000,
    "\N{LATIN SMALL LETTER LONG S}elf",
    "f'{x}'",
    "<script>alert(1)</script>",
    "__import__('os')",
    "None",
    " leading and trailing ",
    "\t",
    "",
)


def template(text: str) -> dict[str, Any]:
    """A workflow with the text in every place that takes free text."""
    return {
        "version": "1.0",
        "name": "Fixed",
        "description": text or "-",
        "tags": [text],
        "variables": [
            {"name": "env", "type": "string", "default": text, "description": text},
            {"name": "more", "type": "object", "default": {text: [text]}},
        ],
        "nodes": [
            {"id": "start", "type": "trigger", "label": text, "data": {"description": text}},
            {
                "id": "say",
                "type": "notification",
                "label": text,
                "data": {
                    "provider": "slack",
                    "webhook": text,
                    "message": text + " {{ env }} " + text,
                    "channel": text,
                    "notes": text,
                },
            },
            {
                "id": "call",
                "type": "action",
                "data": {
                    "action": "http_request",
                    "url": text,
                    "headers": {text: text},
                    "body": {text: [text, {"deep": text}]},
                },
            },
        ],
        "edges": [{"source": "start", "target": "say"}, {"source": "say", "target": "call"}],
        "settings": {"checks": {"missing-branch": {"reason": text if text.strip() else "-"}}},
        "layout": {text: {"x": 1}},
    }


def inert(text: str) -> str:
    """The text without what the expression language reads as a hole."""
    return text.replace("{", "(").replace("}", ")") if "{{" in text else text


def compiled(definition: Any) -> CompiledFlow:
    return compile_workflow(json.dumps(definition), "json")


def shape(source: str) -> str:
    """The source's syntax tree with every text blanked out.

    A text with holes is one f-string whose constant parts may be empty and so absent.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        if isinstance(node, ast.JoinedStr):
            node.values = [v for v in node.values if not isinstance(v, ast.Constant)]
    return ast.dump(tree)


def texts(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


PLAIN = shape(compiled(template("plain")).source)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_stay_texts(text: str) -> None:
    definition = template(inert(text))
    flow = compiled(definition)
    assert shape(flow.source) == PLAIN
    assert inert(text) in texts(flow.source)
    assert black.format_str(flow.source, mode=MODE) == flow.source
    assert all(character.isprintable() or character == "\n" for character in flow.source)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_text_whatever_changes_the_shape_of_the_code(text: str) -> None:
    flow = compiled(template(inert(text)))
    assert shape(flow.source) == PLAIN
    assert inert(text) in texts(flow.source)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=150, deadline=None)
def test_what_is_written_for_a_text_is_black_stable(text: str) -> None:
    flow = compiled(template(inert(text)))
    assert black.format_str(flow.source, mode=MODE) == flow.source


@pytest.mark.parametrize("name", [*NASTY, "../../etc/passwd", "con", "a/b", "-> prod & dev <1%>"])
def test_a_workflow_name_is_a_safe_file_name(name: str) -> None:
    definition = template("x") | {"name": name}
    try:
        flow = compiled(definition)
    except DefinitionError as error:
        found = {problem.code for problem in error.problems}
        if found <= {"missing", "too-long"}:
            return
        raise
    stem = flow.filename.removesuffix(".py")
    assert stem.isidentifier()
    assert stem.isascii()
    assert len(stem) <= 70
    assert flow.entrypoint == stem
    assert not set("/%&<>") & set(flow.flow_name)


ODD_IDS = (
    *("class", "import", "None", "True", "print", "len", "str", "run", "steps", "task", "flow"),
    *("js", "wait_for", "return_state", "secret", "failure", "WorkflowRun", "NO_CACHE", "match"),
    *("took", "locals", "await", "self", "response", "exec", "eval", "open", "fixed", "test"),
    *("it", "m", "x1", "A", "a-b-c", "failed", "succeeded", "type", "cls", "int"),
)


@pytest.mark.parametrize("id_", ODD_IDS)
def test_ids_that_mean_something_in_python_are_taken_and_renamed(id_: str) -> None:
    text = workflow(
        f"""
start: {{type: trigger}}
{id_}: {{type: action, action: discover_migrations, connectionId: db}}
last: {{type: condition, condition: "{{{{ {id_}.output.migrations.length > 0 }}}}"}}
""",
        f"start -> '{id_}'\n'{id_}' -> last",
    )
    flow = compile_workflow(text, "yaml")
    namespace: dict[str, Any] = {}
    tree = ast.parse(flow.source)
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    for function in tree.body:
        function.decorator_list = []  # type: ignore[attr-defined]
    exec(compile(tree, "x", "exec"), namespace)
    assert len([name for name in namespace if not name.startswith("__")]) == 3
    assert flow.nodes[1].python not in ("len", "print", "run", "steps", "class")


@pytest.mark.parametrize("name", ["class", "None", "input", "run", "len", "steps", "task", "flow"])
def test_variables_that_mean_something_in_python_are_renamed(name: str) -> None:
    text = workflow(
        'start: {type: trigger}\nsay: {type: notification, provider: slack, webhook: u, message: "'
        f'{{{{ {name} }}}} {{{{ variables.{name} }}}}"}}',
        "start -> say",
        top=f"variables: {{{name}: {{type: string, default: x}}}}",
    )
    flow = compile_workflow(text, "yaml")
    assert flow.parameter_names == {name: f"{name}_"}
    assert f'    {name}_: str = "x",' in flow.source


@pytest.mark.parametrize(
    "id_",
    ["__import__", "_", "a.b", "a b", "a/b", "é", "a;b", "1", "-a", "a" * 101, "{{x}}", "x\n"],
)
def test_ids_that_are_no_names_are_refused_with_their_place(id_: str) -> None:
    definition = template("x")
    definition["nodes"][0]["id"] = id_
    with pytest.raises(DefinitionError) as caught:
        compiled(definition)
    first = caught.value.problems[0]
    assert first.code == "bad-name"
    assert first.line
    assert first.node


@pytest.mark.parametrize("text", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_read(text: str) -> None:
    source = workflow("a: {type: trigger}").replace("\n", text)
    assert compile_workflow(source, "yaml").source == (
        compile_workflow(workflow("a: {type: trigger}"), "yaml").source
    )


def test_a_byte_order_mark_is_read_over() -> None:
    source = json.dumps(template("x"))
    with_mark = b"\xef\xbb\xbf" + source.encode()
    assert compile_workflow(with_mark, "json") == compile_workflow(source, "json")


def test_anchors_within_bounds_are_fine() -> None:
    text = """
version: "1.0"
name: Anchors
nodes:
  start: {type: trigger}
  one: &base
    type: action
    action: dry_run
    connectionId: &db main
    retryable: true
  two:
    <<: *base
    connectionId: *db
edges:
  - {source: start, target: one}
  - {source: one, target: two}
"""
    flow = compile_workflow(text, "yaml")
    assert flow.source.count('steps.dry_run(connection_id="main")') == 2


def chain(length: int) -> str:
    nodes = ["start: {type: trigger}"]
    nodes += [f"n{i}: {{type: delay, label: '{{%{i}', seconds: {i}}}" for i in range(1, length)]
    edges = [f"{'start' if i == 1 else f'n{i - 1}'} -> n{i}" for i in range(1, length)]
    return workflow("\n".join(nodes), "\n".join(edges))


def test_three_hundred_nodes_compile() -> None:
    flow = compile_workflow(chain(300), "yaml")
    assert len(flow.nodes) == len(flow.source_map) == 300


@pytest.mark.slow
def test_work_grows_with_the_size_and_not_faster() -> None:
    """Calls are counted, not seconds: the machine may be busy with other things."""

    def calls(length: int) -> int:
        profile = cProfile.Profile()
        profile.runcall(compile_workflow, chain(length), "yaml")
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(2000) < 11 * calls(200)


@pytest.mark.timeout(60)
def test_ten_thousand_nodes_are_compiled_or_refused_in_time() -> None:
    nodes = [{"id": f"n{i}", "type": "delay"} for i in range(10_000)]
    edges = [{"source": f"n{i}", "target": f"n{i + 1}"} for i in range(9_999)]
    text = json.dumps({"version": "1.0", "name": "x", "nodes": nodes, "edges": edges})
    try:
        compile_workflow(text, "json")
    except DefinitionError as error:
        if [problem.code for problem in error.problems] != ["too-large"]:
            raise


@pytest.mark.timeout(20)
@pytest.mark.parametrize("edge_count", [2000])
def test_dense_joins_do_not_take_all_day(edge_count: int) -> None:
    """Every node joined with many before it, and asking about the first."""
    width = 120
    nodes = [
        "start: {type: trigger}",
        *(
            f"n{i}: {{type: action, action: execute_migrations, connectionId: c{i % 3}}}"
            for i in range(width)
        ),
    ]
    edges = ["start -> n0"]
    edges += [f"n{a} -> n{b}" for b in range(1, width) for a in range(max(0, b - 20), b)][
        :edge_count
    ]
    compile_workflow(workflow("\n".join(nodes), "\n".join(edges)), "yaml")
