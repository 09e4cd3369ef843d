"""Waiting runs on a real Prefect, worker and server: what is done to them, and what becomes of them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.approvals.installed import FLOW, Broken, node, statuses, tables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ALL_DONE = dict.fromkeys(
    ("trigger-1", "before-1", "discover-1", "dryrun-1", "approval-1", "execute-1", "after-1"),
    "success",
)


@pytest.mark.parametrize("mode", ["pause", "suspend"])
def test_a_bare_resume_in_prefect_fails_the_node_and_says_why(installed: Broken, mode: str) -> None:
    broken = replace(installed, mode=mode)
    execution, database = broken.start(FLOW)
    broken.waits(execution)
    if mode == "suspend":
        broken.kill(execution)  # waits for its end
    broken.resume_in_prefect(execution)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "resumed in Prefect without a decision in dataroll" in run["reason"]
    assert statuses(run)["approval-1"] == "failed"
    assert statuses(run)["execute-1"] == "skipped"
    assert "customers" not in tables(database)
    (approval,) = broken.owner.get("/api/approvals", executionId=execution)["items"]
    assert approval["status"] == "cancelled"


def test_a_decision_forged_in_the_database_does_not_pass(broken: Broken) -> None:
    """Whoever can write dataroll's tables still lacks the key."""
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    text = json.dumps(
        {
            "execution": execution,
            "node": "approval-1",
            "digest": approval["digest"],
            "planHash": approval["planHash"],
            "outcome": "approved",
            "by": ["admin@localhost"],
            "comment": "",
            "decidedAt": "2026-01-01T00:00:00+00:00",
        },
        separators=(",", ":"),
    )
    broken.sql(
        "UPDATE workflow_approvals SET status='approved', decision=:a, signature=:b WHERE id=:c",
        text,
        "A" * 86 + "==",
        approval["id"],
    )
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "signature" in run["reason"]
    assert "customers" not in tables(database)


