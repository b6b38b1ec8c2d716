"""Where and when a process of a test kills itself: at a point that is named by what it does.

The product knows nothing of this. What a transaction does is overheard from outside: the audit
events that it appends, the states that it gives to runs. What it is about to do is found out by
a rehearsal, which is undone.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
import os
import signal
import threading
import time
from typing import Any, TypeVar

import sqlalchemy as sa

from storage.store import Store
from storage.unit import UnitOfWork

T = TypeVar("T")

BEFORE, INSIDE, AFTER = "before", "inside", "after"
PHASES = (BEFORE, INSIDE, AFTER)
"""Before a transaction begins; with all of it written, as it is about to commit; and when it has
committed, before anything follows. What is no transaction has no inside."""

_LAST_BREATH = 0.2
"""Seconds in which a signal surely arrives: a process of many threads may go on for a moment."""


@dataclass(frozen=True)
class Point:
    """One moment in the life of a process."""

    name: str  #: an audit event, with its step if it has one: `step.finished:switch`
    phase: str
    signal: int = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.phase} {self.name}"


class Death:
    """Waits at a point."""

    def __init__(self, point: Point | None) -> None:
        self._point = point

    def waits(self, phase: str) -> bool:
        """Whether it waits at a point of that *phase*."""
        return self._point is not None and self._point.phase == phase

    def meet(self, phase: str, doing: Collection[str]) -> None:
        """Die, if this is the point: the process is *doing* these things."""
        if self._point is not None and self.waits(phase) and self._point.name in doing:
            point, self._point = self._point, None
            os.kill(os.getpid(), point.signal)
            time.sleep(_LAST_BREATH)


class _Rehearsed(Exception):
    """What the transaction would do is known now; undo it."""


class MortalStore(Store):
    """A store in whose transactions death may wait."""

    def beware(self, death: Death) -> None:
        """Look out for *death* from now on."""
        self._death = death
        self._here = threading.local()

        @sa.event.listens_for(self._writing, "commit")
        def about_to_commit(_connection: sa.Connection) -> None:
            death.meet(INSIDE, [each for doing in self._shared_by() for each in doing])
            self._shared_by().clear()

        @sa.event.listens_for(self._writing, "rollback")
        def undone(_connection: sa.Connection) -> None:
            self._shared_by().clear()

    def _shared_by(self) -> list[list[str]]:
        """What is done in the database's transaction under way: several may share one."""
        together: list[list[str]] = self._here.__dict__.setdefault("together", [])
        return together

    async def transaction(self, work: Callable[[UnitOfWork], T]) -> T:
        """As the store's."""
        if self._death.waits(BEFORE):
            await self._rehearse(work)

        def overheard(unit: UnitOfWork) -> T:
            doing = _overhear(unit)
            self._shared_by().append(doing)
            unit.after_commit(lambda: self._death.meet(AFTER, doing))
            return work(unit)

        return await super().transaction(overheard)

    async def _rehearse(self, work: Callable[[UnitOfWork], Any]) -> None:
        doing: list[str] = []

        def rehearsed(unit: UnitOfWork) -> None:
            nonlocal doing
            doing = _overhear(unit)
            work(unit)
            raise _Rehearsed

        try:
            await super().transaction(rehearsed)
        except _Rehearsed:
            self._death.meet(BEFORE, doing)


def _overhear(unit: UnitOfWork) -> list[str]:
    """What is done with *unit* from now on; it grows as it happens."""
    doing: list[str] = []

    def listen(table: Any, method: str, name: Callable[..., str]) -> None:
        does = getattr(table, method)

        def overheard(*args: Any, **kwargs: Any) -> Any:
            result = does(*args, **kwargs)
            if result is not False:  # a claim that came to nothing
                doing.append(name(*args))
            return result

        setattr(table, method, overheard)

    listen(unit.audit, "append", _event)
    listen(unit.runs, "insert", lambda run: f"state:{run.state}")
    listen(unit.runs, "save", lambda run: f"state:{run.state}")
    listen(unit.executors, "claim", lambda *_: "executor:claimed")
    listen(unit.executors, "remove", lambda *_: "executor:buried")
    listen(unit.cards, "sent", lambda *_: "card:sent")
    return doing


def _event(event: Any) -> str:
    step = event.data.get("step")
    return f"{event.type}:{step}" if step else str(event.type)
