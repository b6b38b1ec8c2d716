"""What nobody goes on with: runs whose carrier is no more, alarms that did not ring, free locks.

None of it should ever be. All would wait for ever if it were, with a lock held or people asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta

import structlog

from domain.errors import Unavailable
from domain.ports import Clock
from domain.run import RunState
from storage.store import Store
from storage.unit import UnitOfWork
from workflows.engine.plans import Plans
from workflows.engine.turns import Turns, work_of

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=30)
GRACE = timedelta(seconds=30)
"""How late an alarm may be before the sweep does without it."""

Ended = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of some pieces of work, by id, have ended."""


class Sweep:
    """Looks for what nobody goes on with, twice a minute."""

    def __init__(
        self, store: Store, plans: Plans, turns: Turns, clock: Clock, *, ended: Ended
    ) -> None:
        self._store = store
        self._plans = plans
        self._turns = turns
        self._clock = clock
        self._ended = ended
        self._ready: frozenset[str] = frozenset()  #: the locks that were free for somebody

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            try:
                await self.sweep()
            except Unavailable as unavailable:
                log.warning("not swept", problem=str(unavailable))

    async def sweep(self) -> None:
        """Sweep once.

        Raises:
            Unavailable: the database did not answer.
        """
        late = self._clock.now() - GRACE
        for gate_id in await self._store.read(
            lambda unit: (*unit.gates.due(late), *unit.gates.to_escalate(late))
        ):
            await self._ring(gate_id)
        for lock in await self._store.read(lambda unit: unit.holds.due(late)):
            await self._end_hold(lock)
        await self._wake()
        carried = await self._store.read(_carried)
        ended = await self._ended({work_of(carrier) for carrier in carried.values()})
        for run_id, carrier in carried.items():
            if work_of(carrier) in ended:
                await self._adopt(run_id, carrier)

    async def _wake(self) -> None:
        """Wake those whose turn it has been since the last sweep, and whom nobody woke."""
        ready = await self._store.read(_ready)
        if late := ready & self._ready:
            await self._store.transaction(lambda unit: self._turns.wake(unit, sorted(late)))
        self._ready = ready

    async def _ring(self, gate_id: str) -> None:
        log.warning("gate was due without its alarm", gate=gate_id)
        await self._store.transaction(lambda unit: self._plans.ring(unit, gate_id))

    async def _end_hold(self, lock: str) -> None:
        log.warning("lock was over without its alarm", lock=lock)
        await self._store.transaction(lambda unit: self._turns.ring(unit, lock))

    async def _adopt(self, run_id: str, carrier: str) -> None:
        if await self._store.transaction(lambda unit: self._turns.orphaned(unit, run_id, carrier)):
            log.warning("run was an orphan", run=run_id, carrier=carrier)


def _ready(unit: UnitOfWork) -> frozenset[str]:
    """The locks that somebody waits for, and could have; none while everything is halted."""
    if unit.halts.current() is not None:
        return frozenset()
    return frozenset(line.name for line in unit.locks.lines() if line.next)


def _carried(unit: UnitOfWork) -> Mapping[str, str]:
    """The carriers of all runs that have one, by run."""
    found = (unit.runs.get(i) for i in unit.runs.in_state(RunState.RUNNING, RunState.ROLLING_BACK))
    return {run.id: run.carrier for run in found if run is not None and run.carrier is not None}
