"""What the last lines of defence promise, each as a function that fails when it is broken.

``test_promises`` keeps them; ``test_mutants`` breaks the code in every small way and expects
one of them to notice.
"""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from compiler import code, gate, literals, names, render, verbatim
from compiler.compiled import CompiledFlow
from compiler.expressions import ValueName, compile_expression
from compiler.layout import Bracket
from compiler.plain import plain_names
from compiler.plan import Plan
from compiler.workflow import check_workflow, compile_workflow
from tests.compiler.hostile_texts import IDS, TEXTS

TEXT_SAMPLE = tuple(dict.fromkeys(text[:60] for text in TEXTS))

WRITTEN = {
    "": '""',
    "plain": '"plain"',
    "it's": '"it\'s"',
    'say "hi"': "'say \"hi\"'",
    "'\"": '"\'\\""',
    '"\'"': "'\"\\'\"'",
    "\\": '"\\\\"',
    "\\'": '"\\\\\'"',
    "a\nb\rc\td": '"a\\nb\\rc\\td"',
    "\x00\x07\x1f\x7f": '"\\x00\\x07\\x1f\\x7f"',
    "\x85\xa0\xad": '"\\x85\\xa0\\xad"',
    "\u0378\u202e\u2028\ufeff\uffff": '"\\u0378\\u202e\\u2028\\ufeff\\uffff"',
    "\U0001000c\U000e0041\U0010ffff": '"\\U0001000c\\U000e0041\\U0010ffff"',
    "é漢😀": '"é漢😀"',
    "\u034f\u115f\u1160\u17b4\u17b5": '"\\u034f\\u115f\\u1160\\u17b4\\u17b5"',
    "\u2800\u3164\uffa0": '"\\u2800\\u3164\\uffa0"',
    '"' * 3: '\'"""\'',
    "'''": "\"'''\"",
}
NUMBERS = {0: "0", -1: "-1", 1.5: "1.5", 1e100: "1e100", 1e-7: "1e-07", -2.5e300: "-2.5e300"}


class Broken(AssertionError):
    pass


def holds(condition: bool, what: object) -> None:
    if not condition:
        raise Broken(what)


def refuses(
    by: type[Exception] | tuple[type[Exception], ...],
    function: Callable[..., object],
    *arguments: object,
) -> None:
    """It raises an error of its own kind."""
    try:
        function(*arguments)
    except by:
        return
    raise Broken(
        f"{function} took {arguments!s:.200} {getattr(function, '__defaults__', '')!s:.200}"
    )


def literals_hold() -> None:
    for text, written in WRITTEN.items():
        holds(literals.quoted(text) == written, text)
    for text in TEXT_SAMPLE:
        for quote in ("'", '"'):
            written = quote + literals.escaped(text, quote) + quote
            holds(ast.literal_eval(written) == text, text)
            holds(written.isprintable(), text)
            holds(code.literal(text).text == literals.quoted(text), text)
    for number, written in NUMBERS.items():
        holds(literals.number(number) == written, number)
        holds(code.literal(number).text == written, number)
    for value in (True, False, None):
        holds(code.literal(value).text == str(value), value)
    for wrong in (float("nan"), float("inf"), [], {}, object(), b""):
        refuses((TypeError, ValueError), code.literal, wrong)


def code_holds() -> None:
    holds(code.identifier("a", "B_1", "_").text == "a.B_1._", "dots")
    for name in ("", "1a", "a b", "a-b", "é", "class", "None", "a\n", "a.b", "a(", '"', "a;b"):
        refuses(ValueError, code.identifier, name)
        refuses(ValueError, code.identifier, "a", name)
    digest = "sha256:" + "0a" * 32
    holds(code.digest_code(digest).text == digest, digest)
    for wrong in (digest[:-1], digest + "0", digest + "\n", digest.upper(), f'{digest}"""', ""):
        refuses(ValueError, code.digest_code, wrong)
    refuses(TypeError, code.Code)
    refuses(TypeError, code.Code, "text")
    holds(code.Code.page(["a", "b"]).text == "a\nb", "page")
    holds(code.Code.nothing().text == "", "nothing")
    asked = compile_expression("response.done", {"response": ValueName("response")})
    holds(code.asking("response", asked).text == f"lambda response: {asked.python}", "lambda")
    refuses(ValueError, code.asking, "a, b", asked)
    for wrong in ("text", 1, None, ["x"]):
        refuses(TypeError, render._only_code, wrong)
    holds(render._only_code(code.literal("x")) == '"x"', "code")


