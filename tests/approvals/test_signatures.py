"""What a flow believes: a decision with the server's signature, for this run, node and plan."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runtime_tasks.context import ApprovalRequest
from runtime_tasks.errors import Cancelled, Refused
from runtime_tasks.run.approvals import Approvals, OpenRequest, plan_hash, signed_decision
from runtime_tasks.run.rules import Edge, Rules
from server.approvals.signing import Signer, decision_text

PLANS = {"shop": "sha256:plan-of-the-shop"}


@dataclass
class Run:
    """As much of a WorkflowRun as checking a decision looks at."""

    execution_id: str = "e1"
    digest: str = "sha256:flow"
    rules: Rules = field(default_factory=Rules)


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signer:
    signer = Signer.open(tmp_path, {})
    monkeypatch.setenv("DATAROLL_APPROVAL_PUBLIC_KEY", signer.public_key)
    return signer


def answer(signer: Signer, **changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "execution": "e1",
        "node": "approval-1",
        "digest": "sha256:flow",
        "plan_hash": plan_hash(PLANS),
        "outcome": "approved",
        "by": ["ada@example.test"],
        "comment": "fine",
        "decided_at": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    text = decision_text(**said)
    return {"status": said["outcome"], "decision": text, "signature": signer.sign(text)}


def verified(given: dict[str, Any], **run: Any) -> Any:
    approvals = Approvals(Run(**run))  # type: ignore[arg-type]
    request = ApprovalRequest("approval-1", ("role:admin",), "any", 60)
    return approvals._verified(OpenRequest(request, PLANS), given)


def test_a_signed_decision_counts(signer: Signer) -> None:
    decision = verified(answer(signer))
    assert (decision.outcome, decision.by, decision.comment) == (
        "approved",
        ("ada@example.test",),
        "fine",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"execution": "e2"},
        {"node": "approval-2"},
        {"digest": "sha256:another-flow"},
        {"plan_hash": plan_hash({"shop": "sha256:another-plan"})},
        {"plan_hash": ""},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_decision_about_something_else_is_not_replayed(
    signer: Signer, change: dict[str, str]
) -> None:
    with pytest.raises(Refused, match=r"does not count here|void"):
        verified(answer(signer, **change))


def test_every_edited_character_breaks_the_signature(signer: Signer) -> None:
    given = answer(signer, outcome="rejected")
    text = given["decision"]
    for place in range(len(text)):
        edited = text[:place] + ("x" if text[place] != "x" else "y") + text[place + 1 :]
        with pytest.raises(Refused):
            signed_decision({**given, "decision": edited})
    with pytest.raises(Refused):
        signed_decision({**given, "decision": text.replace("rejected", "approved")})


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "A",
        "not base64 ✗",
        "A" * 86 + "==",
        base64.b64encode(b"\0" * 64).decode(),
        ["list"],
        7,
    ],
)
def test_a_broken_signature_fails_closed(signer: Signer, signature: Any) -> None:
    with pytest.raises(Refused, match="signature"):
        signed_decision({**answer(signer), "signature": signature})


def test_another_servers_signature_does_not_count(signer: Signer, tmp_path: Path) -> None:
    other = Signer.open(tmp_path / "other", {})
    with pytest.raises(Refused, match="signature"):
        verified(answer(other))


@pytest.mark.parametrize("key", ["", "AAAA", "not base64 ✗", "A" * 43 + "="])
def test_a_flow_without_the_servers_key_believes_nobody(
    signer: Signer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    given = answer(signer)
    monkeypatch.setenv("DATAROLL_APPROVAL_PUBLIC_KEY", key)
    with pytest.raises(Refused):
        signed_decision(given)


@pytest.mark.parametrize("text", ["[]", "null", '"approved"', "{}", '{"outcome": "approved"}'])
def test_what_is_signed_must_be_a_whole_decision(signer: Signer, text: str) -> None:
    with pytest.raises(Refused):
        verified({"status": "approved", "decision": text, "signature": signer.sign(text)})


def test_the_status_beside_the_signed_text_decides_nothing(signer: Signer) -> None:
    """Only what is signed counts: a rejection stays one whatever is written around it."""
    given = {**answer(signer, outcome="rejected"), "status": "approved", "outcome": "approved"}
    assert verified(given).outcome == "rejected"
    with pytest.raises(Refused, match="no outcome"):
        verified(answer(signer, outcome="whatever"))


def test_a_withdrawn_request_ends_the_run_with_its_reason(signer: Signer) -> None:
    with pytest.raises(Cancelled, match="the plan changed"):
        verified({**answer(signer), "status": "cancelled", "reason": "the plan changed"})


def test_comments_in_any_script_are_signed_as_they_are(signer: Signer) -> None:
    comment = 'żółw "\\ \n\u202e 🐢'
    assert verified(answer(signer, comment=comment)).comment == comment
    assert json.loads(answer(signer, comment=comment)["decision"])["comment"] == comment


def drawn(*edges: tuple[str, str]) -> Approvals:
    run = Run()
    for source, target in edges:
        known = run.rules.edges.get(target, ())
        run.rules.edges[target] = (*known, Edge(source, "success"))
    return Approvals(run)  # type: ignore[arg-type]


def test_execute_runs_only_the_plan_that_an_approval_before_it_saw() -> None:
    approvals = drawn(
        ("trigger-1", "dryrun-1"), ("dryrun-1", "approval-1"), ("approval-1", "execute-1")
    )
    approvals.approved["approval-1"] = {"shop": "sha256:1"}
    assert approvals.approved_plan("execute-1", "shop") == "sha256:1"
    with pytest.raises(Refused, match="there is none for warehouse"):
        approvals.approved_plan("execute-1", "warehouse")


def test_an_approval_beside_the_way_says_nothing_about_it() -> None:
    approvals = drawn(
        ("trigger-1", "approval-1"), ("trigger-1", "execute-1"), ("approval-1", "say-1")
    )
    approvals.approved["approval-1"] = {"shop": "sha256:1"}
    assert approvals.approved_plan("execute-1", "warehouse") is None


def test_the_later_of_two_approvals_binds() -> None:
    approvals = drawn(
        ("trigger-1", "approval-1"), ("approval-1", "approval-2"), ("approval-2", "execute-1")
    )
    approvals.approved = {"approval-2": {"shop": "sha256:2"}, "approval-1": {"shop": "sha256:1"}}
    assert approvals.approved_plan("execute-1", "shop") == "sha256:2"
