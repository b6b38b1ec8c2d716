"""Locks of several places, lines before them, people's holds, the halt, and rates of use."""

import json

from alembic import op
import sqlalchemy as sa

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change. What is held stays held, and who waits keeps their place."""
    connection = op.get_bind()
    held = connection.execute(sa.text("SELECT name, run_id, since FROM locks")).all()
    op.drop_table("locks")
    op.create_table(
        "locks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", "place", name="pk_locks"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_locks_run_id"),
    )
    op.create_index("ix_locks_run_id", "locks", ["run_id"])
    for row in held:
        connection.execute(
            sa.text("INSERT INTO locks (name, place, run_id, since) VALUES (:n, 0, :r, :s)"),
            {"n": row.name, "r": row.run_id, "s": row.since},
        )
    op.create_table(
        "lock_lines",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_lock_lines"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_lock_lines_run_id"),
    )
    op.create_index("ix_lock_lines_name_since", "lock_lines", ["name", "since"])
    _line_up(connection)
    op.create_table(
        "holds",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("by_id", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_holds"),
    )
    op.create_index("ix_holds_until", "holds", ["until"])
    op.create_table(
        "halts",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("by_id", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_halts"),
    )
    op.create_table(
        "rates",
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("full_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_rates"),
    )


def _line_up(connection: sa.Connection) -> None:
    """Give the runs that wait for their lock their place in its line."""
    waiting = connection.execute(
        sa.text(
            "SELECT id, lock, requester, queued_at FROM runs"
            " WHERE state = 'queued' AND lock IS NOT NULL AND queued_at IS NOT NULL"
            " AND id NOT IN (SELECT run_id FROM locks)"
        )
    ).all()
    for row in waiting:
        connection.execute(
            sa.text(
                "INSERT INTO lock_lines (name, run_id, requester, places, since)"
                " VALUES (:name, :run_id, :requester, 1, :since)"
            ),
            {
                "name": row.lock,
                "run_id": row.id,
                "requester": json.loads(row.requester)["id"],
                "since": row.queued_at,
            },
        )
