"""The checks on what a workflow does, each with the way that shows the problem."""

from __future__ import annotations

import pytest

from compiler.errors import Problem
from compiler.workflow import check_workflow
from tests.compiler.definitions import workflow

SAFE = """
start: {type: trigger}
try: {type: action, action: dry_run, connectionId: db}
ask: {type: approval, approvers: [role:admin]}
go: {type: action, action: execute_migrations, connectionId: db}
back: {type: action, action: rollback, connectionId: db}
"""
SAFE_EDGES = "start -> try\ntry -> ask\nask -> go: Approved\ngo -> back: Failed"
QUIET = "settings: {checks: {missing-branch: not the subject here}}"


def warnings(nodes: str, edges: str, top: str = QUIET) -> list[Problem]:
    checked = check_workflow(workflow(nodes, edges, top=top), "yaml")
    assert not checked.errors
    return list(checked.warnings)


def codes(nodes: str, edges: str, top: str = QUIET) -> list[str]:
    return [problem.code for problem in warnings(nodes, edges, top)]


def test_a_safe_workflow_has_no_warnings() -> None:
    assert warnings(SAFE, SAFE_EDGES) == []


def test_an_execute_without_a_rollback_is_found() -> None:
    (problem,) = warnings(SAFE.replace("back: {", "back: {disabled: true, "), SAFE_EDGES)
    assert (problem.code, problem.node, problem.path) == (
        "rollback-coverage",
        "go",
        ("go", "back"),
    )
    (problem,) = warnings(
        SAFE.replace("rollback, connectionId: db", "rollback, connectionId: other"), SAFE_EDGES
    )
    assert problem.path[0] == "go"


def test_a_rollback_that_only_one_branch_reaches_is_not_enough() -> None:
    nodes = SAFE + "sure: {type: condition, condition: '{{ trigger.body.sure }}'}"
    edges = SAFE_EDGES.replace("go -> back: Failed", "go -> sure: Failed\nsure -> back: Yes")
    (problem,) = warnings(nodes, edges)
    assert (problem.code, problem.path) == ("rollback-coverage", ("go", "sure"))


def test_a_node_before_the_rollback_must_not_be_able_to_stop_it() -> None:
    nodes = SAFE + "tell: {type: notification, provider: slack, webhook: u}"
    edges = SAFE_EDGES.replace("go -> back: Failed", "go -> tell: Failed\ntell -> back")
    (problem,) = warnings(nodes, edges)
    assert (problem.code, problem.path) == ("rollback-coverage", ("go", "tell"))
    assert warnings(nodes.replace("tell: {", "tell: {continueOnError: true, "), edges) == []


def test_an_error_handler_with_a_rollback_is_enough() -> None:
    nodes = SAFE + "handler: {type: error_handler}"
    edges = SAFE_EDGES.replace("go -> back: Failed", "handler -> back")
    assert warnings(nodes, edges) == []


def test_a_test_after_the_execute_must_lead_to_a_rollback_too() -> None:
    nodes = SAFE + "test: {type: action, action: run_tests, connectionId: db}"
    edges = SAFE_EDGES + "\ngo -> test"
    (problem,) = warnings(nodes, edges)
    assert (problem.code, problem.node, problem.path) == (
        "rollback-coverage",
        "test",
        ("go", "test"),
    )
    assert warnings(nodes, edges + "\ntest -> back: Failed") == []


def test_no_rollback_with_a_reason_is_accepted() -> None:
    text = "{reason: only adds tables, acknowledgedBy: kim}"
    nodes = SAFE.replace("go: {", f"go: {{noRollback: {text}, ")
    assert warnings(nodes, SAFE_EDGES.replace("go -> back: Failed", "try -> back: Failed")) == []


def test_a_way_around_the_approval_is_shown() -> None:
    problem, *_ = warnings(SAFE, SAFE_EDGES + "\nask -> go: Expired")
    assert (problem.code, problem.node) == ("approval-coverage", "go")
    assert problem.path == ("start", "try", "ask", "go")
    (problem,) = warnings(
        SAFE,
        SAFE_EDGES.replace("start -> try\ntry -> ask", "start -> ask\nstart -> try\ntry -> back"),
    )
    assert problem.message == "'go' can run without a dry run of its connection"


def test_an_approval_beside_the_way_counts_if_its_rejection_ends_the_run() -> None:
    edges = "start -> try\nstart -> ask\nask -> go\ntry -> go\ngo -> back: Failed"
    assert warnings(SAFE, edges) == []


def test_two_executes_side_by_side_are_found() -> None:
    nodes = SAFE + "twin: {type: action, action: execute_migrations, connectionId: db}"
    edges = SAFE_EDGES + "\nask -> twin\ntwin -> back: Failed"
    assert "side-by-side" in codes(nodes, edges)
    assert "side-by-side" not in codes(nodes, edges + "\ngo -> twin")
    other = nodes.replace(
        "execute_migrations, connectionId: db}\n", "execute_migrations, connectionId: x}\n", 1
    )
    assert "side-by-side" not in codes(other, edges)