def names_hold() -> None:
    kept = set(keyword.kwlist) | {"run", "steps", "task", "flow", "js", "len", "print", "wait_for"}
    kept |= {"return_state", "self", "cls", "secret", "secret_text", "WorkflowRun", "trigger"}
    kept |= {"succeeded", "failed", "took", "any_failed", "NO_CACHE", "WAIVED", "response", "_"}
    kept |= {"javascript", "asyncio", "annotations", "prefect", "runtime_tasks", "any", "list"}
    kept |= {"execution", "currentUser", "connectionId", "variables", "failure", "match", "type"}
    kept |= {"PythonFinalizationError"}
    for name in kept:
        holds(names.python_name(name) == name + "_", name)
    for name, python in (("a", "a"), ("discover-1", "discover_1"), ("a--b", "a__b"), ("A", "A")):
        holds(names.python_name(name) == python, name)
    for id_ in IDS:
        if names.ID.match(id_):
            python = names.python_name(id_)
            holds(python.isidentifier() and python.isascii(), id_)
            holds(not keyword.iskeyword(python) and python not in names.TAKEN, id_)
    for id_ in ("", "1", "_a", "-a", "a b", "a.b", "é", "a\n", "a" * 101, "__import__", "$"):
        holds(not names.ID.match(id_), id_)
        holds(not names.VARIABLE.match(id_), id_)
    holds(bool(names.ID.match("a-1_B" * 20)), "an id of a hundred characters")
    holds(bool(names.ID.match("a-b")) and not names.VARIABLE.match("a-b"), "a-b")
    holds(bool(names.VARIABLE.match("a" * 100)), "a variable of a hundred characters")
    words = {"true", "false", "null", "undefined", "NaN", "Infinity", "Math", "this"}
    holds(words <= names.WORDS_OF_EXPRESSIONS, "words of expressions")
    named = {
        "Safe Production Migration": "safe_production_migration",
        "../../etc/passwd": "etc_passwd",
        "  a  b  ": "a_b",
        "1st": "workflow_1st",
        "Ünïcode": "unicode",
        "class": "class_",
        "con": "con_",
        "COM1": "com1_",
        "lpt9": "lpt9_",
        "com10": "com10",
        "nul": "nul_",
        "Prn": "prn_",
        "aux": "aux_",
        "a" * 60: "a" * 60,
    }
    for name, file in named.items():
        holds(names.file_name(name) == file, name)
    marked = {"数据": 8, "": 8, "a" * 61: 8, "b" * 50 + "-" * 30 + "c" * 20: 8}
    for name in marked:
        made = names.file_name(name)
        holds(len(made) <= names.MAX_FILE_NAME and made.isidentifier(), name)
        holds(all(c in "0123456789abcdef" for c in made[-8:]) and made[-9] == "_", name)
        holds(made[-10] != "_", name)
        holds(made != names.file_name(name + "x"), name)
    holds(names.file_name("数据").startswith("workflow_"), "数据")


FOLDER = Path(__file__).parents[2] / "templates/workflows"
WISH = (FOLDER / "safe_production_migration.yaml").read_text()
MANY = json.dumps(
    {
        "version": "1.0",
        "name": "Many kinds",
        "description": "said",
        "variables": [
            {"name": "n", "type": "number", "default": 3},
            {"name": "many", "type": "object", "default": {"a": ["x", {"b": None}]}},
            {"name": "token", "type": "secret"},
        ],
        "settings": {"checks": {"missing-branch": {"reason": 'it is "meant"'}}},
        "nodes": [
            {"id": "start", "type": "trigger"},
            {"id": "list", "type": "action", "action": "run_tests", "maxRetries": 2},
            {
                "id": "call", "type": "action", "action": "http_request",
                "url": "https://example.org/{{ trigger.body.path }}",
                "headers": {"Authorization": "Bearer {{ token }}", "X": "1"},
                "body": {"a": ["x", "{{ n + 0.5 }}", {"it's": "{{ list.output.total }}", 'say "x"': 1}]},
                "pollUntil": "{{ response.state === 'done' }}",
                "expectedStatus": [200, 201],
            },
            {
                "id": "long", "type": "condition", "timeout": 9,
                "condition": "{{ " + " && ".join(f"trigger.body.field{n} > {n}" for n in range(9))
                + " }}",
            },
            {"id": "handler", "type": "error_handler"},
        ],
        "edges": [
            {"source": "start", "target": "list"},
            {"source": "list", "target": "call"},
            {"source": "list", "target": "long", "label": "Failed"},
        ],
    }
)  # fmt: skip

