"""The steps on a run card: for each its state as icon and word, its duration, what it says."""

from collections.abc import Sequence
from datetime import timedelta

from cards import elements as e
from cards import teams
from cards.text import clean, escape
from cards.times import duration, moment
from cards.view import RunView
from domain.run import RunState
from domain.step import StepRun, StepState

_MAX_ROWS = 12
_BEFORE_CURRENT = 4
_DETAIL_LIMIT = 160

_LOOK = {
    StepState.PENDING: (e.OPEN, "not started"),
    StepState.RUNNING: (e.MOVING, "running"),
    StepState.WAITING: (e.WAITING, "waiting"),
    StepState.SUCCEEDED: (e.DONE, "done"),
    StepState.FAILED: (e.BROKEN, "failed"),
    StepState.SKIPPED: (e.STOPPED, "skipped"),
    StepState.CANCELLED: (e.STOPPED, "cancelled"),
    StepState.COMPENSATED: (e.UNDONE, "undone"),
}
_CURRENT = frozenset({StepState.RUNNING, StepState.WAITING, StepState.FAILED})
_QUIET = frozenset({StepState.PENDING, StepState.SKIPPED, StepState.CANCELLED})
_WITH_DURATION = frozenset({StepState.RUNNING, StepState.SUCCEEDED, StepState.FAILED})


def step_rows(view: RunView) -> list[teams.Element]:
    """A row for each step; of many, those around the current one."""
    steps = sorted(view.steps, key=lambda step: step.position)
    first = _window(steps)
    shown, later = steps[first : first + _MAX_ROWS], len(steps) - first - _MAX_ROWS
    earlier = [e.meta(f"{first} earlier steps")] if first else []
    further = [e.meta(f"{later} further steps")] if later > 0 else []
    return [*earlier, *(_row(view, step) for step in shown), *further]


def tally_words(steps: Sequence[StepRun]) -> str:
    """How many steps are done: "2 of 3 done"."""
    return f"{sum(step.state.is_done for step in steps)} of {len(steps)} done"


def _window(steps: Sequence[StepRun]) -> int:
    """Where to begin, so that the first step that is not done is among those shown."""
    if len(steps) <= _MAX_ROWS:
        return 0
    current = next((i for i, step in enumerate(steps) if not step.state.is_done), len(steps))
    return max(0, min(current - _BEFORE_CURRENT, len(steps) - _MAX_ROWS))


def _row(view: RunView, step: StepRun) -> teams.ColumnSet:
    glyph, word = _LOOK[step.state]
    if view.run.state is RunState.ROLLING_BACK and step.undo_attempt and step.state.is_done:
        glyph, word = e.UNDONE, "undoing"
    title = escape(step.title or step.name, limit=80)
    line = e.body(title)
    if step.state in _CURRENT:
        line = e.strong(title)
    elif step.state in _QUIET:
        line = e.quiet(title)
    detail = _detail(step)
    return e.row(
        glyph, [line, *([e.meta(detail)] if detail else [])], right=f"{word}{_length(view, step)}"
    )


def _length(view: RunView, step: StepRun) -> str:
    if step.state is StepState.WAITING and step.due_at is not None:
        return f" until {moment(step.due_at, now=view.now, zone=view.zone)}"
    length = _elapsed(view, step)
    return f" · {duration(length)}" if length is not None else ""


def _elapsed(view: RunView, step: StepRun) -> timedelta | None:
    if step.started_at is None or step.state not in _WITH_DURATION:
        return None
    return (step.finished_at or view.now) - step.started_at


def _detail(step: StepRun) -> str:
    tries = f"Attempt {step.attempt}" if step.attempt > 1 else ""
    said = escape(step.detail, limit=_DETAIL_LIMIT) if clean(step.detail) else ""
    return ". ".join(filter(None, (tries, said)))
