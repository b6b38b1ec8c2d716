"""Messages that live: one for each run or guided dialog, and how far each is behind.

Each touch wants a newer version. What is shown is rendered at delivery, so many touches may be
answered by one message. When a dialog ends in a run, its message goes on as the run's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from domain.conversation import Conversation
from storage import codec
from storage.schema import living_cards, on_conflict

_TOUCH = on_conflict(
    lambda insert: insert(living_cards).on_conflict_do_update(
        index_elements=["subject"], set_={"wanted": living_cards.c.wanted + 1}
    )
)
_GET = sa.select(living_cards).where(living_cards.c.subject == sa.bindparam("of_subject"))
_IS_DUE = sa.and_(
    living_cards.c.shown < living_cards.c.wanted,
    living_cards.c.due_at <= sa.bindparam("now"),
    sa.or_(
        living_cards.c.leased_until.is_(None), living_cards.c.leased_until <= sa.bindparam("now")
    ),
)
_ANY_DUE = sa.select(sa.exists().where(_IS_DUE))
_DUE = (
    sa.select(living_cards)
    .where(_IS_DUE)
    .order_by(living_cards.c.due_at, living_cards.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_LEASE = sa.update(living_cards).where(living_cards.c.id.in_(sa.bindparam("ids", expanding=True)))
_ONE = sa.update(living_cards).where(living_cards.c.id == sa.bindparam("of_id"))
_SENT = _ONE.values(
    shown=sa.case(
        (living_cards.c.shown < sa.bindparam("version"), sa.bindparam("version")),
        else_=living_cards.c.shown,
    ),
    attempts=0,
    owner=None,
    leased_until=None,
)
_POSTPONE = _ONE.values(
    attempts=living_cards.c.attempts + 1,
    due_at=sa.bindparam("until"),
    owner=None,
    leased_until=None,
)
_FORGET = _ONE.values(activity_id=None, owner=None, leased_until=None)
_DROP = sa.delete(living_cards).where(living_cards.c.subject == sa.bindparam("of_subject"))
_HAND_OVER = (
    sa.update(living_cards)
    .where(living_cards.c.subject == sa.bindparam("of_subject"))
    .values(subject=sa.bindparam("to_subject"), wanted=living_cards.c.wanted + 1)
)
_RELEASE = (
    sa.update(living_cards)
    .where(living_cards.c.owner == sa.bindparam("of_owner"))
    .values(owner=None, leased_until=None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingCard:
    """A message that shows a run or a guided dialog."""

    id: int
    subject: str  #: what it shows: a run's id, or `dialog/` and a dialog's
    conversation: Conversation
    reply_to: str
    activity_id: str | None  #: the message to update; None before the first one is posted
    wanted: int  #: the version that `sent` is told of
    sent_at: datetime | None
    attempts: int  #: failures since it was last sent


class LivingCards:
    """The table of messages that live."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._touched: dict[str, dict[str, Any]] = {}

    def touch(self, subject: str, conversation: Conversation, reply_to: str = "") -> None:
        """Have the card of *subject* shown anew; the first time says where.

        Within one transaction any number of touches are one.
        """
        if subject not in self._touched:
            self._touched[subject] = {
                "subject": subject,
                "conversation": codec.conversation_to_json(conversation),
                "reply_to": reply_to,
                "wanted": 1,
                "shown": 0,
                "due_at": self._now,
                "attempts": 0,
            }

    def write(self) -> None:
        """Write what was touched, in one order for all transactions."""
        if self._touched:
            rows = [self._touched[subject] for subject in sorted(self._touched)]
            self._connection.execute(_TOUCH[self._connection.dialect.name], rows)
            self._touched.clear()

    def hand_over(self, subject: str, to: str) -> None:
        """Have the message of *subject* show *to* from now on, in place of any that *to* has."""
        self.write()
        self._connection.execute(_DROP, {"of_subject": to})
        self._connection.execute(_HAND_OVER, {"of_subject": subject, "to_subject": to})

    def get(self, subject: str) -> LivingCard | None:
        """The message of *subject*; None where it was never touched."""
        self.write()
        row = self._connection.execute(_GET, {"of_subject": subject}).first()
        return _item(row) if row else None

    def is_due(self, now: datetime) -> bool:
        """Whether `due` would find anything."""
        self.write()
        return bool(self._connection.scalar(_ANY_DUE, {"now": now}))

    def due(self, now: datetime, owner: str, lease: timedelta, limit: int) -> list[LivingCard]:
        """Lease up to *limit* cards that are behind to *owner*."""
        self.write()
        rows = self._connection.execute(_DUE, {"now": now, "limit": limit}).all()
        if rows:
            self._connection.execute(
                _LEASE,
                {
                    "ids": [row.id for row in rows],
                    "owner": owner,
                    "leased_until": now + lease,
                },
            )
        return [_item(row) for row in rows]

    def sent(
        self, card_id: int, *, activity_id: str, version: int, at: datetime, pause: timedelta
    ) -> None:
        """Record that *version* is shown in *activity_id*; later touches are due after *pause*."""
        self._connection.execute(
            _SENT,
            {
                "of_id": card_id,
                "activity_id": activity_id,
                "version": version,
                "sent_at": at,
                "due_at": at + pause,
            },
        )

    def postpone(self, card_id: int, until: datetime) -> None:
        """Give a card back; it is due again at *until*."""
        self._connection.execute(_POSTPONE, {"of_id": card_id, "until": until})

    def forget_message(self, card_id: int) -> None:
        """The message is gone: the next delivery posts a new one."""
        self._connection.execute(_FORGET, {"of_id": card_id})

    def release(self, owner: str) -> None:
        """Give back what is leased to *owner*, who is gone."""
        self._connection.execute(_RELEASE, {"of_owner": owner})


def _item(row: sa.Row[Any]) -> LivingCard:
    return LivingCard(
        id=row.id,
        subject=row.subject,
        conversation=codec.conversation_from_json(row.conversation),
        reply_to=row.reply_to,
        activity_id=row.activity_id,
        wanted=row.wanted,
        sent_at=row.sent_at,
        attempts=row.attempts,
    )