Tampering = tuple[str, str]
ANYWHERE: tuple[Tampering, ...] = (
    (")\n\n\n@task(", "),\n\n\n@task("),
    (")\n        if run.ready(", "),\n        if run.ready("),
    ("import flow, task\n", "import flow, task\n\nWAIVED = {}\n"),
    ('anew.\n"""', 'anew.\n"""""'),
    ("anew.\n", "anew.\\N{DIGIT ONE}\n"),
    ("from runtime_tasks import", "import os\nfrom runtime_tasks import"),
    ("from prefect import flow, task", "from prefect import flow, task, runtime"),
    ("from prefect import flow, task", "from os import flow, task"),
    ("from prefect import flow, task", "from .prefect import flow, task"),
    ("from prefect import flow, task", "from prefect import flow as task, task as flow"),
    ("from prefect import flow, task", "from prefect import flow, task\nx = 1"),
    ("from prefect import flow, task", "print(1)"),
    ("\n\n\n@flow", "\nx = 1\n\n\n@flow"),
    ("\n\n\n@flow", "\n\n\n@task\ndef more():\n    return steps.wait()\n\n\n@flow"),
    ("\n\n\n@task", "\n\n\n@task\ndef more():\n    return 1\n\n\n@task"),
    ('"""Generated', 'x = """Generated'),
    ('"""Generated', 'f"""Generated'),
    ("return await run.finish()", "return await run.other()"),
    ("return await run.finish()", "return run.finish()"),
    ("return await run.finish()", "return await run.finish(1)"),
    ("return await run.finish()\n", "return await run.finish()\nprint(1)\n"),
    ("from prefect import flow, task", "from prefect import (flow, task"),
    ("return await run.finish()", "return await run.finish()\n    print(1)"),
    ("return await run.finish()", "await run.finish()"),
    ("run = WorkflowRun(", "run = eval("),
    ("run = WorkflowRun(", "run = other = WorkflowRun("),
    ("run = WorkflowRun(", "run2 = WorkflowRun("),
    ("inputs=locals()", "inputs=open('x')"),
    ("    run = WorkflowRun(", "    print(1)\n    run = WorkflowRun("),
    ("async def ", "def "),
    ("async for _ in run:", "async for _ in steps:"),
    ("async for _ in run:", "async for run in run:"),
    ("    currentUser: dict | None = None,", "    currentUser: dict | None = print('x'),"),
    ("    currentUser: dict | None = None,", "    currentUser: list | None = None,"),
    ("    currentUser: dict | None = None,", "    currentUser=None,"),
    ("    currentUser: dict | None = None,", "    currentUser: dict | None,"),
    ("    currentUser: dict | None = None,\n", ""),
    ("    currentUser: dict | None = None,", "    *,\n    currentUser: dict | None = None,"),
    ("    currentUser: dict | None = None,", "    *currentUser: dict | None,"),
    ("    currentUser: dict | None = None,", "    other: dict | None = None,"),
    ("@flow(", "@task\n@flow("),
    ("@flow(", "@task("),
    (")\nasync def ", ")\n@task\nasync def "),
    ('    version="1"', '    version="1", log_prints=True'),
    ('    version="1"', "    version=open('x')"),
    ("cache_policy=NO_CACHE,", "cache_policy=NO_CACHE,\n    on_failure=[print],"),
    ("cache_policy=NO_CACHE,", "cache_policy=None,"),
    ("cache_policy=NO_CACHE,", "cache_policy=NO_CACHE.x(),"),
    ("cache_policy=NO_CACHE,\n)", "cache_policy=NO_CACHE,\n)\n@task"),
)
AT_WISH: tuple[Tampering, ...] = (
    ('orm_type="auto"', 'orm_type=__import__("os").name'),
    ('orm_type="auto"', "orm_type=open('x')"),
    ('orm_type="auto"', "orm_type=steps.__dict__"),
    ('orm_type="auto"', "orm_type=steps.x.__dict__"),
    ('orm_type="auto"', "orm_type=eval('1')"),
    ('orm_type="auto"', 'orm_type="auto"), x(1'),
    ('orm_type="auto"', 'orm_type="auto", more=1'),
    ('orm_type="auto"', 'orm_type=("auto", "x")'),
    ('orm_type="auto"', 'orm_type="auto" + "x"'),
    ('orm_type="auto"', 'tool="auto"'),
    ('orm_type="auto"', '*"auto"'),
    ('orm_type="auto"', '**"auto"'),
    ("steps.rollback(", "steps.run_sql("),
    ("steps.rollback(", "rollback("),
    ("steps.rollback(", "steps.rollback()("),
    ("steps.rollback(", "await steps.rollback("),
    ("    return steps.rollback", "    print(1)\n    return steps.rollback"),
    ("    return steps.rollback", "    steps.rollback"),
    ("    return steps.rollback", "    yield steps.rollback"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId, x=1)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId: list)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId, *more)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId, **more)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(*, connectionId)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId, /)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId=None)"),
    ("def error_handler_1(connectionId)", "def error_handler_1(connectionId) -> str"),
    ("def error_handler_1(connectionId)", "def error_handler_1(other)"),
    ("def error_handler_1(connectionId)", "def other(connectionId)"),
    ("def error_handler_1(connectionId)", "async def error_handler_1(connectionId)"),
    ("        run(trigger_1)\n", "        run(trigger_1)\n        run(trigger_1)\n"),
    ("        run(trigger_1)\n", "        run(somebody)\n"),
    ("        run(trigger_1)\n", "        run(steps)\n"),
    ("        run(trigger_1)\n", "        run(trigger_1, may_fail=True)\n"),
    ("        run(trigger_1)\n", "        run(trigger_1); print(1)\n"),
    ("        run(trigger_1)\n", "        run(trigger_1)  # x\n"),
    ("        run(trigger_1)\n", ""),
    (
        "        if run.ready(error_handler_1, failed(execute_1)):\n"
        "            run(error_handler_1)\n",
        "",
    ),
    ('targetEnv: str = "production",', "targetEnv: str,"),
    ('targetEnv: str = "production"', 'targetEnv: str = print("x")'),
    ('targetEnv: str = "production"', 'targetEnv: eval("x") = "production"'),
    ("run(execute_1, may_fail=True)", "run(execute_1, may_fail=True) or run(notify_1)"),
    ("run(execute_1, may_fail=True)", "run(execute_1)"),
    ("run(execute_1, may_fail=True)", "run(notify_1, may_fail=True)"),
    ("if run.ready(execute_1", "if True or run.ready(execute_1"),
    ("if run.ready(execute_1", "while run.ready(execute_1"),
    ("if run.ready(execute_1", "if run.other(execute_1"),
    ('took(approval_1, "Approved")', 'took(approval_1, "Rejected")'),
    ('took(approval_1, "Approved")', "succeeded(approval_1)"),
    ('took(approval_1, "Approved")', 'took(approval_1, "Approved"), succeeded(dryrun_1)'),
    ("            run(execute_1, may_fail=True)", "        run(execute_1, may_fail=True)"),
)
AT_MANY: tuple[Tampering, ...] = (
    ('WAIVED = {"missing-branch": ', 'WAIVED = {**{}, "missing-branch": '),
    ('WAIVED = {"missing-branch": ', "WAIVED = {print(1): "),
    ("WAIVED = {", "OTHER = {"),
    ("WAIVED = {", "WAIVED = {1} or {"),
    ("'it is \"meant\"'", "open('x')"),
    ("lambda response: ", "lambda response, x=print: "),
    ("lambda response: ", "lambda: "),
    ("[200, 201]", "[200, 201, 202]"),
    ("[200, 201]", "(200, 201)"),
    ("[200, 201]", '"200"'),
    ("[200, 201]", "[x, 201]"),
    ('secret("token")', 'secret("token").value'),
    ('secret("token")', 'secret("token").__class__'),
    ('secret("token")', 'str(open("token"))'),
    ('"X": "1"', '"X": "1", "Y": "2"'),
    ('"X": "1"', '"X": print'),
    ('"X": "1"', '**{"X": "1"}'),
    ("retries=2", "retries=2 ** 9"),
    ("timeout_seconds=9", "timeout_seconds=int('9')"),
    ("js.order(", "js._order("),
    ("js.order(", "open("),
    ('"field8"', '(x := "field8")'),
    ("js.order(", "[print(1) for i in [1]] and js.order("),
    ("js.order(", "(lambda: (yield))() and js.order("),
)


