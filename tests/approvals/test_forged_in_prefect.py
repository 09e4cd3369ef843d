"""What somebody tries who reaches Prefect's API, password and all, and has no vote in dataroll."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from typing import Any

import pytest

from tests.approvals.installed import FLOW, Broken, node, statuses, tables

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]


def key(node_id: str, moment: str) -> str:
    return f"node-{hashlib.sha256(node_id.encode()).hexdigest()[:20]}-{moment}"


def write(broken: Broken, execution: str, name: str, entry: dict[str, Any]) -> None:
    path = f"flow_runs/{broken.run_id(execution)}/input"
    broken.prefect("POST", path, {"key": name, "value": json.dumps(entry)})


def forget(broken: Broken, execution: str, name: str) -> None:
    broken.prefect("DELETE", f"flow_runs/{broken.run_id(execution)}/input/{name}")


def entries(broken: Broken, execution: str) -> dict[str, dict[str, Any]]:
    path = f"flow_runs/{broken.run_id(execution)}/input/filter"
    found = broken.prefect("POST", path, {"prefix": "node-", "limit": 200})
    return {entry["key"]: json.loads(entry["value"]) for entry in found}


APPROVED = {
    "nodeId": "approval-1",
    "nodeType": "action",
    "nodeName": "Approval",
    "status": "success",
    "branch": "Approved",
    "output": {"branch": "Approved", "decision": "approved", "by": ["eve"], "comment": ""},
    "model": "runtime_tasks.steps.approval:ApprovalOutput",
    "disabled": True,
    "continueOnError": True,
}


def restart(broken: Broken, execution: str) -> None:
    """Have the run started again from its journal."""
    if broken.mode == "suspend":
        broken.kill(execution)
        broken.resume_in_prefect(execution)
    else:
        os.kill(broken.process_of(execution), signal.SIGKILL)


def test_an_approval_written_into_the_journal_ends_the_run(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    broken.waits(execution)
    write(broken, execution, key("approval-1", "settled"), APPROVED)
    restart(broken, execution)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "does not carry the worker's seal" in run["error"]
    assert "customers" not in tables(database)
    assert broken.owner.get("/api/approvals", executionId=execution)["items"][0]["status"] == (
        "cancelled"
    )


def test_a_plan_that_reads_harmless_is_shown_to_nobody(broken: Broken) -> None:
    """The hash is the real one, so that execute would not notice; the SQL shown is another."""
    execution, database = broken.start(FLOW)
    broken.waits(execution)
    name = key("dryrun-1", "settled")
    real = entries(broken, execution)[name]
    real["output"]["statements"] = real["output"]["statements"][:1]
    real["output"]["statements"][0]["sql"] = "SELECT 1"
    forget(broken, execution, name)
    write(broken, execution, name, real)
    restart(broken, execution)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "somebody has written into this run's journal" in run["error"]
    assert "SELECT 1" not in json.dumps(run)
    assert "customers" not in tables(database)


def test_an_entry_that_is_taken_away_does_not_have_its_node_run_again(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    broken.waits(execution)
    for moment in ("started", "settled"):
        forget(broken, execution, key("before-1", moment))
    restart(broken, execution)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert node(run, "before-1")["status"] == "success"  # as it was seen at the time
    assert "it cannot be told how far it got" in run["reason"]
    assert statuses(run).get("execute-1", "skipped") == "skipped"
    assert "customers" not in tables(database)


def test_an_outcome_put_there_beforehand_gives_way_to_the_real_one(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    output = {"applied": [], "statements": 0}
    settled = {**APPROVED, "nodeId": "after-1", "nodeType": "action", "output": output}
    write(broken, execution, key("after-1", "settled"), settled)
    write(broken, execution, "run", {"status": "success", "reason": "nothing to do"})
    run = broken.owner.get(f"/api/executions/{execution}")
    assert run["reason"] is None
    assert statuses(run).get("after-1", "pending") == "pending"
    if broken.mode == "suspend":
        forget(broken, execution, key("after-1", "settled"))  # it would not start again at all
    broken.approve(approval["id"])
    run = broken.finished(execution)
    assert run["status"] == "success", run["reason"]
    assert "nodes done" in run["reason"]
    assert "after_it" in tables(database)


def deployment_of(broken: Broken, execution: str) -> str:
    run = broken.prefect("GET", f"flow_runs/{broken.run_id(execution)}")
    return str(run["deployment_id"])


def test_a_run_made_in_prefect_is_what_the_server_says_it_is(broken: Broken) -> None:
    """With a test run's answers, another's name and an owner of the maker's choice as parameters."""
    flow = FLOW.replace('"APPROVER"', '"{{ currentUser.teamOwner }}"')
    execution, database = broken.start(flow)
    (approval,) = broken.waits(execution)
    connection = broken.prefect("GET", f"flow_runs/{broken.run_id(execution)}")["parameters"]
    me = broken.robin.get("/api/auth/me")
    forged = {
        "connectionId": connection["connectionId"],
        "currentUser": {"id": "nobody", "teamOwner": me["id"]},
        "execution": {"id": execution, "dryRun": False, "approvals": {"approval-1": "Approved"}},
    }
    path = f"deployments/{deployment_of(broken, execution)}/create_flow_run"
    tagged = broken.prefect(
        "POST", path, {"parameters": forged, "tags": [f"execution:{execution}"]}
    )
    plain = broken.prefect("POST", path, {"parameters": forged})

    def over(flow_run: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] = broken.prefect("GET", f"flow_runs/{flow_run['id']}")
        return found if found["state"]["type"] in ("FAILED", "CRASHED", "COMPLETED") else None

    said = broken.wait("the forged run's end", lambda: over(tagged))["state"]
    assert (said["type"], "and says that it was" in said["message"]) == ("FAILED", True), said
    said = broken.wait("the other one's end", lambda: over(plain))["state"]
    assert said["type"] == "FAILED", said
    # It is a run of its own, and before-1's table was made by the first one.
    (adopted,) = [
        run
        for run in broken.owner.get("/api/executions")["items"]
        if run["prefectFlowRunId"] == plain["id"]
    ]
    assert adopted["triggeredBy"] == "prefect"
    assert adopted["id"] != execution
    assert "customers" not in tables(database)
    broken.approve(approval["id"])
    assert broken.finished(execution)["status"] == "success"


