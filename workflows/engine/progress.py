"""A run step after step, to its end: what workers find out, each thing one transition.

A step's end and the beginning of those that it makes ready are one transaction. Whoever carries a
run out is known by the run's `carrier`, and every attempt has a number: what comes late, from a
process that was taken for dead or from work enqueued twice, meets another carrier or number and
is dropped. Each transition may come twice, for the answer of a commit can be lost: what was put
down is not put down again, and what is next is said once more. What is next: `frontier`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.notice import NoticeKind
from domain.plan import Node, Role
from domain.ports import Ids
from domain.run import Run, RunEvent, RunState
from domain.step import (
    Done,
    Fail,
    Later,
    NotYet,
    Outcome,
    Retry,
    StepEvent,
    StepState,
    idempotency_key,
)
from storage.unit import UnitOfWork
from workflows.definition import Step
from workflows.engine import halts
from workflows.engine.durable import Queue
from workflows.engine.frontier import frontier
from workflows.engine.moves import Moves
from workflows.engine.scene import Scene
from workflows.engine.step_gates import StepGates
from workflows.engine.tasks import Task, Turn
from workflows.expressions import ExpressionFault, evaluate, holds
from workflows.parts import Approve

LONGEST_NAP = timedelta(seconds=5)
"""A longer pause ends the stretch: the run is a row then, and an alarm wakes it."""


_FORWARD = 1
"""The generation of all that is done; that of the run counts on when things are undone."""

_MOST_LOST = 5
"""So many deaths of its process are not held against a step; after that it may be their cause."""


class Progress:
    """The transitions of a run that was admitted."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._moves = Moves(queue)
        self._gates = StepGates(self._moves, ids)

    def record(
        self, unit: UnitOfWork, task: Task, outcome: Outcome, going: Collection[Task] = ()
    ) -> Turn | None:
        """Take what came of *task*; what is next comes back, None where the stretch ends.

        *going* are the tasks that the carrier has under way besides.
        """
        run = unit.runs.lock(task.run.id)
        scene = Scene.of(unit, run)
        step = scene.steps[task.node.name]
        number = step.undo_attempt if task.is_undo else step.attempt
        is_put_off = isinstance(outcome, Later) and number == task.attempt - 1
        is_put_off |= isinstance(outcome, NotYet) and number == 0 and not task.is_undo
        if run.carrier != task.run.carrier or not (number == task.attempt or is_put_off):
            return None  # somebody else has taken over
        is_open = step.state is not StepState.COMPENSATED and not step.stuck
        if not is_put_off and (is_open if task.is_undo else step.state is StepState.RUNNING):
            if task.is_undo:
                self._record_undo(scene, task, outcome)
            else:
                self._record(scene, task, outcome)
            self._moves.show(unit, run)
        # else: it was put down, and the answer was lost
        return self._next(scene, going)

    def next(self, unit: UnitOfWork, run: Run, going: Collection[Task] = ()) -> Turn | None:
        """Begin what is to be done next; None where nothing is, and *going* is nothing."""
        return self._next(Scene.of(unit, run), going)

    def _next(self, scene: Scene, going: Collection[Task]) -> Turn | None:
        is_held = halts.in_force(scene.unit) is not None
        tasks: list[Task] = []
        while True:
            names = {each.node.name for each in (*going, *tasks)}
            look = frontier(
                scene.graph,
                scene.run,
                scene.steps,
                now=scene.unit.now,
                going=names,
                is_held=is_held,
            )
            if look.is_empty:
                break
            for node in look.lapsed:
                self._lapse(scene, node)
            begun = [self._begin(scene, node) for node in look.ready]
            if look.undo is not None:
                begun.append(self._begin_undo(scene, look.undo))
            tasks += [task for task in begun if task is not None]
            if look.event is not None:
                self._happen(scene, look.event)
        run, until = scene.run, look.until
        if run.state.is_final or run.state is RunState.PAUSED:
            return None
        if tasks or going or (until is not None and until - scene.unit.now <= LONGEST_NAP):
            return Turn(
                run_id=run.id,
                tasks=tuple(tasks),
                until=until,
                bell=run.bell,
                is_stopping=run.cancelled_by is not None,
            )
        self._park(scene, until)
        return None

    def _park(self, scene: Scene, until: datetime | None) -> None:
        """End the stretch: the run is a row until *until*, or until somebody does something."""
        run, unit = scene.run, scene.unit
        unit.runs.save(replace(run, carrier=None))
        if until is not None:
            why = f"due-{until.timestamp()}-{unit.now.timestamp()}"
            self._moves.carry_out_later(unit, run, why, delay=until - unit.now)

    # -- steps ----------------------------------------------------------------------------

    def _begin(self, scene: Scene, node: Node) -> Task | None:
        """Begin, or go on with, the step of *node*; None where nothing is left for a carrier."""
        was, step = scene.steps[node.name], scene.unfolded.step(node)
        try:
            if was.state is StepState.PENDING and self._is_out(scene, node, step):
                self._moves.show(scene.unit, scene.run)
                return None
            if (wait := _wait(node, step)) is not None:
                self._wait(scene, node, wait)
            elif (approve := _approve(node, step)) is not None:
                scene.save(node.name, StepEvent.PAUSED, attempt=1, started_at=scene.unit.now)
                self._audit(scene, "step.started", node)
                self._gates.open(scene.unit, scene.run, node, approve)
            elif step.notify is not None:
                message = evaluate(step.notify.message, scene.scope(node))
                self._moves.tell(
                    scene.unit,
                    scene.run,
                    NoticeKind.TOLD,
                    reason=str(message),
                    group=step.notify.to,
                )
                scene.save(node.name, attempt=1, started_at=scene.unit.now)
                self._done(scene, node, {})
            else:
                return self._attempt(scene, node, step)
        except ExpressionFault as fault:  # that it may have been done before is not forgotten
            self._failed(scene, node, fault.words, output=scene.steps[node.name].output)
        self._moves.show(scene.unit, scene.run)
        return None

    def _is_out(self, scene: Scene, node: Node, step: Step) -> bool:
        """Whether the step is skipped: as it was planned, or as its condition says now."""
        why = node.skipped
        if not why and step.condition is not None and node.role is Role.STEP:
            if holds(step.condition, scene.scope(node)):
                return False
            why = "its condition does not hold"
        if not why:
            return False
        scene.save(node.name, StepEvent.SKIPPED, detail=why)
        self._audit(scene, "step.finished", node, outcome="skipped", reason=why)
        return True

    def _attempt(self, scene: Scene, node: Node, step: Step) -> Task:
        was, run = scene.steps[node.name], scene.run
        is_last = node.name in scene.graph.always
        is_settling = was.state is StepState.RUNNING and not is_last and _is_stopping(scene)
        is_lost = was.state is StepState.RUNNING and was.lost < _MOST_LOST
        begun = scene.save(
            node.name,
            StepEvent.BEGUN,
            attempt=was.attempt + 1,
            lost=was.lost + is_lost,
            started_at=was.started_at or scene.unit.now,
            due_at=None,
        )
        task = Task(
            run=run,
            node=node,
            step=step,
            attempt=begun.attempt,
            tries=begun.attempt - begun.lost,
            key=idempotency_key(run.id, node.name, _FORWARD),
            scope=scene.scope(node),
            is_settling=is_settling,
            was_begun=was.attempt > 0,
            in_doubt=was.state is StepState.RUNNING or was.output is not None,
        )
        data = {"attempt": begun.attempt, "idempotency_key": task.key}
        self._audit(scene, "step.retried" if was.attempt else "step.started", node, data=data)
        self._moves.show(scene.unit, run)
        return task

    def _wait(self, scene: Scene, node: Node, wait: timedelta) -> None:
        """Its due time is stored when a wait begins, so a restart adds nothing."""
        if scene.steps[node.name].state is StepState.WAITING:  # and its time has come
            self._done(scene, node, {})
            return
        due = scene.unit.now + wait
        scene.save(node.name, StepEvent.PAUSED, attempt=1, started_at=scene.unit.now, due_at=due)
        self._audit(scene, "step.started", node)

    def _record(self, scene: Scene, task: Task, outcome: Outcome) -> None:
        name, unit = task.node.name, scene.unit
        match outcome:
            case Done(output, detail):
                self._done(scene, task.node, output, detail)
            case NotYet(detail) if task.step.until is not None:
                begun = scene.steps[name].started_at or unit.now
                over = begun + task.step.until.timeout
                if unit.now >= over:
                    self._failed(scene, task.node, f"{detail} It was waited for long enough.")
                else:
                    due = min(unit.now + task.step.until.every, over)
                    scene.save(
                        name, StepEvent.PAUSED, due_at=due, detail=detail, attempt=0, lost=0
                    )
            case Later(reason, after):  # as if it had not begun
                scene.save(
                    name,
                    StepEvent.PAUSED,
                    due_at=unit.now + after,
                    detail=reason,
                    attempt=task.attempt - 1,
                    output=_trace(may_have_happened=task.in_doubt),
                )
            case Retry(reason, after, may_have_happened) if not task.is_settling:
                scene.save(
                    name,
                    StepEvent.PAUSED,
                    due_at=unit.now + after,
                    detail=reason,
                    output=_trace(may_have_happened=may_have_happened),
                )
            case Retry(reason, _, may_have_happened) | Fail(reason, may_have_happened):
                trace = _trace(may_have_happened=may_have_happened)
                if task.is_settling:
                    scene.save(name, StepEvent.CANCELLED, detail=reason, output=trace)
                    self._audit(
                        scene, "step.finished", task.node, outcome="cancelled", reason=reason
                    )
                else:
                    self._failed(scene, task.node, reason, output=trace)
            case NotYet(detail):
                self._failed(scene, task.node, detail)

    def _done(self, scene: Scene, node: Node, output: Mapping[str, Any], detail: str = "") -> None:
        changes: dict[str, Any] = {"output": dict(output), "detail": detail, "due_at": None}
        scene.save(node.name, StepEvent.DONE, **changes)
        self._audit(scene, "step.finished", node, reason=detail)

    def _failed(
        self,
        scene: Scene,
        node: Node,
        reason: str,
        *,
        output: Mapping[str, Any] | None = None,
    ) -> None:
        failed = scene.save(node.name, StepEvent.FAILED, detail=reason, output=output, due_at=None)
        self._audit(scene, "step.finished", node, outcome="failed", reason=reason)
        scene.run = self._moves.blame(scene.unit, scene.run, failed)

    def _lapse(self, scene: Scene, node: Node) -> None:
        """A step that will not be done any more."""
        is_waiting = scene.steps[node.name].state is StepState.WAITING
        if is_waiting:
            self._gates.cancel(scene.unit, scene.run, node.name)
        is_cancelled = is_waiting or scene.run.cancelled_by is not None
        event = StepEvent.CANCELLED if is_cancelled else StepEvent.SKIPPED
        scene.save(node.name, event, due_at=None)

    # -- undo -----------------------------------------------------------------------------

    def _begin_undo(self, scene: Scene, node: Node) -> Task | None:
        was, run = scene.steps[node.name], scene.run
        try:
            scope = scene.scope(node)
        except ExpressionFault as fault:
            self._stuck(scene, node, fault.words)
            return None
        begun = scene.save(node.name, undo_attempt=was.undo_attempt + 1, due_at=None)
        return Task(
            run=run,
            node=node,
            step=scene.unfolded.step(node),
            attempt=begun.undo_attempt,
            tries=begun.undo_attempt,
            key=idempotency_key(run.id, node.name, run.generation),
            scope=scope,
            is_undo=True,
            was_begun=was.undo_attempt > 0,
        )

    def _record_undo(self, scene: Scene, task: Task, outcome: Outcome) -> None:
        match outcome:
            case Done():
                scene.save(task.node.name, StepEvent.UNDONE)
                data = {"idempotency_key": task.key}
                self._audit(scene, "step.compensated", task.node, data=data)
            case Later(_, after):
                due = scene.unit.now + after
                scene.save(task.node.name, undo_attempt=task.attempt - 1, due_at=due)
            case Retry(_, after):
                scene.save(task.node.name, due_at=scene.unit.now + min(after, LONGEST_NAP))
            case Fail(reason):
                self._stuck(scene, task.node, reason)
            case NotYet(detail):
                self._stuck(scene, task.node, detail)

    def _stuck(self, scene: Scene, node: Node, reason: str) -> None:
        words = f"could not be undone: {reason}"
        scene.save(node.name, detail=words, stuck=reason)
        self._audit(scene, "step.compensated", node, outcome="failed", reason=reason)
        outcome = f"{scene.run.outcome} {node.title} {words}".strip()
        scene.run = replace(scene.run, outcome=outcome)
        scene.unit.runs.save(scene.run)

    # -- the run as a whole ---------------------------------------------------------------

    def _happen(self, scene: Scene, event: RunEvent) -> None:
        changes: dict[str, Any] = {}
        match event:
            case RunEvent.STEP_FAILED | RunEvent.TAKEN_BACK:
                changes["generation"] = scene.run.generation + 1
            case RunEvent.CANCELLED:
                changes["outcome"] = _stopped_words(scene)
            case RunEvent.UNDONE:
                changes["outcome"] = _undone_words(scene)
            case RunEvent.PAUSED:
                changes["carrier"] = None
            case _:
                pass
        scene.run = self._moves.move(scene.unit, scene.run, event, **changes)
        if event is RunEvent.PAUSED:
            self._moves.audit(scene.unit, scene.run, "run.paused")

    def _audit(
        self,
        scene: Scene,
        kind: str,
        node: Node,
        *,
        outcome: str = "ok",
        reason: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        step = scene.unfolded.step(node)
        uses = step.until.uses if step.until else step.uses
        facts = {
            "step": node.name,
            **({"uses": uses} if uses else {}),
            "attempt": scene.steps[node.name].attempt,
            **(data or {}),
        }
        self._moves.audit(scene.unit, scene.run, kind, outcome=outcome, reason=reason, data=facts)


def _wait(node: Node, step: Step) -> timedelta | None:
    """How long *node* waits; None where it does something else."""
    if node.role is Role.CANARY:
        return step.canary.wait if step.canary else None
    return step.wait


def _approve(node: Node, step: Step) -> Approve | None:
    """Whom *node* waits for; None where it does something else."""
    if node.role is Role.CANARY:
        return step.canary.approve if step.canary else None
    return step.approve


def _is_stopping(scene: Scene) -> bool:
    failed = (s.name for s in scene.steps.values() if s.state is StepState.FAILED)
    return scene.run.cancelled_by is not None or any(
        name not in scene.graph.always for name in failed
    )


def _trace(*, may_have_happened: bool) -> Mapping[str, Any] | None:
    """The output of a step that did not succeed: an empty one where it may be undone."""
    return {} if may_have_happened else None


def _stopped_words(scene: Scene) -> str:
    done = sum(step.state is StepState.SUCCEEDED for step in scene.steps.values())
    stays = " What was done stays as it is." if done else ""
    return f"{scene.run.outcome} after {done} of {len(scene.steps)} steps.{stays}"


def _undone_words(scene: Scene) -> str:
    again = [
        f"{change.target} has {change.what} {change.before} again"
        for planned in (scene.run.plan.steps if scene.run.plan else ())
        if planned.plan and scene.steps[planned.step].state is StepState.COMPENSATED
        for change in planned.plan.changes
    ]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in (scene.run.outcome, *again))
