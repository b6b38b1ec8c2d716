"""The one message per run, and how far it is behind.

Each touch wants a newer version. What is shown is rendered at delivery, so many touches may be
answered by one message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.conversation import Conversation
from domain.run import RunId
from storage import codec
from storage.schema import on_conflict, run_cards

_TOUCH = on_conflict(
    lambda insert: insert(run_cards).on_conflict_do_update(
        index_elements=["run_id"], set_={"wanted": run_cards.c.wanted + 1}
    )
)
_GET = sa.select(run_cards).where(run_cards.c.run_id == sa.bindparam("of_run"))
_IS_DUE = sa.and_(
    run_cards.c.shown < run_cards.c.wanted,
    run_cards.c.due_at <= sa.bindparam("now"),
    sa.or_(run_cards.c.leased_until.is_(None), run_cards.c.leased_until <= sa.bindparam("now")),
)
_ANY_DUE = sa.select(sa.exists().where(_IS_DUE))
_DUE = (
    sa.select(run_cards)
    .where(_IS_DUE)
    .order_by(run_cards.c.due_at, run_cards.c.run_id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_LEASE = sa.update(run_cards).where(run_cards.c.run_id.in_(sa.bindparam("ids", expanding=True)))
_OF_RUN = sa.update(run_cards).where(run_cards.c.run_id == sa.bindparam("of_run"))
_SENT = _OF_RUN.values(
    shown=sa.case(
        (run_cards.c.shown < sa.bindparam("version"), sa.bindparam("version")),
        else_=run_cards.c.shown,
    ),
    attempts=0,
    owner=None,
    leased_until=None,
)
_POSTPONE = _OF_RUN.values(
    attempts=run_cards.c.attempts + 1,
    due_at=sa.bindparam("until"),
    owner=None,
    leased_until=None,
)
_FORGET = _OF_RUN.values(activity_id=None, owner=None, leased_until=None)
_RELEASE = (
    sa.update(run_cards)
    .where(run_cards.c.owner == sa.bindparam("of_owner"))
    .values(owner=None, leased_until=None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCardItem:
    """A run's message."""

    run_id: RunId
    conversation: Conversation
    reply_to: str
    activity_id: str | None  #: the message to update; None before the first one is posted
    wanted: int  #: the version that `sent` is told of
    sent_at: datetime | None
    attempts: int  #: failures since it was last sent


class RunCards:
    """The table of the runs' messages."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def touch(self, run_id: str, conversation: Conversation, reply_to: str = "") -> None:
        """Have the run's card shown anew; the first time says where."""
        self._connection.execute(
            _TOUCH[self._connection.dialect.name],
            {
                "run_id": run_id,
                "conversation": codec.conversation_to_json(conversation),
                "reply_to": reply_to,
                "wanted": 1,
                "shown": 0,
                "due_at": self._now,
                "attempts": 0,
            },
        )

    def get(self, run_id: str) -> RunCardItem | None:
        """The run's message; None where it was never touched."""
        row = self._connection.execute(_GET, {"of_run": run_id}).first()
        return _item(row) if row else None

    def is_due(self, now: datetime) -> bool:
        """Whether `due` would find anything."""
        return bool(self._connection.scalar(_ANY_DUE, {"now": now}))

    def due(self, now: datetime, owner: str, lease: timedelta, limit: int) -> list[RunCardItem]:
        """Lease up to *limit* cards that are behind to *owner*."""
        rows = self._connection.execute(_DUE, {"now": now, "limit": limit}).all()
        if rows:
            self._connection.execute(
                _LEASE,
                {
                    "ids": [row.run_id for row in rows],
                    "owner": owner,
                    "leased_until": now + lease,
                },
            )
        return [_item(row) for row in rows]

    def sent(
        self, run_id: str, *, activity_id: str, version: int, at: datetime, pause: timedelta
    ) -> None:
        """Record that *version* is shown in *activity_id*; later touches are due after *pause*."""
        self._connection.execute(
            _SENT,
            {
                "of_run": run_id,
                "activity_id": activity_id,
                "version": version,
                "sent_at": at,
                "due_at": at + pause,
            },
        )

    def postpone(self, run_id: str, until: datetime) -> None:
        """Give a card back; it is due again at *until*."""
        self._connection.execute(_POSTPONE, {"of_run": run_id, "until": until})

    def forget_message(self, run_id: str) -> None:
        """The message is gone: the next delivery posts a new one."""
        self._connection.execute(_FORGET, {"of_run": run_id})

    def release(self, owner: str) -> None:
        """Give back what is leased to *owner*, who is gone."""
        self._connection.execute(_RELEASE, {"of_owner": owner})


def _item(row: sa.Row[Any]) -> RunCardItem:
    return RunCardItem(
        run_id=RunId(row.run_id),
        conversation=codec.conversation_from_json(row.conversation),
        reply_to=row.reply_to,
        activity_id=row.activity_id,
        wanted=row.wanted,
        sent_at=row.sent_at,
        attempts=row.attempts,
    )
