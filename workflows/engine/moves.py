"""One move of a run: the new state, its audit events, its card, and the work that follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.actor import Actor, system_actor
from domain.approval import Gate, GateEvent, GateState, advance_gate
from domain.audit import Event
from domain.lock import Hold, Line
from domain.notice import Notice, NoticeKind
from domain.run import Run, RunEvent, RunState, advance
from domain.step import StepEvent, StepRun, StepState, advance_step
from storage.unit import UnitOfWork
from workflows.engine import lines
from workflows.engine.durable import Kind, Queue

HOLD = "hold/"
"""What an alarm's subject begins with that is for a person's lock; others are for gates."""

_FAILURES = {RunState.FAILED, RunState.ROLLED_BACK, RunState.ROLLBACK_FAILED}
_TOLD = {RunState.SUCCEEDED, *_FAILURES}
"""Ends that nobody decided on. A decision is told with who made it, and why."""

_SHOWN_ANEW = 25
"""How many cards tell at once that their line has moved; who stands behind them can wait."""


class Moves:
    """What every transition does besides its own subject, inside the caller's transaction."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def move(
        self,
        unit: UnitOfWork,
        run: Run,
        event: RunEvent,
        *,
        by: Actor | None = None,
        **changes: Any,
    ) -> Run:
        """*run* after *event*, saved, with *changes* to its other fields.

        A run that is queued stands in line for what it needs; one that ends lets go of all
        that it has, and wakes the next ones that wait for it.

        Raises:
            IllegalTransition: *event* cannot happen to it.
        """
        moved = replace(run, state=advance(run.state, event), **changes)
        if moved.state.is_final:
            moved = replace(moved, finished_at=unit.now, carrier=None)
        unit.runs.save(moved)
        if moved.state is RunState.QUEUED and run.state is not RunState.QUEUED:
            self._let_have(unit, lines.line_up(unit, moved), f"after-{run.id}-{run.rev}")
        if moved.state.is_final:
            self._end(unit, moved, by)
        self.show(unit, moved)
        return moved

    def show(self, unit: UnitOfWork, run: Run) -> None:
        """Have the run's card shown as it is now."""
        unit.cards.touch(run.id, run.conversation)

    def tell(
        self,
        unit: UnitOfWork,
        run: Run,
        kind: NoticeKind,
        *,
        by: Sequence[str] = (),
        reason: str = "",
        group: str = "",
        to: tuple[str, str] | None = None,
    ) -> None:
        """Have the requester told, once; or the members of *group*, or *to*: object id, name."""
        notice = Notice(kind=kind, run_id=run.id, by=tuple(by), reason=reason, group=group, to=to)
        unit.outbox.put(run.conversation, notice)

    def audit(
        self,
        unit: UnitOfWork,
        run: Run,
        type: str,  # noqa: A002 - CloudEvents' own word
        *,
        by: Actor | None = None,
        outcome: str = "ok",
        reason: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Record that something happened to *run*; *by* is None for Signalbox itself."""
        unit.audit.append(
            Event(
                type=type,
                actor=by or system_actor(run.requester.tenant),
                subject=f"run/{run.id}",
                outcome=outcome,
                reason=reason,
                run_id=run.id,
                conversation_id=run.conversation.id,
                data=data or {},
            )
        )

    def close_gate(self, unit: UnitOfWork, gate: Gate | None, event: GateEvent) -> None:
        """End *gate*, if it is open, with *event*."""
        if gate is not None and gate.state is GateState.OPEN:
            unit.gates.save(replace(gate, state=advance_gate(gate.state, event)))

    def blame(self, unit: UnitOfWork, run: Run, step: StepRun) -> Run:
        """*run*, saying that *step* failed; the first failure is what people are to know."""
        if run.outcome:
            return run
        told = replace(run, outcome=f"{step.title}: {step.detail}")
        unit.runs.save(told)
        return told

    def wake(self, unit: UnitOfWork, run: Run, why: str) -> Run:
        """*run*, looked at by a worker soon: something was done to it from outside.

        Whoever carries it out hears its bell; where nobody does, somebody is called.
        """
        rung = replace(run, bell=run.bell + 1)
        unit.runs.save(rung)
        if run.carrier is None:
            self.carry_out_later(unit, rung, f"{why}-{rung.bell}")
        self.show(unit, rung)
        return rung

    def expire(self, unit: UnitOfWork, run: Run, gate: Gate) -> Run:
        """End *run*: nobody has decided at *gate*, which is open, and its time is over."""
        self.close_gate(unit, gate, GateEvent.EXPIRED)
        facts = {"gate_id": gate.id, "rev": gate.rev, "approvals": gate.approvals}
        self.audit(unit, run, "approval.expired", outcome="denied", data=facts)
        self.tell(unit, run, NoticeKind.EXPIRED)
        return self.move(unit, run, RunEvent.EXPIRED)

    def plan_later(self, unit: UnitOfWork, run: Run) -> None:
        """Have a worker plan the run."""
        self._put(unit, Kind.PLAN, f"{run.id}/{run.rev}/plan", run.id, str(run.rev))

    def carry_out_later(
        self, unit: UnitOfWork, run: Run, why: str, *, delay: timedelta | None = None
    ) -> None:
        """Have a worker go on with the run; *why* keeps one cause from doing so twice."""
        self._put(unit, Kind.STRETCH, f"{run.id}/{run.rev}/{why}", run.id, delay=delay)

    def expire_later(self, unit: UnitOfWork, gate: Gate, *, why: str = "expiry") -> None:
        """Have a worker look at the gate when its time is over."""
        delay = gate.expires_at - unit.now
        self._put(unit, Kind.TIMER, f"{gate.id}/{why}", gate.id, delay=delay)

    def escalate_later(self, unit: UnitOfWork, gate: Gate, *, why: str = "escalation") -> None:
        """Have a worker look at the gate when a second group is to be called, if one is."""
        if gate.escalates_at is not None:
            delay = gate.escalates_at - unit.now
            self._put(unit, Kind.TIMER, f"{gate.id}/{why}", gate.id, delay=delay)

    def end_hold_later(self, unit: UnitOfWork, hold: Hold, *, again: str = "") -> None:
        """Have a worker look at the hold when its time is over."""
        work_id = f"{HOLD}{hold.name}/{hold.since.timestamp()}{again}"
        delay = hold.until - unit.now
        self._put(unit, Kind.TIMER, work_id, f"{HOLD}{hold.name}", delay=delay)

    def let_go(self, unit: UnitOfWork, run: Run, why: str) -> None:
        """Have *run* hold nothing and wait for nothing; whose turn it is now is woken."""
        self._let_have(unit, lines.step_out(unit, run), why)

    def let_next(self, unit: UnitOfWork, lock: str, why: str) -> None:
        """Wake those whose turn it is to have *lock*; the cards of who waits are shown anew."""
        line = unit.locks.line(lock)
        for each in line.waiting[:_SHOWN_ANEW]:
            if (run := unit.runs.get(each.run_id)) is not None:
                self.show(unit, run)
        self.wake_next(unit, line, why)

    def wake_next(self, unit: UnitOfWork, line: Line, why: str) -> None:
        """Have those go on whose turn it is in *line*; *why* as for `carry_out_later`."""
        for run_id in line.next:
            if (run := unit.runs.get(run_id)) is not None:
                self.carry_out_later(unit, run, why)

    def _end(self, unit: UnitOfWork, run: Run, by: Actor | None) -> None:
        if run.state is RunState.CANCELLED:
            self.audit(unit, run, "run.cancelled", by=by, reason=run.outcome)
        elif run.started_at is not None or run.state is RunState.FAILED:
            outcome = "failed" if run.state in _FAILURES else "ok"
            data = {"state": run.state.value, "rev": run.rev}
            self.audit(unit, run, "run.finished", outcome=outcome, reason=run.outcome, data=data)
        if run.state in _TOLD or (
            run.state is RunState.CANCELLED and run.cancelled_by != run.requester.id
        ):
            self.tell(unit, run, NoticeKind.ENDED)
        self._end_steps(unit, run)
        # It may have been woken and not have come so far: then its turn passes on.
        self.let_go(unit, run, f"after-{run.id}")

    def _let_have(self, unit: UnitOfWork, names: Iterable[str], why: str) -> None:
        for name in names:
            self.let_next(unit, name, why)

    def _end_steps(self, unit: UnitOfWork, run: Run) -> None:
        """Leave nothing open in *run*, which has ended."""
        left_over = StepEvent.CANCELLED if run.state is RunState.CANCELLED else StepEvent.SKIPPED
        steps = unit.steps.of(run.id)
        if any(step.state is StepState.WAITING for step in steps):
            for gate in unit.gates.open_in(run.id):
                self.close_gate(unit, gate, GateEvent.CANCELLED)
        for step in steps:
            if step.state is StepState.RUNNING:  # a mistake of ours: it may have happened
                state = advance_step(step.state, StepEvent.FAILED)
                unit.steps.save(replace(step, state=state, finished_at=unit.now))
            elif not step.state.is_settled:
                unit.steps.save(replace(step, state=advance_step(step.state, left_over)))

    def _put(
        self,
        unit: UnitOfWork,
        kind: Kind,
        work_id: str,
        *args: str,
        delay: timedelta | None = None,
    ) -> None:
        self._queue.enqueue(unit.connection, kind, work_id, *args, delay=delay)