def sound(text: str, format_: str = "yaml") -> tuple[CompiledFlow, Plan, dict[str, int]]:
    flow = compile_workflow(text, format_)  # type: ignore[arg-type]
    plan = check_workflow(text, format_).plan  # type: ignore[arg-type]
    assert plan
    return flow, plan, {node.id: node.line for node in flow.nodes}


PLAIN = 'version: "1.0"\nname: Plain\nnodes: {start: {type: trigger}}\n'
SOUND = {"wish": sound(WISH), "many": sound(MANY, "json"), "plain": sound(PLAIN)}


EVIL_EXPRESSIONS = (
    *("evil(1)", "__import__('os')", "open('x')", "eval('1')", "len.__self__", "steps.__dict__"),
    *("1, 2", "1) + (2", "1) or evil(2", "# 1", "1  # 2", "", " ", "1\n", "1\n+ 2", "a := 1", "*a"),
    *("**a", "x=1", "(yield)", "await x", "lambda: (yield)", "lambda: evil()", "[evil for x in y]"),
    *("f'{steps.__class__}'", "f'{evil}'", "(lambda: 1).__code__", "[i async for i in steps]"),
    *("{1, 2}", "{i: 1 for i in steps}", "{i for i in steps}", "...__class__", "not evil"),
    *(
        "1 if evil else 2",
        "steps[evil]",
        "steps[1:evil]",
        "1 < evil",
        "(evil := 1)",
        "1 @ 2",
        "1 | 2",
    ),
    *("'", '"', "\\", "a b", "1 2", "import os", "pass", "x = 1", "print", "steps._private"),
)
EVIL_TOKENS = (
    *('"a", retries="9"', '"a") or evil("b"', '"a" "b"', '"a" + str("b")', 'str("a")', '"a",'),
    *('"a"\n', '"a"  # b', '"a\nb"', "'''a'''", '"""a"""', 'f"a"', "1 + 1", '"a".x()', '"a', "("),
)
SAID = (
    *(
        "len(steps.x) > 0",
        "[i for i in steps if not i]",
        "any(i.x is None for i in steps)",
        "-1 + 1",
    ),
    *("next((i for i in steps if i != 1), None)", "1 if steps else {'a': [1.5]}", "max(1, 2)"),
    *("f'a{steps.x}b'", "lambda x: x >= 1 or x <= 2 and x < 3", "1 * 2 - 3 % 4", "'#' in steps"),
    *("[y for x, y in enumerate(steps)]", "1 is not 2", "'a' not in 'b'", "', '.join(steps.x)"),
    *("min(1, 2)", "float('nan')", "all(bool(i) for i in steps)", "1 == 1"),
)


