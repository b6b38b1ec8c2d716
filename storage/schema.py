"""The tables.

Portable SQL: text keys, JSON and moments as text, no database enum. A moment is ISO 8601 in UTC
with six decimals, so that comparing the texts compares the moments.
`migrations/` makes these tables; a test holds the two together.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from domain.errors import Bug


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware datetime; UTC comes back."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - the interface's
        """*value* as text of a fixed width."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise Bug(f"The moment {value.isoformat()} has no time zone.")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the interface's
        """The moment in *value*."""
        return None if value is None else datetime.fromisoformat(value)


class Json(sa.types.TypeDecorator[Any]):
    """A JSON value.

    Escaped to ASCII: PostgreSQL's text takes no NUL, and no database takes half a surrogate
    pair, but what an outside system answered may hold either.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - the interface's
        """*value* as JSON text; None is SQL's null."""
        if value is None:
            return None
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002 - the interface's
        """The value in the JSON text."""
        return None if value is None else json.loads(value)


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def on_conflict(
    build: Callable[[Callable[[sa.Table], Any]], sa.Insert],
) -> Mapping[str, sa.Insert]:
    """An insertion that foresees a conflict, by dialect name; its result has a row count.

    *build* gets the dialect's `insert`: SQLAlchemy spells `ON CONFLICT` per dialect.
    """
    return {
        name: build(insert).execution_options(preserve_rowcount=True)
        for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
    }


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("definition", Json, nullable=False),
    sa.Column("inputs", Json, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requester", Json, nullable=False),
    sa.Column("conversation", Json, nullable=False),
    sa.Column("gate_rule", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("plan", Json),
    sa.Column("lock", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("carrier", sa.Text),
    sa.Column("takes_back", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("paused_by", sa.Text),
    sa.Column("bell", sa.Integer, nullable=False, server_default="0"),
    sa.Column("repeats", sa.Text),
    sa.Column("repeats_from", sa.Text, nullable=False, server_default=""),
    sa.Column("policy_digest", sa.Text, nullable=False, server_default=""),
    sa.Column("queued_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Index(None, "tenant", "created_at"),
    sa.Index(None, "state", "lock", "queued_at"),
    sa.Index(None, "finished_at"),
    sa.Index(None, "repeats"),
)

step_runs = sa.Table(
    "step_runs",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("undo_attempt", sa.Integer, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("due_at", Moment),
    sa.Column("output", Json),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("stuck", sa.Text, nullable=False, server_default=""),
    sa.Column("lost", sa.Integer, nullable=False, server_default="0"),
)

gates = sa.Table(
    "gates",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("plan_digest", sa.Text, nullable=False),
    sa.Column("rule", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("escalates_at", Moment),
    sa.Column("escalated_at", Moment),
    sa.Column("reopened_at", Moment),
    sa.Column("handed_over", Json),
    sa.Column("step", sa.Text, nullable=False, server_default=""),
    sa.Index(None, "run_id", "seq"),
    sa.Index(None, "state", "expires_at"),
    sa.Index(None, "state", "escalates_at"),
)

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("gate_id", sa.Text, sa.ForeignKey("gates.id"), nullable=False),
    sa.Column("voter", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("choice", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("gate_id", "voter"),
)

locks = sa.Table(
    "locks",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Index(None, "run_id"),
)

lock_lines = sa.Table(
    "lock_lines",
    metadata,
    sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Index(None, "name", "since"),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("by_id", sa.Text, nullable=False),
    sa.Column("by_name", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("conversation", Json, nullable=False),
    sa.Index(None, "until"),
)

halts = sa.Table(
    "halts",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("by_id", sa.Text, nullable=False),
    sa.Column("by_name", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
)

rates = sa.Table(
    "rates",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("full_at", Moment, nullable=False),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    # No index: nobody asks for an event by its id, which is random, so that each event would
    # change one page more of a file that grows for ever.
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
    sa.Index(None, "run_id", "seq"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("activity_id", sa.Text, primary_key=True),
    sa.Column("activity_type", sa.Text, primary_key=True),
    sa.Column("received_at", Moment, nullable=False),
    sa.Index(None, "received_at"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("conversation", Json, nullable=False),
    sa.Column("message", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("leased_until", Moment),
    sa.Index(None, "conversation_id", "id"),
    sqlite_autoincrement=True,  # an id is never used again: a late `done` must hit nothing
)

living_cards = sa.Table(
    "living_cards",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False, unique=True),
    sa.Column("conversation", Json, nullable=False),
    sa.Column("reply_to", sa.Text, nullable=False),
    sa.Column("activity_id", sa.Text),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("shown", sa.Integer, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("leased_until", Moment),
    sa.Index(
        "ix_living_cards_behind",
        "due_at",
        sqlite_where=sa.text("shown < wanted"),
        postgresql_where=sa.text("shown < wanted"),
    ),
    sqlite_autoincrement=True,  # an id is never used again: a late `sent` must hit nothing
)

dialogs = sa.Table(
    "dialogs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("owner_id", sa.Text, nullable=False),
    sa.Column("owner", Json, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("conversation", Json, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("style", sa.Text, nullable=False),
    sa.Column("answers", Json, nullable=False),
    sa.Column("drafts", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("result", Json),
    sa.Index(None, "conversation_id", "owner_id", "state"),
    sa.Index(None, "state", "expires_at"),
)

recents = sa.Table(
    "recents",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("actor_id", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

executors = sa.Table(
    "executors",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("beat_at", Moment, nullable=False),
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("teams_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("owner_id", sa.Text, nullable=False),
    sa.Column("owner", Json, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("conversation", Json),
    sa.Column("reply_to", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("arguments", Json, nullable=False),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("once_at", Moment),
    sa.Column("may_be_late", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("next_at", Moment),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("last_at", Moment),
    sa.Column("last_result", sa.Text, nullable=False),
    sa.Column("last_run_id", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Index(None, "state", "next_at"),
    sa.Index(None, "tenant", "state"),
)

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("owner_id", sa.Text, nullable=False),
    sa.Column("owner", Json, nullable=False),
    sa.Column("conversation", Json, nullable=False),
    sa.Column("is_for_all", sa.Boolean, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(None, "due_at"),
    sa.Index(None, "tenant", "owner_id", "due_at"),
)

places = sa.Table(
    "places",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation", Json, nullable=False),
)
