"""One stretch of a run: its carrier does what is to be done, several things at once.

Everything lies in the rows: a carrier that dies takes nothing with it but its attempts. While
something is under way it looks every now and then whether the run's bell has rung: somebody may
have stopped the run, or let it through a gate.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from domain.errors import Bug
from domain.ports import Clock
from domain.run import RunId
from domain.step import Outcome
from storage.unit import UnitOfWork
from workflows.engine.progress import Progress
from workflows.engine.tasks import Task, Turn
from workflows.engine.turns import Admission, Turns

T = TypeVar("T")

_LOOK = 1.0
"""Seconds between two looks at the bell: only a step that takes longer is ever looked up for."""


class Transaction(Protocol):
    """Runs a function in a transaction, however long the database takes."""

    async def __call__(self, work: Callable[[UnitOfWork], T], /) -> T:
        """What *work* returns."""
        ...


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Carries one run out until it ends, or has to wait for long."""

    run_id: RunId
    carrier: str
    turns: Turns
    progress: Progress
    clock: Clock
    transaction: Transaction
    carry_out: Callable[[Task], Coroutine[Any, Any, Outcome]]  #: one attempt
    has_rung: Callable[[Turn, str], Awaitable[bool]]  #: or has another carrier
    sleep_until: Callable[[datetime], Awaitable[None]]
    tell_to_stop: Callable[[Task], Awaitable[None]]  #: where its action can
    _told: set[str] = field(default_factory=set)
    _going: dict[asyncio.Task[Outcome], Task] = field(default_factory=dict)

    async def take_turn(self, *, begins: bool = False) -> Admission | Turn | None:
        """What is to be done now; None: nothing, or it is not this carrier's turn."""
        going = tuple(self._going.values())
        return await self.transaction(
            lambda unit: self.turns.take_turn(
                unit, self.run_id, self.carrier, begins=begins, going=going
            )
        )

    async def go_on(self, turn: Turn | None) -> None:
        """Do what *turn* says, and what follows."""
        try:
            self._begin(turn)
            while turn is not None:
                turn = await self._following(turn)
        finally:
            await self._drop()

    def _begin(self, turn: Turn | None) -> None:
        for task in turn.tasks if turn is not None else ():
            attempt = asyncio.get_running_loop().create_task(self.carry_out(task))
            self._going[attempt] = task

    async def _following(self, turn: Turn) -> Turn | None:
        """What is to be done once something has ended, is due, or has rung."""
        if self._going:
            done = await self._wait(turn)
        elif turn.until is not None:
            await self.sleep_until(turn.until)
            done = set()
        else:
            raise Bug(f"Nothing is under way in run {self.run_id}, and nothing is due.")
        if not done:
            again = await self.take_turn()
            if isinstance(again, Admission):
                raise Bug(f"Run {self.run_id} was admitted twice.")
            self._begin(again)
            if again is not None and again.is_stopping:
                await self._stop()
            return again
        following: Turn | None = None
        for attempt in done:
            following = await self._record(self._going.pop(attempt), attempt.result())
            if following is None:
                return None
        if following is not None and following.is_stopping:
            await self._stop()
        return following

    async def _record(self, task: Task, outcome: Outcome) -> Turn | None:
        going = tuple(self._going.values())
        following = await self.transaction(
            lambda unit: self.progress.record(unit, task, outcome, going)
        )
        self._begin(following)
        return following

    async def _wait(self, turn: Turn) -> set[asyncio.Task[Outcome]]:
        """What has ended of what is under way; nothing where something else comes first."""
        while True:
            left = _LOOK
            if turn.until is not None:
                left = min(left, max((turn.until - self.clock.now()).total_seconds(), 0.0))
            done, _ = await asyncio.wait(
                self._going, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            is_due = turn.until is not None and turn.until <= self.clock.now()
            if done or is_due or await self.has_rung(turn, self.carrier):
                return done

    async def _stop(self) -> None:
        """Somebody has stopped the run: what is under way hears of it, once."""
        for task in self._going.values():
            if not (task.is_undo or task.step.always or task.key in self._told):
                self._told.add(task.key)
                await self.tell_to_stop(task)

    async def _drop(self) -> None:
        """Stop what is under way: the run is another carrier's, or this process is to end."""
        for attempt in self._going:
            attempt.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)
