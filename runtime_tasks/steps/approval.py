"""The approval step: nothing goes on until the people named have said so."""

from __future__ import annotations

from typing import Any, Literal

from runtime_tasks.context import ApprovalRequest, Outcome, WaitMode, current
from runtime_tasks.errors import StepConfigError
from runtime_tasks.output import Output
from runtime_tasks.secrets import SecretText
from runtime_tasks.steps.catalogue import Approvers, Seconds, Text, step

Branch = Literal["Approved", "Rejected", "Expired"]
_BRANCHES: dict[Outcome, Branch] = {
    "approved": "Approved",
    "rejected": "Rejected",
    "expired": "Expired",
}


class ApprovalOutput(Output):
    branch: Branch
    decision: Literal["approved", "rejected", "expired"]
    by: list[str]
    comment: str
    decided_at: str | None = None
    plans: dict[str, str] = {}
    """The hash of each plan that was decided about, by connection id."""


@step("approval", label="Approval", branches=("Approved", "Rejected", "Expired"))
def approval(
    *,
    approvers: Approvers,
    timeout: Seconds = 86400,
    message: Text = "",
    skip_if_creator: bool = False,
    require_all: bool = False,
    required: int | None = None,
    distinct: bool = False,
    mode: WaitMode = "pause",
    notify_slack: SecretText = "",
    notify_emails: list[str] | None = None,
    reminders: bool = True,
) -> ApprovalOutput:
    """Hold the run until the approvers decide; an expired request is never a yes.

    ``approvers``: people, roles such as ``role:admin``, or an expression that gives them.
    ``timeout``: how long they have. Then the request has expired, which is never a yes.
    ``message``: what the approvers read first, beside the plan.
    ``skipIfCreator``: do not ask the person who started the run.
    ``requireAll``: everybody who is asked has to approve; otherwise one is enough.
    ``required``: how many approvals it takes, where it is neither one nor all.
    ``distinct``: whoever has approved another step of this run may not approve this one, so that
    the steps of a chain are different people.
    ``mode``: a run that pauses keeps its process and goes on at once; one that suspends
    gives it up, which costs nothing for days, and starts again in seconds.
    ``notifySlack``: an incoming webhook that is told of the request, as a secret.
    ``notifyEmails``: people who are told of the request besides the approvers. They get a link, not
    a vote.
    ``reminders``: tell those who have not voted again, at half time and near the end.
    """
    context = current()
    asked = people(approvers)
    if not asked:
        raise StepConfigError("nobody is named as an approver: nobody could approve")
    decision = context.approve(
        ApprovalRequest(
            node_id=context.node_id,
            approvers=asked,
            required=required or ("all" if require_all else "any"),
            timeout=timeout,
            message=context.named(str(message)),
            skip_if_creator=skip_if_creator,
            distinct=distinct,
            mode=mode,
            notify_slack=notify_slack,
            notify_emails=tuple(notify_emails or ()),
            reminders=reminders,
        )
    )
    return ApprovalOutput(
        branch=_BRANCHES[decision.outcome],
        decision=decision.outcome,
        by=list(decision.by),
        comment=decision.comment,
        decided_at=decision.decided_at,
        plans=dict(decision.plans),
    )


def people(approvers: Any) -> tuple[str, ...]:
    """The approvers that are named, once each. An expression may give one, or a list of them.

    One that gives nothing is refused: leaving it out could make a consent of all easier.
    """
    if isinstance(approvers, str) and approvers.strip():
        return (approvers.strip(),)
    if not isinstance(approvers, list | tuple):
        raise StepConfigError(f"{approvers!r} is no approver: give an address, an id or role:NAME")
    named = [name for item in approvers for name in people(item)]
    return tuple(dict.fromkeys(named))
