"""Every table of dataroll's own database."""

from server.models.accounts import (
    ROLES,
    ApiToken,
    BrowserSession,
    Invitation,
    Membership,
    OneTimeToken,
    SignInAttempts,
    Team,
    User,
)
from server.models.approvals import (
    ApprovalComment,
    ApprovalDelegation,
    ApprovalVote,
    ApprovalVoter,
    WorkflowApproval,
)
from server.models.audit import AuditChain, AuditLog
from server.models.base import Base, database_now, utc_now
from server.models.connections import Connection
from server.models.executions import (
    FINISHED,
    NODE_SETTLED,
    NODE_STATUSES,
    RUN_STATUSES,
    ExecutionLog,
    NodeExecution,
    TriggerBody,
    WorkflowExecution,
)
from server.models.live import LiveEvent, LiveTopic
from server.models.triggers import WebhookDelivery, WorkflowTrigger
from server.models.workflows import TeamVariable, Workflow, WorkflowDefinition, WorkflowVariable

__all__ = [
    "FINISHED",
    "NODE_SETTLED",
    "NODE_STATUSES",
    "ROLES",
    "RUN_STATUSES",
    "ApiToken",
    "ApprovalComment",
    "ApprovalDelegation",
    "ApprovalVote",
    "ApprovalVoter",
    "AuditChain",
    "AuditLog",
    "Base",
    "BrowserSession",
    "Connection",
    "ExecutionLog",
    "Invitation",
    "LiveEvent",
    "LiveTopic",
    "Membership",
    "NodeExecution",
    "OneTimeToken",
    "SignInAttempts",
    "Team",
    "TeamVariable",
    "TriggerBody",
    "User",
    "WebhookDelivery",
    "Workflow",
    "WorkflowApproval",
    "WorkflowDefinition",
    "WorkflowExecution",
    "WorkflowTrigger",
    "WorkflowVariable",
    "database_now",
    "utc_now",
]
