"""Messages that live: a guided dialog has one too, and it becomes the run's."""

from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOVED = (
    "conversation, reply_to, activity_id, wanted, shown, sent_at, due_at, attempts, owner,"
    " leased_until"
)


def upgrade() -> None:
    """Make the change."""
    _living_cards()
    op.create_table(
        "dialogs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("style", sa.Text, nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("drafts", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("rev", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_dialogs"),
    )
    op.create_index(
        "ix_dialogs_conversation_id_owner_id_state",
        "dialogs",
        ["conversation_id", "owner_id", "state"],
    )
    op.create_index("ix_dialogs_state_expires_at", "dialogs", ["state", "expires_at"])
    op.create_table(
        "recents",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "conversation_id", "actor_id", name="pk_recents"),
    )


def _living_cards() -> None:
    """Give the messages of runs an id of their own, and the place for what they show."""
    op.create_table(
        "living_cards",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text, nullable=False),
        sa.Column("activity_id", sa.Text),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("shown", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Text),
        sa.Column("due_at", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("leased_until", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_living_cards"),
        sa.UniqueConstraint("subject", name="uq_living_cards_subject"),
        sqlite_autoincrement=True,
    )
    op.execute(
        f"INSERT INTO living_cards (subject, {_MOVED})"  # noqa: S608 - our own words
        f" SELECT run_id, {_MOVED} FROM run_cards ORDER BY run_id"
    )
    op.drop_index("ix_run_cards_behind", "run_cards")
    op.drop_table("run_cards")
    op.create_index(
        "ix_living_cards_behind",
        "living_cards",
        ["due_at"],
        sqlite_where=sa.text("shown < wanted"),
        postgresql_where=sa.text("shown < wanted"),
    )
