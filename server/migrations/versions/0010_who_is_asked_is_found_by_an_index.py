"""who is asked is found by an index"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    voters = op.create_table(
        "approval_voters",
        sa.Column("user_id", sa.String(length=25), nullable=False),
        sa.Column("approval_id", sa.String(length=25), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["workflow_approvals.id"],
            name=op.f("fk_approval_voters_approval_id_workflow_approvals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "approval_id", name=op.f("pk_approval_voters")),
    )
    op.create_index(op.f("ix_approval_voters_approval_id"), "approval_voters", ["approval_id"])
    asked = op.get_bind().execute(sa.text("SELECT id, approvers FROM workflow_approvals"))
    rows = [
        {"user_id": user_id, "approval_id": approval_id}
        for approval_id, approvers in asked
        for user_id in dict.fromkeys(json.loads(approvers))
    ]
    if rows:
        op.bulk_insert(voters, rows)


def downgrade() -> None:
    op.drop_table("approval_voters")
