"""The switch that stops everything: while it is on, no step begins.

Whoever is about to begin a step asks `in_force` in the transaction that would begin it, so the
switch is obeyed by all processes from the moment it is committed. Undoing and `always` steps wait
too: until somebody has looked, nobody knows that undoing is not what does the harm. A step that
is under way ends, and what came of it is put down; its retries wait.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain.actor import Actor
from domain.audit import Event
from domain.errors import NotNow
from domain.lock import Halt
from domain.run import Run, RunState
from domain.step import StepState
from storage.unit import UnitOfWork
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves

_SHOWN_ANEW = 200
"""How many cards tell it at once, those of running runs first: others do when they are shown."""

_CARRIED = (RunState.RUNNING, RunState.ROLLING_BACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A step that somebody is carrying out while everything is being halted."""

    run: Run
    step: str  #: its title


def in_force(unit: UnitOfWork) -> Halt | None:
    """The halt that keeps steps from beginning; None where they may.

    Whoever holds a run back because of it does so in this transaction: `Halting.unhalt` then
    finds the run, and has it gone on with.
    """
    return unit.halts.watch()


def refuse_while_halted(unit: UnitOfWork) -> None:
    """Let nothing new be asked for while everything is halted.

    Raises:
        NotNow: by whom, and why.
    """
    halt = unit.halts.current()
    if halt is not None:
        raise NotNow(
            f"Everything is halted by {halt.by_name}: {halt.reason.rstrip('.')}.",
            hint="Nothing new is taken on until that is over; `runs` shows what is under way.",
        )


class Halting:
    """Switches it on and off."""

    def __init__(self, queue: Queue) -> None:
        self._moves = Moves(queue)

    def halt(self, unit: UnitOfWork, *, by: Actor, reason: str) -> tuple[UnderWay, ...]:
        """Stop everything; what is under way, and ends by itself, comes back.

        Raises:
            NotNow: everything is halted already.
        """
        halt = Halt(by=by.id, by_name=by.name, reason=reason, since=unit.now)
        if not unit.halts.put(halt):
            refuse_while_halted(unit)
        under_way = tuple(_under_way(unit))
        data = {
            "under_way": [{"run_id": each.run.id, "step": each.step} for each in under_way],
        }
        _audit(unit, "halt.started", by, reason=reason, data=data)
        self._show(unit)
        return under_way

    def unhalt(self, unit: UnitOfWork, *, by: Actor, reason: str = "") -> Halt:
        """Go on where everything stood; the halt that is over comes back.

        Raises:
            NotNow: nothing is halted.
        """
        halt = unit.halts.current()
        if halt is None or not unit.halts.remove():
            raise NotNow("Nothing is halted.")
        seconds = (unit.now - halt.since).total_seconds()
        data = {"halted_by": halt.by, "seconds": seconds}
        _audit(unit, "halt.ended", by, reason=reason, data=data)
        again = f"unhalted-{halt.since.timestamp()}"
        for run in _runs(unit, *_CARRIED):
            self._moves.wake(unit, unit.runs.lock(run.id), again)
        held_up = {
            each.run_id
            for line in unit.locks.lines()
            for each in line.waiting
            if each.run_id not in line.next
        }
        for run in _runs(unit, RunState.QUEUED, but=held_up):
            self._moves.carry_out_later(unit, run, again)
        self._show(unit)
        return halt

    def _show(self, unit: UnitOfWork) -> None:
        going_on = (*_CARRIED, RunState.PAUSED, RunState.QUEUED)
        for run in islice((r for state in going_on for r in _runs(unit, state)), _SHOWN_ANEW):
            self._moves.show(unit, run)


def _under_way(unit: UnitOfWork) -> Iterator[UnderWay]:
    for run in _runs(unit, *_CARRIED):
        for step in unit.steps.of(run.id) if run.carrier is not None else ():
            is_undone = run.state is RunState.ROLLING_BACK and step.undo_attempt > 0
            if step.state is StepState.RUNNING or (
                is_undone and step.state is not StepState.COMPENSATED
            ):
                yield UnderWay(run=run, step=step.title)


def _runs(unit: UnitOfWork, *states: RunState, but: Collection[str] = ()) -> Iterator[Run]:
    for run_id in unit.runs.in_state(*states):
        if run_id not in but and (run := unit.runs.get(run_id)) is not None:
            yield run


def _audit(unit: UnitOfWork, kind: str, by: Actor, *, reason: str, data: dict[str, Any]) -> None:
    unit.audit.append(
        Event(type=kind, actor=by, subject="halt", outcome="ok", reason=reason, data=data)
    )