def test_executes_on_two_branches_of_one_condition_exclude_each_other() -> None:
    nodes = """
start: {type: trigger}
which: {type: condition, condition: "{{ trigger.body.big }}"}
a: {type: action, action: run_sql, connectionId: db, sql: select 1}
b: {type: action, action: run_sql, connectionId: db, sql: select 2}
"""
    assert codes(nodes, "start -> which\nwhich -> a: Yes\nwhich -> b: No") == []
    assert codes(nodes, "start -> which\nwhich -> a: Yes\nwhich -> b: Yes") == ["side-by-side"]


def test_retries_that_may_do_the_work_twice_are_found() -> None:
    assert codes(SAFE.replace("go: {", "go: {maxRetries: 2, "), SAFE_EDGES) == [
        "retry-not-idempotent"
    ]
    assert codes(SAFE.replace("try: {", "try: {maxRetries: 2, "), SAFE_EDGES) == []


def test_nodes_that_nothing_leads_to_are_found() -> None:
    assert codes(SAFE + "loose: {type: delay}", SAFE_EDGES) == ["unreachable"]
    nodes = "start: {type: trigger}\nask: {type: approval, approvers: [a], disabled: true}\nno: {type: delay}"
    assert codes(nodes, "start -> ask\nask -> no: Rejected") == ["unreachable"]


def test_a_branch_that_leads_nowhere_is_found() -> None:
    (problem,) = warnings(SAFE, SAFE_EDGES, top="")
    assert (problem.code, problem.node) == ("missing-branch", "ask")


def test_secrets_in_clear_text_are_found() -> None:
    nodes = "start: {type: trigger}\nsay: {type: notification, provider: slack, webhook: 'https://hooks.slack.com/services/T0/B0/x'}"
    assert codes(nodes, "start -> say") == ["secret-in-clear"]


def test_a_schedule_cannot_be_asked_for_inputs() -> None:
    nodes = """
start: {type: trigger, trigger: scheduled, cron: "0 2 * * *"}
find: {type: action, action: discover_migrations, connectionId: "{{ connectionId }}"}
"""
    assert codes(nodes, "start -> find") == ["scheduled-input"]


def test_a_waiver_silences_one_check_and_stands_in_the_file() -> None:
    from compiler import compile_workflow

    nodes = SAFE.replace("go: {", "go: {maxRetries: 2, ")
    top = "settings: {checks: [{check: retry-not-idempotent, node: go, reason: 'it \"locks\"'}, {check: missing-branch, reason: x}]}"
    flow = compile_workflow(workflow(nodes, SAFE_EDGES, top=top), "yaml")
    assert flow.warnings == ()
    assert (
        'WAIVED = {"retry-not-idempotent go": \'it "locks"\', "missing-branch": "x"}' in flow.source
    )


def test_strict_makes_errors_of_warnings() -> None:
    text = workflow(SAFE, SAFE_EDGES)
    assert check_workflow(text, "yaml").errors == ()
    assert [p.code for p in check_workflow(text, "yaml", strict=True).errors] == ["missing-branch"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("condition: find.output.migrations.length > 0", True),
        ('condition: "{{ find.output.migrations.length > 0 }}"', False),
        ('condition: production, value: "{{ trigger.body.env }}"', False),
        ("condition: true", False),
    ],
)
def test_a_condition_whose_braces_were_forgotten_is_found(condition: str, found: bool) -> None:
    nodes = f"""
start: {{type: trigger}}
find: {{type: action, action: discover_migrations, connectionId: main}}
ask: {{type: condition, {condition}}}
"""
    codes = [
        p.code
        for p in check_workflow(workflow(nodes, "start -> find\nfind -> ask"), "yaml").warnings
    ]
    assert ("constant-condition" in codes) is found


@pytest.mark.parametrize(
    ("node", "found"),
    [
        ('action: run_sql, sql: "delete from t where a = {{ trigger.body.a }}"', True),
        ('action: run_sql, sql: "{{ trigger.body.sql }}"', True),
        ('action: run_sql, sql: "delete from t where a = :a", parameters: {a: "{{ 1 }}"}', False),
        ('action: run_tests, tests: [{sql: "select {{ trigger.body.a }}", rows: 1}]', True),
        ('action: run_tests, tests: "{{ trigger.body.tests }}"', True),
        ('action: run_tests, tests: [{sql: select 1, equals: "{{ trigger.body.a }}"}]', False),
    ],
)
def test_sql_that_is_put_together_from_values_is_found(node: str, found: bool) -> None:
    text = workflow(f"a: {{type: action, connectionId: main, {node}}}")
    codes = [problem.code for problem in check_workflow(text, "yaml").warnings]
    assert ("hole-in-sql" in codes) is found
    assert check_workflow(text, "yaml").errors == ()
