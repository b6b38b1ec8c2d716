"""How much each connection was used lately: one moment for each, compared and set."""

from datetime import datetime

import sqlalchemy as sa

from storage.schema import on_conflict, rates

_ADD = on_conflict(
    lambda insert: insert(rates).on_conflict_do_nothing(index_elements=["connection"]).inline()
)
_GET = sa.select(rates.c.full_at).where(rates.c.connection == sa.bindparam("of_connection"))
_SET = (
    sa.update(rates)
    .where(
        rates.c.connection == sa.bindparam("of_connection"),
        rates.c.full_at == sa.bindparam("seen"),
    )
    .values(full_at=sa.bindparam("new"))
)


class Rates:
    """The table of rates."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def full_at(self, connection: str) -> datetime | None:
        """When the bucket of *connection* is full; None where it was never used."""
        row = self._connection.execute(_GET, {"of_connection": connection}).first()
        return row.full_at if row else None

    def move(self, connection: str, seen: datetime | None, new: datetime) -> bool:
        """Put *new* in the place of *seen*; False where somebody else was faster."""
        if seen is None:
            added = self._connection.execute(
                _ADD[self._connection.dialect.name], {"connection": connection, "full_at": new}
            )
            return added.rowcount == 1
        moved = self._connection.execute(
            _SET, {"of_connection": connection, "seen": seen, "new": new}
        )
        return moved.rowcount == 1
