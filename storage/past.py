"""Runs that ended long ago: forgotten with all that hangs on them. The audit log is not."""

from datetime import datetime

import sqlalchemy as sa

from storage.schema import gates, living_cards, runs, step_runs, votes

_repeating = runs.alias("repeating")
_ENDED = (
    sa.select(runs.c.id)
    .where(
        runs.c.finished_at < sa.bindparam("before"),
        ~sa.exists().where(_repeating.c.repeats == runs.c.id, _repeating.c.finished_at.is_(None)),
    )
    .order_by(runs.c.finished_at)
    .limit(sa.bindparam("most"))
)
_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_FORGET = (
    sa.delete(votes).where(
        votes.c.gate_id.in_(sa.select(gates.c.id).where(gates.c.run_id.in_(_IDS)))
    ),
    sa.delete(gates).where(gates.c.run_id.in_(_IDS)),
    sa.delete(step_runs).where(step_runs.c.run_id.in_(_IDS)),
    sa.delete(living_cards).where(living_cards.c.subject.in_(_IDS)),
    sa.delete(runs).where(runs.c.id.in_(_IDS)),
)


class Past:
    """The tables of runs, where nothing happens any more."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def forget(self, before: datetime, most: int) -> int:
        """Drop runs that ended before that moment, the oldest first; how many, at most *most*.

        One that goes on in another run, which has not ended, is kept for its results.
        """
        ids = list(self._connection.scalars(_ENDED, {"before": before, "most": most}))
        if ids:
            for statement in _FORGET:
                self._connection.execute(statement, {"ids": ids})
        return len(ids)