def test_a_killed_process_goes_on_from_the_approval(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    first = node(broken.owner.get(f"/api/executions/{execution}"), "dryrun-1")
    broken.kill(execution)
    killed = time.monotonic()
    broken.approve(approval["id"], comment="go on")
    run = broken.finished(execution)
    print(f"over {time.monotonic() - killed:.1f} s after the kill")
    assert run["status"] == "success", run["reason"]
    assert statuses(run) == ALL_DONE  # before-1 would fail a second time
    assert node(run, "dryrun-1")["startedAt"] == first["startedAt"]
    assert node(run, "approval-1")["output"]["comment"] == "go on"
    assert node(run, "execute-1")["retryCount"] == 0
    assert {"customers", "orders", "before_it", "after_it"} <= tables(database)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_crash_that_is_reported_of_a_living_process_ends_nothing(installed: Broken) -> None:
    """A worker that had given a start up says so late: it was an earlier attempt's."""
    execution, database = installed.start(FLOW)
    (approval,) = installed.waits(execution)
    body = {"state": {"type": "CRASHED", "message": "Failed to submit"}, "force": True}
    path = f"flow_runs/{installed.run_id(execution)}"
    installed.prefect("POST", f"{path}/set_state", body)
    # It looks again after two minutes; more on a machine that does much else.
    installed.wait("the pause", lambda: installed.is_paused(execution), seconds=400)
    installed.approve(approval["id"])
    run = installed.finished(execution, seconds=300)
    assert run["status"] == "success", run["reason"]
    assert statuses(run) == ALL_DONE
    assert "customers" in tables(database)


def test_a_suspended_run_has_no_process_and_goes_on_after_the_decision(
    suspending: Broken,
) -> None:
    execution, database = suspending.start(FLOW)
    (approval,) = suspending.waits(execution)
    old = suspending.process_of(execution)
    suspending.wait("the process's end", lambda: not Path(f"/proc/{old}").exists())
    first = node(suspending.owner.get(f"/api/executions/{execution}"), "dryrun-1")
    decided = time.monotonic()
    suspending.approve(approval["id"], comment="go on")
    run = suspending.finished(execution)
    print(f"over {time.monotonic() - decided:.1f} s after the decision")
    assert run["status"] == "success", run["reason"]
    assert statuses(run) == ALL_DONE  # before-1 would fail a second time
    assert node(run, "dryrun-1")["startedAt"] == first["startedAt"]
    assert node(run, "approval-1")["output"]["comment"] == "go on"
    assert {"customers", "orders", "before_it", "after_it"} <= tables(database)


PARALLEL = FLOW.replace(
    "  execute-1:",
    '  approval-2: {type: approval, label: Other approval, approvers: ["APPROVER"], timeout: TIMEOUTMORE}\n'
    "  execute-1:",
).replace(
    "edges:",
    "edges:\n  - {source: dryrun-1, target: approval-2}\n"
    "  - {source: approval-2, target: execute-1, label: Approved}",
)


def test_two_approvals_side_by_side_share_one_pause(broken: Broken) -> None:
    execution, database = broken.start(PARALLEL)
    one, two = broken.waits(execution, 2)
    broken.approve(one["id"])
    broken.wait(
        "the first to be taken in",
        lambda: (
            statuses(broken.owner.get(f"/api/executions/{execution}"))[one["nodeId"]] == "success"
        ),
    )
    broken.waits(execution, 1)  # it waits for the second
    assert "customers" not in tables(database)
    broken.approve(two["id"])
    run = broken.finished(execution)
    assert run["status"] == "success", run["reason"]
    assert "customers" in tables(database)


def test_approvals_one_after_the_other(broken: Broken) -> None:
    chain = PARALLEL.replace(
        "source: dryrun-1, target: approval-2", "source: approval-1, target: approval-2"
    ).replace("  - {source: approval-1, target: execute-1, label: Approved}\n", "")
    execution, database = broken.start(chain)
    (one,) = broken.waits(execution)
    broken.approve(one["id"])
    broken.wait("the second request", lambda: broken.open_nodes(execution) == ["approval-2"])
    (two,) = broken.waits(execution)
    assert "customers" not in tables(database)
    broken.approve(two["id"])
    assert broken.finished(execution)["status"] == "success"


def test_an_expiry_without_an_edge_of_its_own_ends_the_run(broken: Broken) -> None:
    execution, database = broken.start(FLOW, TIMEOUT="3")
    run = broken.finished(execution)
    assert run["status"] == "cancelled"
    assert run["reason"] == "approval-1 expired without a decision"
    assert "customers" not in tables(database)


def test_an_expiry_with_an_edge_of_its_own_takes_it(broken: Broken) -> None:
    flow = FLOW.replace(
        "label: Approved}",
        "label: Approved}\n  - {source: approval-1, target: after-1, label: Expired}",
    ).replace("  - {source: execute-1, target: after-1}\n", "")
    execution, database = broken.start(flow, TIMEOUT="3")
    run = broken.finished(execution)
    assert run["status"] == "success"
    assert node(run, "approval-1")["output"]["decision"] == "expired"
    assert statuses(run)["execute-1"] == "skipped"
    assert "after_it" in tables(database)
    assert "customers" not in tables(database)
    (approval,) = broken.owner.get("/api/approvals", executionId=execution)["items"]
    late = broken.owner.http.post(f"/api/approvals/{approval['id']}/approve", json={})
    assert late.status_code == 409
    assert late.json()["detail"] == "this request is expired already"


def test_who_starts_a_run_is_never_the_only_consent(broken: Broken) -> None:
    """The owner starts it, and nobody but the owner is asked."""
    execution, database = broken.start(FLOW, by=broken.owner)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "only the person who started the run could approve it" in run["reason"]
    assert statuses(run)["execute-1"] == "skipped"
    assert "customers" not in tables(database)


def test_cancelling_a_run_that_waits_ends_it_and_refuses_votes(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    broken.owner.post(f"/api/executions/{execution}/cancel")
    run = broken.finished(execution)
    assert run["status"] == "cancelled"
    late = broken.owner.http.post(f"/api/approvals/{approval['id']}/approve", json={})
    assert late.status_code == 409
    assert "customers" not in tables(database)


RUNS = int(os.environ.get("DATAROLL_TEST_WAITING_RUNS", "20"))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_waiting_runs_outlive_the_server_prefect_and_the_worker(broken: Broken) -> None:
    """Each is killed in turn, the worker with every flow process; then all runs are approved."""
    started = [broken.start(FLOW) for _ in range(RUNS)]
    approvals = [broken.waits(execution, seconds=600)[0]["id"] for execution, _ in started]
    for words in (("cli", "server"), ("server", "start")):
        begun = time.monotonic()
        broken.kill_child(*words)
        time.sleep(2)
        broken.wait("server and Prefect", broken.healthy)
        for execution, _ in started:
            assert broken.waits(execution)
        print(f"{' '.join(words)}: {RUNS} runs wait on {time.monotonic() - begun:.1f} s later")
    processes = {execution: broken.process_of(execution) for execution, _ in started}
    broken.kill_child("cli", "worker", group=True)
    killed = time.monotonic()
    for approval in approvals[: RUNS // 2]:
        broken.approve(approval)  # while nobody is there to hear it
    if broken.mode == "pause":
        for execution, _ in started[RUNS // 2 :]:
            broken.wait(
                "the restart",
                lambda execution=execution: (
                    broken.process_alive(execution) not in (None, processes[execution])
                    and broken.is_paused(execution)
                ),
                seconds=600,
            )
        print(f"{RUNS - RUNS // 2} runs wait again {time.monotonic() - killed:.1f} s after")
    for approval in approvals[RUNS // 2 :]:
        broken.approve(approval)
    for execution, database in started:
        run = broken.finished(execution, seconds=600)
        assert run["status"] == "success", run["reason"]
        assert statuses(run) == ALL_DONE  # before-1 and after-1 would fail a second time
        assert {"customers", "orders", "after_it"} <= tables(database)
    print(f"all over {time.monotonic() - killed:.1f} s after the kill")
