"""Messages that are to be sent, in order per conversation.

A row is leased to the process that sends it; when that process dies the lease runs out, and
another takes over. A row that was sent is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from domain.conversation import Conversation
from domain.errors import Bug
from domain.notice import Message, Notice
from storage import codec
from storage.schema import outbox

FIRST_LEASE = timedelta(seconds=30)
"""How long a message that was put with an owner is that owner's to send."""

_PUT = sa.insert(outbox)
_OLDEST = sa.select(sa.func.min(outbox.c.id)).group_by(outbox.c.conversation_id)
_IS_DUE = sa.and_(
    outbox.c.id.in_(_OLDEST),
    outbox.c.due_at <= sa.bindparam("now"),
    sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= sa.bindparam("now")),
)
_ANY_DUE = sa.select(sa.exists().where(_IS_DUE))
_ANY_IN = sa.select(sa.exists().where(outbox.c.conversation_id == sa.bindparam("in_conversation")))
_DUE = (
    sa.select(outbox.c.id, outbox.c.conversation, outbox.c.message, outbox.c.attempts)
    .where(_IS_DUE)
    .order_by(outbox.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_BY_IDS = outbox.c.id.in_(sa.bindparam("ids", expanding=True))
_LEASE = sa.update(outbox).where(_BY_IDS)
_DONE = sa.delete(outbox).where(_BY_IDS)
_POSTPONE = (
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("of_id"))
    .values(
        attempts=outbox.c.attempts + 1,
        due_at=sa.bindparam("until"),
        error=sa.bindparam("problem"),
        owner=None,
        leased_until=None,
    )
)
_RELEASE = (
    sa.update(outbox)
    .where(outbox.c.owner == sa.bindparam("of_owner"))
    .values(owner=None, leased_until=None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """A message to send, or a notice that is put into words when it is sent."""

    id: int
    conversation: Conversation
    message: Message | Notice
    attempts: int  #: how often sending it has failed


class Outbox:
    """The table of messages to send."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def put(
        self, conversation: Conversation, message: Message | Notice, *, owner: str | None = None
    ) -> int:
        """Have *message* sent; the row's id comes back.

        With *owner*, it is leased to that process from the start, for `FIRST_LEASE`: the owner
        may send it as soon as the transaction has committed.
        """
        key = self._connection.execute(
            _PUT,
            {
                "conversation_id": conversation.id,
                "conversation": codec.conversation_to_json(conversation),
                "message": codec.said_to_json(message),
                "created_at": self._now,
                "due_at": self._now,
                "attempts": 0,
                "error": "",
                "owner": owner,
                "leased_until": self._now + FIRST_LEASE if owner is not None else None,
            },
        ).inserted_primary_key
        if key is None:
            raise Bug("The database gave the message no id.")
        return int(key[0])

    def is_waiting(self, conversation_id: str) -> bool:
        """Whether anything is to be sent to the conversation, now or later."""
        return bool(self._connection.scalar(_ANY_IN, {"in_conversation": conversation_id}))

    def is_due(self, now: datetime) -> bool:
        """Whether `due` would find anything."""
        return bool(self._connection.scalar(_ANY_DUE, {"now": now}))

    def due(self, now: datetime, owner: str, lease: timedelta, limit: int) -> list[OutboxItem]:
        """Lease up to *limit* messages to *owner*, oldest first.

        Of each conversation only its oldest message is ever due: while that one is being sent
        or waits for its time, the ones behind it wait too.
        """
        rows = self._connection.execute(_DUE, {"now": now, "limit": limit}).all()
        if rows:
            self._connection.execute(
                _LEASE,
                {"ids": [row.id for row in rows], "owner": owner, "leased_until": now + lease},
            )
        return [
            OutboxItem(
                id=row.id,
                conversation=codec.conversation_from_json(row.conversation),
                message=codec.said_from_json(row.message),
                attempts=row.attempts,
            )
            for row in rows
        ]

    def done(self, ids: Sequence[int]) -> None:
        """Drop messages: sent, or never to be."""
        if ids:
            self._connection.execute(_DONE, {"ids": list(ids)})

    def postpone(self, item_id: int, until: datetime, error: str) -> None:
        """Give a message back; it is due again at *until*."""
        self._connection.execute(_POSTPONE, {"of_id": item_id, "until": until, "problem": error})

    def release(self, owner: str) -> None:
        """Give back what is leased to *owner*, who is gone."""
        self._connection.execute(_RELEASE, {"of_owner": owner})
