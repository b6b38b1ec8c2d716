"""Which person keeps which lock for themselves, and until when."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.lock import Hold
from storage import codec
from storage.schema import holds, on_conflict

_PUT = on_conflict(
    lambda insert: insert(holds).on_conflict_do_nothing(index_elements=["name"]).inline()
)
_GET = sa.select(holds).where(holds.c.name == sa.bindparam("of_name"))
_ALL = sa.select(holds).order_by(holds.c.name)
_DUE = sa.select(holds.c.name).where(holds.c.until <= sa.bindparam("now")).order_by(holds.c.until)
_REMOVE = sa.delete(holds).where(
    holds.c.name == sa.bindparam("of_name"), holds.c.since == sa.bindparam("seen")
)


class Holds:
    """The table of holds."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def get(self, name: str) -> Hold | None:
        """The hold on *name*, be it over or not; None where there is none."""
        row = self._connection.execute(_GET, {"of_name": name}).first()
        return _hold(row) if row else None

    def in_force(self, name: str) -> Hold | None:
        """The hold on *name* whose time is not over; None where there is none."""
        hold = self.get(name)
        return hold if hold is not None and hold.until > self._now else None

    def put(self, hold: Hold) -> bool:
        """Add *hold*; False where there is one, and nothing changes."""
        added = self._connection.execute(
            _PUT[self._connection.dialect.name],
            {
                "name": hold.name,
                "by_id": hold.by,
                "by_name": hold.by_name,
                "reason": hold.reason,
                "since": hold.since,
                "until": hold.until,
                "conversation": codec.conversation_to_json(hold.conversation),
            },
        )
        return added.rowcount == 1

    def remove(self, hold: Hold) -> bool:
        """Drop *hold*; False where it is not there any more."""
        gone = self._connection.execute(_REMOVE, {"of_name": hold.name, "seen": hold.since})
        return gone.rowcount == 1

    def all(self) -> tuple[Hold, ...]:
        """Every hold, in the order of the names."""
        return tuple(map(_hold, self._connection.execute(_ALL)))

    def due(self, now: datetime) -> list[str]:
        """The names of the holds whose time is over, the oldest end first."""
        return list(self._connection.scalars(_DUE, {"now": now}))


def _hold(row: sa.Row[Any]) -> Hold:
    return Hold(
        name=row.name,
        by=ObjectId(row.by_id),
        by_name=row.by_name,
        reason=row.reason,
        since=row.since,
        until=row.until,
        conversation=codec.conversation_from_json(row.conversation),
    )
