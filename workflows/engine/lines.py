"""What a run has to have before it may start, and its place in the lines for it.

`locks_of` is the one place that says what a run needs. The rules of the lines stand in
`domain/lock.py`: all at once or nothing, first come first served.
"""

from collections.abc import Iterable

from domain.lock import GROUP, Line, Need
from domain.run import Run
from storage.unit import UnitOfWork
from workflows.concurrency import group_of
from workflows.definition import from_pinned


def locks_of(run: Run) -> tuple[Need, ...]:
    """What *run*, which is planned, needs: its locks, and its place in a group; by name."""
    names = {run.lock, *(run.plan.locks if run.plan else ())} - {None}
    needs = [Need(name=name) for name in names if name is not None]
    workflow = from_pinned(run.definition) if "concurrency" in run.definition else None
    if workflow is not None and workflow.concurrency is not None:
        name = f"{GROUP}{group_of(workflow, run.inputs)}"
        needs.append(Need(name=name, places=workflow.concurrency.limit))
    return tuple(sorted(needs))


def line_up(unit: UnitOfWork, run: Run) -> tuple[str, ...]:
    """Have *run*, which is queued now, wait for what it needs; what it let go of comes back.

    A run that was planned anew may have all of it already. One that has a part, because its new
    plan needs more, lets go of that first: who waits holds nothing.
    """
    needs = locks_of(run)
    names = {need.name for need in needs}
    held = set(unit.locks.held_by(run.id))
    if names <= held:
        return unit.locks.release(run.id, sorted(held - names)) if held > names else ()
    released = unit.locks.release(run.id) if held else ()
    unit.locks.line_up(run.id, run.requester.id, needs, run.queued_at or unit.now)
    return released


def take(unit: UnitOfWork, run: Run) -> tuple[str, ...] | None:
    """The names of what *run* gets now, to have all that it needs; None: it is not its turn."""
    names = [need.name for need in unit.locks.needs(run.id)]
    if not names:
        return ()  # it has all of it
    unit.locks.watch(names)
    lines = unit.locks.lines_at(names)
    is_its_turn = held_up_by(lines, run.id) is None
    return tuple(names) if is_its_turn and unit.locks.take(run.id, lines) else None


def step_out(unit: UnitOfWork, run: Run) -> tuple[str, ...]:
    """Have *run* hold nothing and wait for nothing; the names of what others may have now."""
    # Who holds something waits for nothing.
    return unit.locks.release(run.id) or unit.locks.step_out(run.id)


def held_up_by(lines: Iterable[Line], run_id: str) -> Line | None:
    """The first of *lines* in which it is not the run's turn; None where it is in all."""
    return next((line for line in lines if run_id not in line.next), None)
