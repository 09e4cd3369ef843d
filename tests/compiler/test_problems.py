"""What is refused, all of it at once, each with its place."""

from __future__ import annotations

import pytest

from compiler import DefinitionError, compile_workflow
from tests.compiler.definitions import codes, problems, workflow

TEN_MISTAKES = """\
version: "1.0"
name: Ten mistakes
trigger: sometimes
nodes:
  start: {type: trigger, trigger: scheduled, cron: "0 0 31 2 *"}
  discover: {type: action, action: discover_migration, connectionId: main}
  ask: {type: approval, approvers: role:admin, timeout: soon}
  check: {type: condition, condition: "{{ nobody.output > 0 }}"}
  go: {type: action, action: execute_migrations, conectionId: main}
  say: {type: notification, provider: slack, webhook: x, maxRetries: 99}
edges:
  - {source: start, target: ask}
  - {source: ask, target: check, label: Aproved}
  - {source: check, target: goo}
"""


def test_ten_mistakes_give_ten_problems_with_their_places() -> None:
    with pytest.raises(DefinitionError) as caught:
        compile_workflow(TEN_MISTAKES, "yaml")
    found = {(problem.code, problem.line) for problem in caught.value.problems}
    assert found >= {
        ("unknown-value", 3),
        ("bad-cron", 5),
        ("unknown-value", 6),
        ("wrong-type", 7),
        ("unknown-key", 9),
        ("wrong-type", 10),
        ("unknown-label", 13),
        ("unknown-node", 14),
    }
    assert all(problem.line and problem.column for problem in caught.value.problems)
    text = str(caught.value)
    assert "definition:9:50  go.conectionId  unknown-key" in text
    assert "did you mean connectionId?" in text


@pytest.mark.parametrize("id_", ["dry_1", "execution", "no good"])
def test_what_else_is_wrong_with_a_node_of_a_refused_name_is_said_at_once(id_: str) -> None:
    text = workflow(
        f"""
dry-1: {{type: action, action: run_tests}}
{id_}: {{type: action, action: dry_run, cron: 5}}
""",
        f"dry-1 -> {id_}: Maybe",
    )
    assert {"unknown-key", "bad-name" if " " in id_ else "unknown-label"} <= set(codes(text))


def test_expressions_are_looked_at_once_the_graph_stands() -> None:
    text = workflow(
        """
start: {type: trigger}
check: {type: condition, condition: "{{ strat.output > 0 }}"}
other: {type: condition, condition: "{{ later.output.total > 0 }}"}
later: {type: action, action: run_tests}
""",
        "start -> check\nstart -> other\nother -> later",
    )
    first, second = problems(text)
    assert (first.code, first.line, first.column, first.node, first.field) == (
        "unknown-name",
        5,
        43,
        "check",
        "condition",
    )
    assert first.hint == "did you mean start?"
    assert (second.code, second.node) == ("not-an-ancestor", "other")


def test_a_place_inside_a_block_of_text_is_found() -> None:
    text = workflow(
        """
start: {type: trigger}
say:
  type: notification
  provider: slack
  webhook: https://example.org
  message: |
    Hello,
    there are {{ nothing }} migrations
""",
        "start -> say",
    )
    (problem,) = problems(text)
    assert (problem.line, problem.column) == (11, 20)


