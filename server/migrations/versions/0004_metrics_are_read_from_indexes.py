"""metrics are read from indexes"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_workflow_executions_metrics",
        "workflow_executions",
        [
            "team_id",
            "triggered_at",
            "dry_run",
            "workflow_id",
            "status",
            "duration",
            "connection_id",
        ],
    )
    op.create_index(
        "ix_workflow_executions_workflow_metrics",
        "workflow_executions",
        ["workflow_id", "triggered_at", "dry_run", "status", "duration", "connection_id"],
    )
    op.create_index(
        "ix_workflow_approvals_team_sla", "workflow_approvals", ["team_id", "created_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_workflow_approvals_team_sla", "workflow_approvals")
    op.drop_index("ix_workflow_executions_workflow_metrics", "workflow_executions")
    op.drop_index("ix_workflow_executions_metrics", "workflow_executions")
