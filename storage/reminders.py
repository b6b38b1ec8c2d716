"""Reminders that wait for their time. One that was said is gone."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId, TenantId
from domain.reminder import Reminder, ReminderId
from storage import codec
from storage.schema import reminders

_INSERT = sa.insert(reminders).inline()
_GET = sa.select(reminders).where(reminders.c.id == sa.bindparam("of_id"))
_TAKE = sa.delete(reminders).where(reminders.c.id == sa.bindparam("of_id"))
_DUE = (
    sa.select(reminders.c.id)
    .where(reminders.c.due_at <= sa.bindparam("now"))
    .order_by(reminders.c.due_at, reminders.c.id)
    .limit(sa.bindparam("limit"))
)
_OF = (
    sa.select(reminders)
    .where(
        reminders.c.tenant == sa.bindparam("of_tenant"),
        reminders.c.owner_id == sa.bindparam("of_owner"),
    )
    .order_by(reminders.c.due_at, reminders.c.id)
)


class Reminders:
    """The table of reminders."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def insert(self, reminder: Reminder) -> None:
        """Add *reminder*."""
        self._connection.execute(
            _INSERT,
            {
                "id": reminder.id,
                "tenant": reminder.owner.tenant,
                "owner_id": reminder.owner.id,
                "owner": codec.actor_to_json(reminder.owner),
                "conversation": codec.conversation_to_json(reminder.conversation),
                "is_for_all": reminder.is_for_all,
                "text": reminder.text,
                "due_at": reminder.due_at,
                "zone": reminder.zone,
                "created_at": reminder.created_at,
            },
        )

    def get(self, reminder_id: str) -> Reminder | None:
        """The reminder of that id; None where there is none, or it was said."""
        row = self._connection.execute(_GET, {"of_id": reminder_id}).first()
        return _reminder(row) if row else None

    def take(self, reminder_id: str) -> bool:
        """Take it off the list; False where somebody was faster."""
        return self._connection.execute(_TAKE, {"of_id": reminder_id}).rowcount == 1

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """The ids of those that are due by *now*, the oldest first."""
        return list(self._connection.scalars(_DUE, {"now": now, "limit": limit}))

    def of(self, tenant: TenantId, owner: ObjectId) -> list[Reminder]:
        """What *owner* waits for, what is due next first."""
        found = self._connection.execute(_OF, {"of_tenant": tenant, "of_owner": owner})
        return [_reminder(row) for row in found]


def _reminder(row: sa.Row[Any]) -> Reminder:
    return Reminder(
        id=ReminderId(row.id),
        owner=codec.actor_from_json(row.owner),
        conversation=codec.conversation_from_json(row.conversation),
        is_for_all=row.is_for_all,
        text=row.text,
        due_at=row.due_at,
        zone=row.zone,
        created_at=row.created_at,
    )
