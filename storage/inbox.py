"""Which activities have been seen: Teams sends one again when the answer took too long."""

from datetime import datetime

import sqlalchemy as sa

from storage.schema import inbox, on_conflict

_CLAIM = on_conflict(lambda insert: insert(inbox).on_conflict_do_nothing())
_RELEASE = sa.delete(inbox).where(
    inbox.c.tenant == sa.bindparam("of_tenant"),
    inbox.c.conversation_id == sa.bindparam("of_conversation"),
    inbox.c.activity_id == sa.bindparam("of_activity"),
    inbox.c.activity_type == sa.bindparam("of_type"),
)
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

    def release(
        self, *, tenant: str, conversation_id: str, activity_id: str, activity_type: str
    ) -> None:
        """Take a claim back: this activity is new again."""
        self._connection.execute(
            _RELEASE,
            {
                "of_tenant": tenant,
                "of_conversation": conversation_id,
                "of_activity": activity_id,
                "of_type": activity_type,
            },
        )

    def forget(self, before: datetime) -> int:
        """Drop what was seen before that moment; how many rows went."""
        return self._connection.execute(_FORGET, {"before": before}).rowcount
