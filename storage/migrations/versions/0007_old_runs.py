"""Runs of old and gates that call are found soon; events have no index that nobody uses."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SQLITE_APPEND_ONLY = """
CREATE TRIGGER audit_events_no_{verb} BEFORE {verb} ON audit_events
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""


def upgrade() -> None:
    """Make the change."""
    op.create_index("ix_runs_finished_at", "runs", ["finished_at"])
    op.create_index("ix_runs_repeats", "runs", ["repeats"])
    op.create_index("ix_gates_state_escalates_at", "gates", ["state", "escalates_at"])
    with op.batch_alter_table("audit_events") as batch:
        batch.drop_constraint("uq_audit_events_id", type_="unique")
    if op.get_bind().dialect.name == "sqlite":  # made the table anew, without its triggers
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_APPEND_ONLY.format(verb=verb))
