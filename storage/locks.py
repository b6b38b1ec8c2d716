"""Who holds which lock. A lock is a row: it outlives the process that took it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.run import RunId
from storage.schema import locks, on_conflict

_TAKE = on_conflict(
    lambda insert: insert(locks).on_conflict_do_nothing(index_elements=["name"]).inline()
)
_HOLDER = sa.select(locks.c.run_id, locks.c.since).where(locks.c.name == sa.bindparam("of_name"))
_HELD_BY = (
    sa.select(locks.c.name).where(locks.c.run_id == sa.bindparam("of_run")).order_by(locks.c.name)
)
_RELEASE = sa.delete(locks).where(locks.c.run_id == sa.bindparam("of_run"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock that is taken."""

    run_id: RunId
    since: datetime


class Locks:
    """The table of locks."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def take(self, name: str, run_id: str) -> bool:
        """Whether the run holds the lock now, be it that it held it before."""
        taken = self._connection.execute(
            _TAKE[self._connection.dialect.name],
            {"name": name, "run_id": run_id, "since": self._now},
        )
        if taken.rowcount == 1:
            return True
        held = self.holder(name)
        return held is not None and held.run_id == run_id

    def holder(self, name: str) -> Held | None:
        """Who holds the lock, and since when; None while it is free."""
        row = self._connection.execute(_HOLDER, {"of_name": name}).first()
        return Held(run_id=RunId(row.run_id), since=row.since) if row else None

    def release(self, run_id: str) -> tuple[str, ...]:
        """Free what the run holds; the names come back."""
        names = tuple(self._connection.scalars(_HELD_BY, {"of_run": run_id}))
        if names:
            self._connection.execute(_RELEASE, {"of_run": run_id})
        return names
