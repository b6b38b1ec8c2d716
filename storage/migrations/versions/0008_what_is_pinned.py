"""A run knows the policy that permitted it, and a step the attempts that died with a process."""

from alembic import op
import sqlalchemy as sa

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.add_column("runs", sa.Column("policy_digest", sa.Text, nullable=False, server_default=""))
    op.add_column("step_runs", sa.Column("lost", sa.Integer, nullable=False, server_default="0"))
