"""versions keep the parameters of their flow"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workflow_definitions", sa.Column("interface", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("workflow_definitions", "interface")
