"""A run step after step, to its end: what workers find out, each thing one transition.

A step's end and the next step's beginning are one transaction. Whoever carries a run out is
known by the run's `carrier`, and every attempt has a number: what comes late, from a process
that was taken for dead or from work enqueued twice, meets another carrier or number and is
dropped. Each transition may come twice, for the answer of a commit can be lost: what was put
down is not put down again, and what is next is said once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.run import Run, RunEvent, RunState
from domain.step import Done, Fail, Outcome, Retry, StepRun, StepState, idempotency_key
from storage.unit import UnitOfWork
from workflows.definition import Step, Workflow, from_pinned
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves

LONGEST_NAP = timedelta(seconds=5)
"""A longer pause ends the stretch: the run is a row then, and an alarm wakes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The next thing to do for a run: an attempt at one step, or at undoing it."""

    run: Run
    workflow: Workflow
    step: Step
    attempt: int
    key: str  #: the idempotency key of the effect
    outputs: Mapping[str, Mapping[str, Any]]  #: of the steps done, by name
    is_undo: bool = False
    was_begun: bool = False  #: an earlier attempt may have reached the target
    in_doubt: bool = False  #: and nobody knows whether it had its effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing to do for the run until *until*, which is soon; then ask for its turn again."""

    run_id: str
    until: datetime


