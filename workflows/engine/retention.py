"""What need not be kept: activities seen, dialogs that ended, work that is done.

Runs, votes and the audit log stay; how long those are kept is for the operator to say.
"""

import asyncio
from datetime import timedelta

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


class Retention:
    """Forgets what is old, once an hour."""

    def __init__(self, store: Store, durable: Durable, clock: Clock) -> None:
        self._store = store
        self._durable = durable
        self._clock = clock

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
        if activities or talk or work:
            log.info("forgotten", activities=activities, talk=talk, work=work)
