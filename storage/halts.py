"""The switch that stops everything: a row while it is on."""

import sqlalchemy as sa

from domain.actor import ObjectId
from domain.lock import Halt
from storage.schema import halts, on_conflict

_EVERYTHING = "everything"

_PUT = on_conflict(
    lambda insert: insert(halts).on_conflict_do_nothing(index_elements=["scope"]).inline()
)
_GET = sa.select(halts).where(halts.c.scope == _EVERYTHING)
_REMOVE = sa.delete(halts).where(halts.c.scope == _EVERYTHING)


class Halts:
    """The table of halts."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def current(self) -> Halt | None:
        """The halt in force; None while there is none."""
        return self._read(_GET)

    def watch(self) -> Halt | None:
        """As `current`; a halt stays in force until this transaction ends.

        Whoever lifts it then finds what this transaction has left waiting.
        """
        return self._read(_GET.with_for_update(read=True))

    def put(self, halt: Halt) -> bool:
        """Switch it on; False where it was on, and nothing changes."""
        added = self._connection.execute(
            _PUT[self._connection.dialect.name],
            {
                "scope": _EVERYTHING,
                "by_id": halt.by,
                "by_name": halt.by_name,
                "reason": halt.reason,
                "since": halt.since,
            },
        )
        return added.rowcount == 1

    def remove(self) -> bool:
        """Switch it off; False where it was off."""
        return self._connection.execute(_REMOVE).rowcount == 1

    def _read(self, statement: sa.Select[tuple[str, ...]]) -> Halt | None:
        row = self._connection.execute(statement).first()
        if row is None:
            return None
        return Halt(
            by=ObjectId(row.by_id), by_name=row.by_name, reason=row.reason, since=row.since
        )
