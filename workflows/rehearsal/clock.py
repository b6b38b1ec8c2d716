"""Time that does not pass: it leaps to the moment at which something is due next.

`asyncio.sleep`, timeouts and timers of a loop in virtual time work as everywhere else and take
no time at all, so code is rehearsed as it is. Nothing in such a loop may wait for the outside:
what is handed to threads is carried out on the spot.
https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.time
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import selectors
from typing import Any, TypeVar, TypeVarTuple

from domain.errors import Bug

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When every rehearsal begins: a Friday, before dawn."""

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class VirtualClock:
    """Moves only when it is told to."""

    moment: datetime = BEGINNING

    def now(self) -> datetime:
        """The current moment."""
        return self.moment

    def leap(self, time: timedelta) -> None:
        """Let *time* pass."""
        self.moment += time


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a virtual clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._virtual = clock
        self._began = clock.moment
        super().__init__(_Leap(clock))
        # What is due within this time is due. The system clock's own, a nanosecond, is lost in
        # the rounding of a float some months from now, and then nothing would ever be due.
        self._clock_resolution = _TICK.total_seconds()

    def time(self) -> float:
        """The virtual seconds since the loop was made."""
        return (self._virtual.moment - self._began).total_seconds()

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> "asyncio.Future[T]":
        """Carry out *func* here and now: another thread would need time that does not pass."""
        del executor
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is: it belongs to whoever awaits
            done.set_exception(error)
        return done


class _Leap(selectors.DefaultSelector):
    """Nothing ever comes from the outside: instead of waiting, time passes."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let *timeout* pass; nothing has happened then."""
        if timeout is None:
            raise Bug("A rehearsal waits for something that can never happen.")
        if timeout > 0:
            self._clock.leap(max(timedelta(seconds=timeout), _TICK))
        return []


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]], clock: VirtualClock) -> T:
    """What *work* gives, carried out in a loop of its own that lives by *clock*."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(work())
