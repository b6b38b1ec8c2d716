"""Runs stand still, are taken back and go on from others; steps wait at gates of their own."""

from alembic import op
import sqlalchemy as sa

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.add_column(
        "runs", sa.Column("takes_back", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("runs", sa.Column("paused_by", sa.Text))
    op.add_column("runs", sa.Column("bell", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("repeats", sa.Text))
    op.add_column("runs", sa.Column("repeats_from", sa.Text, nullable=False, server_default=""))
    op.add_column("step_runs", sa.Column("stuck", sa.Text, nullable=False, server_default=""))
    op.add_column("gates", sa.Column("step", sa.Text, nullable=False, server_default=""))