@pytest.mark.parametrize(
    ("nodes", "edges", "code"),
    [
        ("a: {type: trigger}\nb: {type: delay}", "a -> b\na -> b", "duplicate-edge"),
        ("a: {type: delay}\nb: {type: delay}", "a -> b\nb -> a", "cycle"),
        ("a: {type: delay}", "a -> a", "cycle"),
        ("a: {type: trigger}\nb: {type: trigger}", "a -> b", "edge-into-start"),
        ("a: {type: trigger}\nb: {type: error_handler}", "a -> b", "edge-into-start"),
        ("a: {type: trigger}\nb: {type: delay}", "a -> b: Failed", "unknown-label"),
        ("a: {type: delay}\nb: {type: delay}", "a -> b: Yes", "unknown-label"),
        ("a-b: {type: delay}\na_b: {type: delay}", "", "duplicate-name"),
        ("trigger: {type: delay}", "", "reserved-name"),
        ("currentUser: {type: delay}", "", "reserved-name"),
        ("__import__: {type: delay}", "", "bad-name"),
        ('"a b": {type: delay}', "", "bad-name"),
        ('"": {type: delay}', "", "bad-name"),
        ("a: {type: delay, seconds: -1}", "", "wrong-type"),
        ("a: {type: delay, seconds: yes please}", "", "wrong-type"),
        ("a: {type: delay, hours: true}", "", "wrong-type"),
        ("a: {type: delay, sekonds: 1}", "", "unknown-key"),
        ("a: {type: delay, position: {x: 1}}", "", "unknown-key"),
        ("a: {type: delay, maxRetries: 51}", "", "wrong-type"),
        ("a: {type: delay, maxRetries: 1.5}", "", "wrong-type"),
        ("a: {type: delay, retryBackoff: quadratic}", "", "unknown-value"),
        ("a: {type: delay, disabled: 1}", "", "wrong-type"),
        ("a: {type: dealy}", "", "unknown-value"),
        ("a: {label: x}", "", "missing"),
        ("a: delay", "", "wrong-type"),
        ("a: {type: action}", "", "missing"),
        ("a: {type: action, action: dry_run}", "", "missing"),
        ("a: {type: condition}", "", "missing"),
        ("a: {type: notification, provider: fax}", "", "unknown-value"),
        ("a: {type: trigger, trigger: scheduled}", "", "missing"),
        ("a: {type: trigger, trigger: scheduled, cron: '0 0 * *'}", "", "bad-cron"),
        ("a: {type: trigger, trigger: scheduled, cron: '0 0 30 2 *'}", "", "bad-cron"),
        (
            "a: {type: trigger, trigger: scheduled, cron: '0 0 * * *', timezone: Mars}",
            "",
            "bad-timezone",
        ),
        ("a: {type: trigger, trigger: scheduled, cron: '{{ 1 }}'}", "", "hole-here"),
        ("a: {type: action, action: http_request, url: u, pollUntil: done}", "", "no-expression"),
        (
            "a: {type: action, action: http_request, url: u, pollUntil: 'x {{ 1 }}'}",
            "",
            "no-expression",
        ),
        ("a: {type: action, action: http_request, url: u, pollUntil: true}", "", "wrong-type"),
        (
            "a: {type: action, action: dry_run, connectionId: c, noRollback: {reason: x}}",
            "",
            "missing",
        ),
    ],
)
def test_each_mistake_has_its_own_code(nodes: str, edges: str, code: str) -> None:
    assert codes(workflow(nodes, edges)) == [code]


@pytest.mark.parametrize(
    ("top", "code"),
    [
        ("surprise: 1", "unknown-key"),
        ("tags: [1]", "wrong-type"),
        ("tags: production", "wrong-type"),
        ("description: 12", "wrong-type"),
        ("settings: {timeout: 0}", "wrong-type"),
        ("settings: {onCollision: explode}", "unknown-value"),
        ("settings: {checks: {rolback-coverage: x}}", "unknown-value"),
        ("settings: {checks: {rollback-coverage: ''}}", "missing"),
        ("variables: {s: {type: secret, default: hunter2}}", "secret-default"),
        ("variables: {n: {type: number, default: '1'}}", "wrong-type"),
        ("variables: {n: {type: integer}}", "unknown-value"),
        ("variables: {connectionId: {type: string}}", "reserved-name"),
        ("variables: {a: {type: string}}", "duplicate-name"),
        ("variables: {'x y': {type: string}}", "bad-name"),
        ("variables: {x: {type: string, default: '{{ 1 }}'}}", "hole-in-default"),
        ("layout: 3", "wrong-type"),
    ],
)
def test_each_mistake_at_the_top_has_its_own_code(top: str, code: str) -> None:
    assert codes(workflow("a: {type: trigger}", top=top)) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("just text", "wrong-type"),
        ("[1, 2]", "wrong-type"),
        ('version: "2.0"\nname: x\nnodes: {a: {type: trigger}}', "version"),
        ('version: "1.0"\nname: " "\nnodes: {a: {type: trigger}}', "missing"),
        ('version: "1.0"\nname: x\nnodes: {}', "missing"),
        ('version: "1.0"\nname: x\nnodes: []', "missing"),
        ('version: "1.0"\nname: x\nname: y\nnodes: {a: {type: trigger}}', "duplicate-key"),
        ("a: !!python/name:os.system", "yaml-tag"),
        ("a: &a [*a]", "yaml-alias"),
        ("a: 1\n---\nb: 2", "yaml-documents"),
        ("a: .nan", "number"),
        ("a: [1", "yaml-syntax"),
        ("a: \x07", "yaml-syntax"),
        ("[" * 5000, "too-deep"),
        ("x" * 1_000_001, "too-large"),
    ],
)
def test_unreadable_text_is_one_problem(text: str, code: str) -> None:
    assert codes(text) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json-syntax"),
        ("{", "json-syntax"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ('{"a": NaN}', "number"),
        ('{"a": 1} x', "json-syntax"),
        ("{'a': 1}", "json-syntax"),
        ("// c\n{}", "json-syntax"),
        ("[" * 5000, "too-deep"),
        ('{"a":' * 5000, "too-deep"),
        (b"\xff\xfe{\x00", "not-utf8"),
    ],
)
def test_unreadable_json_is_one_problem(text: str | bytes, code: str) -> None:
    assert code in codes(text, "json")


def test_an_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert codes("\n".join(lines)) == ["yaml-alias"]


def test_a_reference_across_a_branch_that_may_be_skipped_is_refused() -> None:
    nodes = """
start: {type: trigger}
ask: {type: condition, condition: "{{ trigger.body.go }}"}
test: {type: action, action: run_tests}
say: {type: notification, provider: slack, webhook: u, message: "{{ test.output.total }} tests"}
"""
    edges = "start -> ask\nask -> test\ntest -> say\nask -> say: No"
    assert codes(workflow(nodes, edges)) == ["may-not-have-run"]
    assert codes(workflow(nodes.replace("output.total", "output?.total"), edges)) == []