def planned(which: str, text: str, *, simple: bool) -> None:
    """Compile a plan in which a leaf was not made by our makers, and let the gate look."""
    _, plan, lines = SOUND[which]
    step = Bracket("steps.run_tests(", (("tests=", code.Code.part(text, simple=simple)),), ")")
    tasks = (plan.tasks[0], plan.tasks[1]._replace(step=step), *plan.tasks[2:])
    plan = replace(plan, tasks=tasks)
    gate.check(written_by_us(plan), plan, lines)


def planned_rule(text: str) -> None:
    """The same with a rule."""
    _, plan, lines = SOUND["many"]
    leaf = code.Code.part(text, simple=True)
    question = Bracket("run.ready(", (("", leaf),), ")")
    task = plan.tasks[1]._replace(question=question)
    plan = replace(plan, tasks=(plan.tasks[0], task, *plan.tasks[2:]))
    gate.check(written_by_us(plan), plan, lines)


def written_by_us(plan: Plan) -> str:
    """The file of a plan; where black cannot read it, as it would be without black."""
    try:
        return render.render(plan, digest=f"sha256:{'0' * 64}", version=1)
    except (SyntaxError, ValueError) as error:
        raise gate.GateError(str(error)) from None


def flow_without_rules(flow: CompiledFlow) -> list[ast.stmt]:
    piece = "@" + flow.source.rpartition(gate.BETWEEN_FUNCTIONS)[2]
    head, loop, rest = piece.partition(gate.LOOP)
    _, end, more = rest.rpartition("\n    return")
    return gate._parsed(f"{head}{loop}        pass{end}{more}")


