"""Heartbeats, and taking over from executors that died.

DBOS begins again what an executor left behind only when one of the same id is launched. Ours
have an id per process, so whoever lives takes over from whoever died: on the same machine with
the next heartbeat, for there the process can be looked up; elsewhere when its lease is over.
"""

import asyncio
from datetime import timedelta
import os

import structlog

from domain.errors import Unavailable
from domain.ports import Clock, Ids
from storage.executors import Executor
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.engine.durable import Durable
from workflows.engine.whereabouts import lives, whereabouts

log = structlog.get_logger(__name__)

BEAT = timedelta(seconds=2)
LEASE = timedelta(seconds=8)


class Recovery:
    """A heartbeat for the process it runs in, and an eye on the others."""

    def __init__(self, store: Store, durable: Durable, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._durable = durable
        self._clock = clock
        self._host = whereabouts(ids.uuid)
        self._started_at = clock.now()
        self.executor_id = f"{self._host.partition(' ')[0]}/{os.getpid()}/{ids.uuid()}"

    async def begin(self) -> None:
        """Say that we live, and take over from this machine's dead at once."""
        await self._store.transaction(self._beat)
        everybody = await self._store.read(lambda unit: unit.executors.all())
        await self._bury([each for each in everybody if self._is_dead_here(each)])

    async def run(self) -> None:
        """Beat until cancelled, and take over from whoever has been silent too long."""
        while True:
            await asyncio.sleep(BEAT.total_seconds())
            try:
                await self._round()
            except Unavailable as unavailable:
                log.warning("heartbeat missed", problem=str(unavailable))

    async def end(self) -> None:
        """Say that we are gone: nothing of ours needs a lease to run out."""
        await self._bury_one(self.executor_id)

    async def _round(self) -> None:
        await self._store.transaction(self._beat)
        everybody, stale = await self._store.read(
            lambda unit: (unit.executors.all(), unit.executors.stale(unit.now, LEASE))
        )
        silent = {each.id for each in stale} - {self.executor_id}
        await self._bury([e for e in everybody if e.id in silent or self._is_dead_here(e)])

    def _beat(self, unit: UnitOfWork) -> None:
        unit.executors.beat(self.executor_id, self._host, os.getpid(), self._started_at, unit.now)

    def _is_dead_here(self, executor: Executor) -> bool:
        if executor.host != self._host or executor.id == self.executor_id:
            return False
        return not lives(executor.pid, executor.started_at)

    async def _bury(self, dead: list[Executor]) -> None:
        for executor in dead:
            claimed = await self._store.transaction(
                lambda unit, dead=executor: unit.executors.claim(dead, unit.now)  # type: ignore[misc]  # the default binds this one
            )
            if claimed:
                await self._bury_one(executor.id)

    async def _bury_one(self, executor_id: str) -> None:
        count = await self._durable.take_over(executor_id)

        def forget(unit: UnitOfWork) -> None:
            unit.outbox.release(executor_id)
            unit.cards.release(executor_id)
            unit.executors.remove(executor_id)

        await self._store.transaction(forget)
        if count:
            log.info("took over", executor=executor_id, pieces=count)