def test_after_a_join_of_forks_both_have_run() -> None:
    nodes = """
start: {type: trigger}
left: {type: action, action: run_tests}
middle: {type: delay}
right: {type: action, action: run_tests}
say: {type: notification, provider: slack, webhook: u, message: "{{ left.output.total + right.output.total }}"}
"""
    edges = "start -> left\nleft -> middle\nstart -> right\nmiddle -> say\nright -> say"
    assert codes(workflow(nodes, edges)) == []
    assert codes(workflow(nodes.replace("left: {", "left: {continueOnError: true, "), edges)) == [
        "may-not-have-run"
    ]


def test_a_secret_where_people_would_see_it_is_refused() -> None:
    nodes = """
start: {type: trigger}
say: {type: notification, provider: slack, webhook: "{{ hook }}", message: "at {{ hook }}"}
"""
    text = workflow(nodes, "start -> say", top="variables: {hook: {type: secret}}")
    (problem,) = problems(text)
    assert (problem.code, problem.field) == ("secret-here", "message")


def test_a_value_of_the_wrong_type_is_refused_before_the_run() -> None:
    nodes = """
start: {type: trigger}
find: {type: action, action: discover_migrations, connectionId: main}
wait: {type: delay, seconds: "{{ find.output.migrations }}"}
"""
    (problem,) = problems(workflow(nodes, "start -> find\nfind -> wait"))
    assert (problem.code, problem.field) == ("wrong-type", "seconds")
    assert "takes a number, and this is a list" in problem.message


@pytest.mark.parametrize("action", ["dry_run", "execute_migrations"])
@pytest.mark.parametrize(
    ("migrations", "code"),
    [
        ("null", "wrong-type"),
        ("", "wrong-type"),
        ("all", "wrong-type"),
        ("'{{ find?.output.migrations }}'", "may-be-null"),
        ("'{{ find?.output.migrations.filter(m => m.id) }}'", "may-be-null"),
        ("'{{ null }}'", "may-be-null"),
        ("'{{ find?.output.migrations ?? [] }}'", ""),
        ("'{{ find.output ? find.output.migrations : [] }}'", ""),
        ("'{{ trigger.body.migrations }}'", ""),
        ("[]", ""),
        ("[v1, '{{ connectionId }}']", ""),
    ],
)
def test_null_is_no_choice_of_migrations(action: str, migrations: str, code: str) -> None:
    """A discovery that was skipped must not mean that everything pending is meant."""
    text = workflow(
        f"""
start: {{type: trigger}}
any: {{type: condition, condition: "{{{{ connectionId === 'a' }}}}"}}
find: {{type: action, action: discover_migrations, connectionId: a}}
go:
  type: action
  action: {action}
  connectionId: a
  migrations: {migrations}
""",
        "start -> any\nany -> find: Yes\nany -> go: No\nfind -> go",
    )
    found = problems(text)
    assert [problem.code for problem in found] == ([code] if code else [])
    for problem in found:
        assert (problem.node, problem.field) == ("go", "migrations")
        assert problem.line == 11
        assert problem.hint == "leave it out for all that are pending, or write ?? [] for none"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("nodes:\n\ta: {type: trigger}\n", "indent with spaces: YAML takes no tabs there"),
        (
            "nodes:\n  a:\n    type: delay\n    seconds: {{ n }}\n",
            'put quotes around a hole: "{{ name }}"',
        ),
        (
            "nodes:\n  a: {type: trigger}\n  b\n    type: delay\n",
            "a colon is missing, mostly at the end of the line above",
        ),
    ],
)
def test_what_is_no_yaml_says_how_that_mostly_comes_about(text: str, hint: str) -> None:
    (problem,) = problems(text)
    assert problem.hint == hint


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("len(find.output.migrations) > 0", "write .length behind the list or the text"),
        ("find.migrations.length > 0", "did you mean output.migrations?"),
        ("find.outputs.migrations", "did you mean output?"),
        ("find.output.tool === None", "write null"),
    ],
)
def test_what_people_write_from_habit_gets_the_word_that_is_meant(
    condition: str, hint: str
) -> None:
    text = workflow(
        f"""
find: {{type: action, action: discover_migrations, connectionId: a}}
any: {{type: condition, condition: "{{{{ {condition} }}}}"}}
""",
        "find -> any",
    )
    (problem,) = problems(text)
    assert problem.hint == hint


def test_a_value_of_another_kind_is_shown_one_of_the_right_kind() -> None:
    text = workflow(
        """
ask: {type: approval, approvers: role:admin, timeout: 2h}
"""
    )
    assert [problem.hint for problem in problems(text)] == [
        "such as approvers: [role:admin]",
        "in seconds, such as timeout: 3600",
    ]