def gate_holds() -> None:
    gate._names_in.cache_clear()
    for which, more in (("wish", AT_WISH), ("many", AT_MANY), ("plain", ())):
        flow, plan, lines = SOUND[which]
        holds(gate.check(flow.source, plan, lines) == flow.source_map, which)
        gate._flow_tree(flow_without_rules(flow), plan)  # whatever black makes of its lines
        for old, new in (*ANYWHERE, *more):
            if old in flow.source:
                try:
                    tampered_with = flow.source.replace(old, new, 1)
                    refuses(gate.GateError, gate.check, tampered_with, plan, lines)
                except Broken:
                    raise Broken(f"the gate lets {new!r} through instead of {old!r}") from None
        other = SOUND["many" if which == "wish" else "wish"][1]
        refuses(gate.GateError, gate.check, flow.source, other, lines)
    for text in EVIL_EXPRESSIONS:
        refuses(gate.GateError, lambda text=text: planned("many", text, simple=False))
    for text in EVIL_TOKENS:
        refuses(gate.GateError, lambda text=text: planned("many", text, simple=True))
        refuses(gate.GateError, planned_rule, text)
    refuses(gate.GateError, planned_rule, "evil")
    planned_rule("list_")
    for text in SAID:
        planned("many", text, simple=False)
    for text, found in (("len(a.b) > 0", {"len", "a"}), ("[i for i in x]", {"x"}), ("1", set())):
        holds(gate._names_in(text) == found, text)


PLAIN: dict[str, set[str]] = {
    "a": {"a"}, "a.b_1.C": {"a"}, "_A9": {"_A9"}, "None": set(), "True": set(), "False": set(),
    '"x, y"': set(), "'x'": set(), "5": set(), "-1.5e10": set(), "2.5e-3": set(), "a()": {"a"},
    'a.b("x, y", 2, c.d)': {"a", "c"}, "a == b": {"a", "b"}, "a(1) != b(c)": {"a", "b", "c"},
    "a is b": {"a", "b"}, "a is not None": {"a"}, 'a in "in"': {"a"}, "a not in b": {"a", "b"},
    "a < 1": {"a"}, "a > -1": {"a"}, "a <= 1": {"a"}, "a >= 1": {"a"}, "island": {"island"},
    "notes in inner": {"notes", "inner"}, 'f"{a.b} {c(d.e)}"': {"a", "c", "d"}, 'f"{a}{b}"': {"a", "b"},
    'f"{{a}} b"': set(), "f'{a}'": {"a"}, 'f"it\'s {a}"': {"a"}, "f'\\'{a}\\n'": {"a"}, 'f"{None}"': set(),
    '"\\x07\\u202e\\U000e0041\\"\\t"': set(), 'f"\\x07\\u202e\\U000e0041{a}"': {"a"},
    'f"{{{a}}}"': {"a"}, "f": {"f"}, "f.b": {"f"}, 'f("x")': {"f"},
}  # fmt: skip
"""Expressions that are read without a parser, and their names."""
NOT_PLAIN = (
    "", "a, b", "a(b), c", "a # b", "a(\n)", "a\n", '"a" "b"', '"a"b', "a b", "5a", "1_0", "a.", ".a", "a..b",
    "a.__b", "a._b", "a.1", "a[0]", "[a]", "(a)", "{}", "a(b", "a(b,)", "a(,b)", "a(b,c)", "a(b)(c)", "a(b(c))",
    "a(b=c)", "a(*b)", "*a", "-a", "not a", "a and b", "a or b", "a if b else c", "lambda: a", "lambda a: a",
    "a := b", "a = b", "a=b", "a < b < c", "a <> b", "a is not not b", "a in", "is", "in a", "a  == b", "a==b",
    "a + b", "~a~", "f~{a}~", "a; b", "yield a", "await a", 'b"x"', 'u"x"', '"', "'", '"\\q"', '"a\nb"', "f\"", 'f"{a"', 'f"a}"',
    'f"{}"', 'f"{a!r}"', 'f"{a:>{b}}"', 'f"{a=}"', 'f"{a[0]}"', 'f"{a.__b}"', 'f"{a(b, c)}"', 'f"{a}" b', 'f"{a\n}"',
    'f"a" "b"', "f'{a}\"", 'f"{lambda: a}"', 'f"{a}".b', 'f"\\q"', 'f"a\nb"', "é", "a.é", 'f"{é}"',
)  # fmt: skip


