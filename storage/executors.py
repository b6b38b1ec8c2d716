"""Heartbeats of the processes that execute, so that a dead one's work is taken over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.schema import executors, on_conflict


def _upsert(insert: Callable[[sa.Table], Any]) -> sa.Insert:
    beat = insert(executors)
    return beat.on_conflict_do_update(  # type: ignore[no-any-return]  # the dialect's own Insert
        index_elements=["id"], set_={"beat_at": beat.excluded.beat_at}
    )


_BEAT = on_conflict(_upsert)
_ALL = sa.select(executors).order_by(executors.c.started_at, executors.c.id)
_STALE = _ALL.where(executors.c.beat_at < sa.bindparam("before"))
_CLAIM = (
    sa.update(executors)
    .where(executors.c.id == sa.bindparam("of_id"), executors.c.beat_at == sa.bindparam("seen"))
    .values(beat_at=sa.bindparam("now"))
)
_REMOVE = sa.delete(executors).where(executors.c.id == sa.bindparam("of_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """A process that executes."""

    id: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime


class Executors:
    """The table of executors."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def beat(
        self, executor_id: str, host: str, pid: int, started_at: datetime, now: datetime
    ) -> None:
        """Record that the executor lives at *now*."""
        self._connection.execute(
            _BEAT[self._connection.dialect.name],
            {
                "id": executor_id,
                "host": host,
                "pid": pid,
                "started_at": started_at,
                "beat_at": now,
            },
        )

    def all(self) -> list[Executor]:
        """Every executor known, the oldest first."""
        return [_executor(row) for row in self._connection.execute(_ALL)]

    def stale(self, now: datetime, lease: timedelta) -> list[Executor]:
        """The executors that have been silent for longer than *lease*."""
        return [
            _executor(row) for row in self._connection.execute(_STALE, {"before": now - lease})
        ]

    def claim(self, executor: Executor, now: datetime) -> bool:
        """Whether *executor*, which is dead, is the caller's to bury.

        For another lease nobody else gets it; whoever claimed it and died loses nothing.
        """
        claimed = self._connection.execute(
            _CLAIM, {"of_id": executor.id, "seen": executor.beat_at, "now": now}
        )
        return claimed.rowcount == 1

    def remove(self, executor_id: str) -> None:
        """Forget an executor: it stopped, or was reaped."""
        self._connection.execute(_REMOVE, {"of_id": executor_id})


def _executor(row: sa.Row[Any]) -> Executor:
    return Executor(
        id=row.id, host=row.host, pid=row.pid, started_at=row.started_at, beat_at=row.beat_at
    )
