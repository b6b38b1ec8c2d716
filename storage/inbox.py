"""Which activities have been seen: Teams sends one again when the answer took too long."""

from datetime import datetime

import sqlalchemy as sa

from storage.schema import inbox, on_conflict

_CLAIM = on_conflict(lambda insert: insert(inbox).on_conflict_do_nothing())
_FORGET = sa.delete(inbox).where(inbox.c.received_at < sa.bindparam("before"))


class Inbox:
    """The table of activities seen."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def claim(
        self, *, tenant: str, conversation_id: str, activity_id: str, activity_type: str
    ) -> bool:
        """Whether this activity is new; it is not from now on."""
        claimed = self._connection.execute(
            _CLAIM[self._connection.dialect.name],
            {
                "tenant": tenant,
                "conversation_id": conversation_id,
                "activity_id": activity_id,
                "activity_type": activity_type,
                "received_at": self._now,
            },
        )
        return claimed.rowcount == 1

    def forget(self, before: datetime) -> int:
        """Drop what was seen before that moment; how many rows went."""
        return self._connection.execute(_FORGET, {"before": before}).rowcount