def plain_holds() -> None:
    for text, found in PLAIN.items():
        holds(plain_names(text) == found, text)
        tree = ast.parse(text, mode="eval")
        holds({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} == found, text)
    for text in NOT_PLAIN:
        holds(plain_names(text) is None, text)


def verbatim_holds() -> None:
    plain = code.literal("x")
    for text in ('"a" "b"', '"a"b', '"', '"a\\', "'", '"\\q"', "1 2", "a b", "a.", ".a", "a()",
                 "a.__b", '"a\nb"', "f'x'", "", "-", "--1", "1.", '"""a"""', "a\n", '"a"\n'):  # fmt: skip
        refuses(
            verbatim.NotVerbatim,
            verbatim.written,
            code.Code.part(text, simple=True),
            set(),
            gate._names_in,
        )
    for text, found in (("a.b", {"a"}), ("None", set()), ('"a"', set()), ("-1.5e10", set()),
                        ("'\\x07\\u202e\\U000e0041\\n'", set()), ("True", set())):  # fmt: skip
        names_: set[str] = set()
        made = verbatim.written(code.Code.part(text, simple=True), names_, gate._names_in)
        holds((made, names_) == (text, found), text)
    for text, found in (("False", set()), ("len(a.b) > 0", {"len", "a"})):
        names_ = set()
        expression = code.Code.part(text, simple=False)
        holds(verbatim.written(expression, names_, gate._names_in) == text, text)
        holds(names_ == found, text)
    mapping = Bracket("{", (("'say \"x\"': ", plain), ('"it\'s": ', plain)), "}")
    written = '{\'say "x"\': "x", "it\'s": "x"}'
    holds(verbatim.written(mapping, set(), gate._names_in) == written, written)
    for opening in ("x", "(", "a b(", "a.__b(", "1(", "a((", "lambda(1", "a.b"):
        refuses(
            verbatim.NotVerbatim,
            verbatim.written,
            Bracket(opening, (("", plain),), ")"),
            set(),
            gate._names_in,
        )
    for name in ("a", "=", "a b=", "**", "1=", "'a':", "a: ", "a=b="):
        refuses(
            verbatim.NotVerbatim,
            verbatim.written,
            Bracket("f(", ((name, plain),), ")"),
            set(),
            gate._names_in,
        )
    names_ = set()
    value = Bracket("f.g(", (("a=", plain), ("", Bracket("[", (("", plain),), "]"))), ")")
    holds(verbatim.written(value, names_, gate._names_in) == 'f.g(a="x", ["x"])', value)
    holds(names_ == {"f"}, names_)
    for lines, joined in (
        ("f(\n    a,\n    b,\n)", "f(a, b)"),
        ("@f(\n    [\n        1,\n    ],\n    x={\n        2: 3,\n    },\n)\ndef x():\n    y",
         "@f([1], x={2: 3})\ndef x():\n    y"),
        ("a\n    b", "a\n    b"),
        ("f(\n)", "f()"),
    ):  # fmt: skip
        holds(verbatim.on_one_line(lines) == joined, lines)


PROMISES = (literals_hold, code_holds, names_hold, plain_holds, verbatim_holds, gate_holds)