def test_parameters_edited_in_prefect_change_nothing(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    run_id = broken.run_id(execution)
    parameters = broken.prefect("GET", f"flow_runs/{run_id}")["parameters"]
    parameters["execution"] |= {"dryRun": True, "approvals": {"approval-1": "Approved"}}
    parameters["connectionId"] = "another"
    broken.prefect("PATCH", f"flow_runs/{run_id}", {"parameters": parameters})
    broken.kill(execution)
    broken.approve(approval["id"])
    run = broken.finished(execution)
    assert run["status"] == "success", run["reason"]
    assert node(run, "execute-1")["output"]["dryRun"] is False
    assert {"customers", "after_it"} <= tables(database)


def test_a_run_set_to_scheduled_in_prefect_gets_no_second_process(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    broken.waits(execution)
    if broken.mode == "suspend":
        broken.kill(execution)
    state = {"state": {"type": "SCHEDULED", "name": "Eve"}, "force": True}
    broken.prefect("POST", f"flow_runs/{broken.run_id(execution)}/set_state", state)
    run = broken.finished(execution)
    assert run["status"] == "failed"
    assert "resumed in Prefect without a decision in dataroll" in run["reason"]
    assert "customers" not in tables(database)


def test_a_run_that_was_rejected_is_not_retried_in_prefect(broken: Broken) -> None:
    execution, database = broken.start(FLOW)
    (approval,) = broken.waits(execution)
    broken.owner.post(f"/api/approvals/{approval['id']}/reject", {"comment": "no"})
    broken.finished(execution)
    run_id = broken.run_id(execution)
    state = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    broken.prefect("POST", f"flow_runs/{run_id}/set_state", state)

    def over() -> bool:
        found = broken.prefect("GET", f"flow_runs/{run_id}")
        return found["state"]["type"] in ("FAILED", "CANCELLED") and found["run_count"] > 1

    broken.wait("the second end", over)
    assert "customers" not in tables(database)
    assert broken.owner.get(f"/api/executions/{execution}")["status"] == "cancelled"