class Progress:
    """The transitions of a run that was admitted."""

    def __init__(self, queue: Queue) -> None:
        self._moves = Moves(queue)

    def record(self, unit: UnitOfWork, task: Task, outcome: Outcome) -> Task | Pause | None:
        """Take what came of *task*; what is next comes back, None where the stretch ends."""
        run = unit.runs.lock(task.run.id)
        step = next(s for s in unit.steps.of(run.id) if s.name == task.step.name)
        number = step.undo_attempt if task.is_undo else step.attempt
        if run.carrier != task.run.carrier or number != task.attempt:
            return None  # somebody else has taken over
        is_open = step.state is not StepState.COMPENSATED
        if not (is_open if task.is_undo else step.state is StepState.RUNNING):
            return self.next(unit, run)  # it was put down, and the answer was lost
        if task.is_undo:
            return self._undone(unit, run, task, step, outcome)
        match outcome:
            case Done(output, detail):
                self._save(
                    unit, step, state=StepState.SUCCEEDED, output=dict(output), detail=detail
                )
                self._finished(unit, run, task, "ok", detail)
                self._moves.show(unit, run)
                return self.next(unit, run)
            case Retry(reason, after, may_have_happened) if run.cancelled_by is None:
                due = unit.now + after
                again = self._save(
                    unit,
                    step,
                    state=StepState.WAITING,
                    due_at=due,
                    detail=reason,
                    output=_trace(may_have_happened=may_have_happened),
                )
                self._moves.show(unit, run)
                return self._pause(unit, run, again, due)
            case Retry(reason, _, may_have_happened) | Fail(reason, may_have_happened):
                trace = _trace(may_have_happened=may_have_happened)
                self._save(unit, step, state=StepState.FAILED, detail=reason, output=trace)
                self._finished(unit, run, task, "failed", reason)
                return self._fail(unit, run, task, reason)

    def next(self, unit: UnitOfWork, run: Run) -> Task | Pause | None:
        """Begin what is to be done next."""
        workflow = from_pinned(run.definition)
        steps = {step.name: step for step in unit.steps.of(run.id)}
        if run.state is RunState.ROLLING_BACK:
            return self._next_undo(unit, run, workflow, steps)
        if run.cancelled_by is not None:
            self._stop(unit, run, steps)
            return None
        for step in workflow.steps:
            was = steps[step.name]
            if was.state.is_done or not all(steps[name].state.is_done for name in step.needs):
                continue
            if was.state is StepState.WAITING and was.due_at and was.due_at > unit.now:
                return self._pause(unit, run, was, was.due_at)
            if step.wait is not None:
                return self._wait(unit, run, step, was)
            return self._begin(unit, run, workflow, step, steps)
        self._moves.move(unit, run, RunEvent.FINISHED)
        return None

    def _begin(
        self,
        unit: UnitOfWork,
        run: Run,
        workflow: Workflow,
        step: Step,
        steps: Mapping[str, StepRun],
    ) -> Task:
        was = steps[step.name]
        begun = self._save(
            unit,
            was,
            state=StepState.RUNNING,
            attempt=was.attempt + 1,
            started_at=was.started_at or unit.now,
            due_at=None,
        )
        task = _task(
            run,
            workflow,
            step,
            begun,
            steps,
            was_begun=was.attempt > 0,
            in_doubt=was.state is StepState.RUNNING or was.output is not None,
        )
        data = {
            "step": step.name,
            "uses": step.uses,
            "attempt": begun.attempt,
            "idempotency_key": task.key,
        }
        kind = "step.retried" if was.attempt else "step.started"
        self._moves.audit(unit, run, kind, data=data)
        self._moves.show(unit, run)
        return task

    def _wait(self, unit: UnitOfWork, run: Run, step: Step, was: StepRun) -> Task | Pause | None:
        """A step that waits: its due time is stored when it begins, so a restart adds nothing."""
        if was.state is StepState.WAITING:  # and its time has come
            self._save(unit, was, state=StepState.SUCCEEDED, output={})
            self._moves.audit(unit, run, "step.finished", data={"step": step.name})
            self._moves.show(unit, run)
            return self.next(unit, run)
        due = unit.now + (step.wait or timedelta())
        waiting = self._save(
            unit, was, state=StepState.WAITING, attempt=1, started_at=unit.now, due_at=due
        )
        self._moves.audit(unit, run, "step.started", data={"step": step.name})
        self._moves.show(unit, run)
        return self._pause(unit, run, waiting, due)

    def _pause(self, unit: UnitOfWork, run: Run, step: StepRun, due: datetime) -> Pause | None:
        """A short pause is slept through; a long one ends the stretch, and an alarm is set."""
        if due - unit.now <= LONGEST_NAP:
            return Pause(run_id=run.id, until=due)
        unit.runs.save(replace(run, carrier=None))
        why = f"{step.name}-{step.attempt}-{unit.now.timestamp()}"
        self._moves.carry_out_later(unit, run, why, delay=due - unit.now)
        return None

    def _stop(self, unit: UnitOfWork, run: Run, steps: Mapping[str, StepRun]) -> None:
        done = sum(step.state is StepState.SUCCEEDED for step in steps.values())
        stays = " What was done stays as it is." if done else ""
        outcome = f"{run.outcome} after {done} of {len(steps)} steps.{stays}"
        self._moves.move(unit, run, RunEvent.CANCELLED, outcome=outcome)

    # -- undo -----------------------------------------------------------------------------

    def _fail(self, unit: UnitOfWork, run: Run, task: Task, reason: str) -> Task | Pause | None:
        outcome = f"{task.step.title}: {reason}"
        steps = {step.name: step for step in unit.steps.of(run.id)}
        for each in steps.values():
            if each.state is StepState.PENDING:
                self._save(unit, each, state=StepState.SKIPPED)
        if not _to_undo(task.workflow, steps):
            self._moves.move(unit, run, RunEvent.BROKEN, outcome=outcome)
            return None
        back = self._moves.move(
            unit, run, RunEvent.STEP_FAILED, outcome=outcome, generation=run.generation + 1
        )
        return self._next_undo(unit, back, task.workflow, steps)

    def _next_undo(
        self, unit: UnitOfWork, run: Run, workflow: Workflow, steps: Mapping[str, StepRun]
    ) -> Task | None:
        for step in _to_undo(workflow, steps):
            was = steps[step.name]
            begun = self._save(unit, was, undo_attempt=was.undo_attempt + 1)
            return _task(
                run, workflow, step, begun, steps, is_undo=True, was_begun=was.undo_attempt > 0
            )
        again = [
            f"{change.target} has {change.what} {change.before} again"
            for planned in (run.plan.steps if run.plan else ())
            if planned.plan and steps[planned.step].state is StepState.COMPENSATED
            for change in planned.plan.changes
        ]
        outcome = " ".join(f"{sentence.rstrip('.')}." for sentence in (run.outcome, *again))
        self._moves.move(unit, run, RunEvent.UNDONE, outcome=outcome)
        return None

    def _undone(
        self, unit: UnitOfWork, run: Run, task: Task, step: StepRun, outcome: Outcome
    ) -> Task | Pause | None:
        match outcome:
            case Done():
                self._save(unit, step, state=StepState.COMPENSATED)
                self._moves.audit(
                    unit,
                    run,
                    "step.compensated",
                    data={"step": step.name, "idempotency_key": task.key},
                )
                self._moves.show(unit, run)
                return self.next(unit, run)
            case Retry(_, after):
                return Pause(run_id=run.id, until=unit.now + min(after, LONGEST_NAP))
            case Fail(reason):
                self._save(unit, step, detail=f"could not be undone: {reason}")
                words = f"{run.outcome} {task.step.title} could not be undone: {reason}"
                self._moves.move(unit, run, RunEvent.UNDO_FAILED, outcome=words)
                return None

    # -- small things ---------------------------------------------------------------------

    def _save(self, unit: UnitOfWork, step: StepRun, **changes: Any) -> StepRun:
        saved = replace(step, **changes)
        if saved.state in {StepState.SUCCEEDED, StepState.FAILED} and saved.finished_at is None:
            saved = replace(saved, finished_at=unit.now)
        unit.steps.save(saved)
        return saved

    def _finished(self, unit: UnitOfWork, run: Run, task: Task, outcome: str, reason: str) -> None:
        data = {"step": task.step.name, "uses": task.step.uses, "attempt": task.attempt}
        self._moves.audit(unit, run, "step.finished", outcome=outcome, reason=reason, data=data)


def _trace(*, may_have_happened: bool) -> Mapping[str, Any] | None:
    """The output of a step that did not succeed: an empty one where it may be undone."""
    return {} if may_have_happened else None


def _to_undo(workflow: Workflow, steps: Mapping[str, StepRun]) -> list[Step]:
    """What is to be undone, the last thing done first: what has, or may have, an output."""
    done = [
        step
        for step in workflow.steps
        if step.undo is not None
        and steps[step.name].state in {StepState.SUCCEEDED, StepState.FAILED}
        and steps[step.name].output is not None
    ]
    return done[::-1]


def _task(
    run: Run,
    workflow: Workflow,
    step: Step,
    state: StepRun,
    steps: Mapping[str, StepRun],
    *,
    is_undo: bool = False,
    was_begun: bool = False,
    in_doubt: bool = False,
) -> Task:
    return Task(
        run=run,
        workflow=workflow,
        step=step,
        attempt=state.undo_attempt if is_undo else state.attempt,
        key=idempotency_key(run.id, step.name, run.generation),
        outputs={
            name: dict(each.output) for name, each in steps.items() if each.output is not None
        },
        is_undo=is_undo,
        was_begun=was_begun,
        in_doubt=in_doubt,
    )
