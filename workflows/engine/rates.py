"""How often connections are used: a step whose turn has not come waits, and never fails of it.

The rate is kept in the database, so all processes together stay below it; how many attempts are
under way at once, each process keeps for itself. A short wait is slept through; for a longer one
the step is put aside, and comes again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from connectors.connector import Connector
from domain.errors import Unavailable
from domain.rate import UNLIMITED, Limits, turn
from storage.store import Store
from storage.unit import UnitOfWork

log = structlog.get_logger(__name__)

NAP = timedelta(seconds=1)
"""The longest wait that is slept through: whoever halts everything need not wait longer."""

_AGAIN = timedelta(seconds=5)
"""When whoever found no place, or no database, comes again."""

_RACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A connection that does not bear everything."""

    connection: str
    limits: Limits


@dataclass(slots=True, kw_only=True)
class Rates:
    """Says when an attempt may begin."""

    store: Store
    limited: Mapping[str, Limited] = field(default_factory=dict)  #: by the action's reference
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = lambda: 0.5
    """From 0 to 1, at random, so that those who wait do not come all at once."""

    _places: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def admission(self, reference: str) -> AsyncIterator[timedelta]:
        """None of a wait, and a place at the connection while the context lasts.

        Where that has to be waited for, it is how long, and nothing may be done.
        """
        known = self.limited.get(reference)
        if known is None:
            yield timedelta()
            return
        place = self._place(known)
        if place is not None and not await _had(place):
            yield self._spread(_AGAIN)
            return
        try:
            yield await self._wait(known)
        finally:
            if place is not None:
                place.release()

    def words(self, reference: str) -> str:
        """Why an attempt at the action waits."""
        known = self.limited[reference]
        most = known.limits.per_minute
        rate = f"at most {most} times a minute" if most else f"{known.limits.at_once} at a time"
        return f"Waits for its turn: {known.connection} is used {rate}."

    async def _wait(self, known: Limited) -> timedelta:
        """None, once it is the attempt's turn; or how long to stay away."""
        if known.limits.per_minute is None:
            return timedelta()
        try:
            wait, is_ours = await self.store.transaction(lambda unit: _turn(unit, known))
        except Unavailable as unavailable:
            log.warning("rate not known", connection=known.connection, problem=str(unavailable))
            return self._spread(_AGAIN)
        if not is_ours:
            return self._spread(max(wait, NAP))
        if wait:
            await self.sleep(wait.total_seconds())
        return timedelta()

    def _place(self, known: Limited) -> asyncio.Semaphore | None:
        if known.limits.at_once is None:
            return None
        return self._places.setdefault(known.connection, asyncio.Semaphore(known.limits.at_once))

    def _spread(self, wait: timedelta) -> timedelta:
        return wait * (1 + self.chance())


def limited(
    limits: Mapping[str, Limits], connectors: Iterable[Connector]
) -> Mapping[str, Limited]:
    """The actions whose connection has limits, by reference.

    *limits* are those of the connections, by name; *connectors* stand in the same order.
    """
    return {
        action.reference: Limited(connection=name, limits=known)
        for (name, known), connector in zip(limits.items(), connectors, strict=True)
        if known != UNLIMITED
        for action in connector.actions()
    }


def _turn(unit: UnitOfWork, known: Limited) -> tuple[timedelta, bool]:
    """How long to wait for one's turn, and whether it is taken."""
    most = known.limits.per_minute or 1
    wait = NAP
    for _ in range(_RACES):
        seen = unit.rates.full_at(known.connection)
        wait, full_at = turn(seen, unit.now, most, ahead=NAP)
        if full_at is None or unit.rates.move(known.connection, seen, full_at):
            return wait, full_at is not None
    return wait, False


async def _had(place: asyncio.Semaphore) -> bool:
    """Whether there was a place soon, which is taken then."""
    try:
        async with asyncio.timeout(NAP.total_seconds()):
            await place.acquire()
    except TimeoutError:
        return False
    return True
