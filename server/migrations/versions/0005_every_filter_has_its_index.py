"""every filter has its index"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_workflow_executions_team_by", "workflow_executions", ["team_id", "triggered_by", "id"]),
    (
        "ix_workflow_executions_workflow_by",
        "workflow_executions",
        ["workflow_id", "triggered_by", "id"],
    ),
    (
        "ix_workflow_executions_workflow_version",
        "workflow_executions",
        ["workflow_id", "version", "id"],
    ),
    ("ix_workflow_approvals_list", "workflow_approvals", ["team_id", "id"]),
    ("ix_audit_log_action", "audit_log", ["chain", "action", "seq"]),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table)
