"""A gate calls a second group, is handed over, and opens again where votes do not count."""

from alembic import op
import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    for name in ("escalates_at", "escalated_at", "reopened_at", "handed_over"):
        op.add_column("gates", sa.Column(name, sa.Text))
