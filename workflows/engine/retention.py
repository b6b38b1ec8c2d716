"""What need not be kept: activities seen, dialogs that ended, work that is done, runs of old.

How long runs are kept is for the operator to say. The audit log stays, whatever is forgotten: it
tells who did what in a run that is known no more.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from domain.errors import Unavailable
from domain.ports import Clock
from storage.store import Store
from workflows.engine.durable import Durable

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
ACTIVITIES = timedelta(days=3)
"""Teams sends an activity again within minutes; a week-end's outage shall not matter either."""

TALK = timedelta(days=30)
"""Dialogs that ended, previews nobody saved, and what `again` would say once more."""

WORK = timedelta(days=7)
"""The same piece of work is never enqueued again after its run has moved on."""

RUNS = timedelta(days=366)
"""Unless the operator says otherwise: whoever looks at a run a year later still finds it."""

_MOST = 200
"""How many runs are forgotten in one transaction: others wait for it for some 50 ms."""

_BREATH = timedelta(seconds=0.2)
"""How long others have their turn in between."""


class Retention:
    """Forgets what is old, once an hour."""

    def __init__(
        self,
        store: Store,
        durable: Durable,
        clock: Clock,
        *,
        runs: timedelta | None = RUNS,
    ) -> None:
        """*runs* is how long they are kept after their end; None: for ever."""
        self._store = store
        self._durable = durable
        self._clock = clock
        self._runs = runs

    async def run(self) -> None:
        """Sweep until cancelled. What does not answer now is asked again an hour later."""
        while True:
            try:
                await self.sweep()
            except Unavailable as unavailable:
                log.warning("nothing was forgotten", problem=str(unavailable))
            await asyncio.sleep(EVERY.total_seconds())

    async def sweep(self) -> None:
        """Forget what is old now.

        Raises:
            Unavailable: the database did not answer.
        """
        now = self._clock.now()
        activities, talk = await self._store.transaction(
            lambda unit: (
                unit.inbox.forget(now - ACTIVITIES),
                unit.dialogs.forget(now - TALK)
                + unit.recents.forget(now - TALK)
                + unit.schedules.forget(now - TALK),
            )
        )
        work = 0
        while batch := await self._durable.forget(now - WORK):
            work += batch
        runs = await self._forget_runs(now)
        if activities or talk or work or runs:
            log.info("forgotten", activities=activities, talk=talk, work=work, runs=runs)

    async def _forget_runs(self, now: datetime) -> int:
        if self._runs is None:
            return 0
        before, count = now - self._runs, 0
        while batch := await self._store.transaction(lambda u: u.past.forget(before, _MOST)):
            count += batch
            await asyncio.sleep(_BREATH.total_seconds())
        return count
