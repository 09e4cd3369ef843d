"""How a run ends: what was seen to go wrong is told, however well it was handled."""

from __future__ import annotations

from typing import Any

from runtime_tasks.run.outcome import outcome_of
from runtime_tasks.run.rules import NodeRecord, NodeStatus
from runtime_tasks.steps import migrations
from runtime_tasks.steps.migrations import (
    ExecuteOutput,
    Migration,
    RollbackOutput,
    RunTestsOutput,
)


def node(id_: str, output: Any = None, status: NodeStatus = "success") -> NodeRecord:
    return NodeRecord(id_, "action", id_, status, output=output)


def executed(*ids: str, on: str = "shop") -> ExecuteOutput:
    applied = [Migration(id=id_, name=id_) for id_ in ids]
    return ExecuteOutput(connection_id=on, tool="sql", plan_hash="sha256:a", applied=applied)


def taken_back(*ids: str, on: str = "shop") -> RollbackOutput:
    undone = [Migration(id=id_, name=id_) for id_ in ids]
    return RollbackOutput(connection_id=on, tool="sql", rolled_back=undone)


def checks(*passed: bool) -> RunTestsOutput:
    cases = [migrations.TestCase(name=f"test {n}", passed=good) for n, good in enumerate(passed, 1)]
    failures = passed.count(False)
    return RunTestsOutput(passed=not failures, total=len(passed), failures=failures, tests=cases)


def end(*records: NodeRecord, stopped: str | None = None) -> tuple[str, str]:
    return outcome_of(records, False, stopped)


def test_all_well_is_a_success() -> None:
    records = (node("execute", executed("1")), node("check", checks(True)))
    assert end(*records) == ("success", "2 nodes done, 0 skipped")


def test_tests_that_do_not_pass_fail_the_run_and_are_named() -> None:
    assert end(node("check", checks(True, False, False))) == (
        "failed",
        "check: 2 of 3 tests did not pass: test 2, test 3",
    )


def test_what_was_taken_back_after_them_is_said_too() -> None:
    records = (
        node("execute", executed("1", "2")),
        node("check", checks(False)),
        node("rollback", taken_back("2", "1")),
    )
    assert end(*records) == (
        "failed",
        "check: 1 of 1 tests did not pass: test 1; rolled back by rollback",
    )


def test_a_run_that_takes_back_what_it_applied_is_no_success() -> None:
    """Whatever the reason: a condition on a health check, say."""
    records = (node("execute", executed("1")), node("rollback", taken_back("1")))
    assert end(*records) == ("failed", "rolled back by rollback")


def test_to_take_back_earlier_work_is_what_the_run_was_for() -> None:
    assert end(node("rollback", taken_back("1")))[0] == "success"
    elsewhere = (node("execute", executed("1", on="other")), node("rollback", taken_back("1")))
    assert end(*elsewhere)[0] == "success"
    other = (node("execute", executed("2")), node("rollback", taken_back("1")))
    assert end(*other)[0] == "success"


def test_many_failing_tests_are_not_all_named() -> None:
    _, reason = end(node("check", checks(*[False] * 40)))
    assert reason.startswith("check: 40 of 40 tests did not pass: test 1, test 2")
    assert reason.endswith("and 35 more")


def test_a_rejection_after_a_failed_test_is_a_failure() -> None:
    assert end(node("check", checks(False)), stopped="approval-1 was rejected")[0] == "failed"
