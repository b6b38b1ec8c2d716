"""Gates inside a run: a step that waits for people, and what their word does to it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domain.actor import Actor
from domain.approval import Gate, GateEvent, GateState
from domain.notice import NoticeKind
from domain.plan import Node
from domain.policy import GateKind, GateRule
from domain.ports import Ids
from domain.run import Run
from domain.step import StepEvent, StepRun, StepState, advance_step
from storage.unit import UnitOfWork
from workflows.engine.moves import Moves
from workflows.parts import Approve


class StepGates:
    """The transitions of steps that wait for people."""

    def __init__(self, moves: Moves, ids: Ids) -> None:
        self._moves = moves
        self._ids = ids

    def open(self, unit: UnitOfWork, run: Run, node: Node, asked: Approve) -> Gate:
        """Ask people whether the run may go on behind *node*."""
        rule = GateRule(
            kind=GateKind.APPROVAL,
            count=asked.count,
            group=asked.by,
            expires=asked.expires,
            escalate=asked.escalate,
        )
        gate = Gate(
            id=self._ids.uuid(),
            run_id=run.id,
            rev=run.rev,
            plan_digest=run.plan.digest if run.plan else "",
            rule=rule,
            state=GateState.OPEN,
            opened_at=unit.now,
            expires_at=unit.now + rule.expires,
            escalates_at=None if rule.calls_after is None else unit.now + rule.calls_after,
            step=node.name,
        )
        unit.gates.insert(gate)
        self._moves.expire_later(unit, gate)
        self._moves.escalate_later(unit, gate)
        facts = {"gate_id": gate.id, "step": node.name, "count": rule.count, "group": rule.group}
        self._moves.audit(unit, run, "approval.requested", by=run.requester, data=facts)
        self._moves.tell(unit, run, NoticeKind.ASKED, reason=node.title, group=rule.group)
        return gate

    def passed(self, unit: UnitOfWork, run: Run, gate: Gate, by: Sequence[str]) -> Run:
        """Let the run go on behind *gate*, which those called *by* have approved."""
        output = {"approved_by": list(by)}
        return self._settle(
            unit, run, gate, StepEvent.DONE, output=output, detail=f"approved by {', '.join(by)}"
        )

    def refused(self, unit: UnitOfWork, run: Run, gate: Gate, why: str) -> Run:
        """Fail the step that waits at *gate*: people, or time, said no."""
        return self._settle(unit, run, gate, StepEvent.FAILED, detail=why)

    def skip(self, unit: UnitOfWork, run: Run, step: StepRun, by: Actor, why: str) -> Run:
        """Leave *step* out of the run."""
        self.cancel(unit, run, step.name)
        detail = f"skipped by {by.name}" + (f": {why}" if why else "")
        self._save(unit, step, StepEvent.SKIPPED, detail=detail, due_at=None)
        facts = {"step": step.name}
        self._moves.audit(unit, run, "step.skipped", by=by, reason=why, data=facts)
        return self._moves.wake(unit, run, f"skip-{step.name}")

    def cancel(self, unit: UnitOfWork, run: Run, step: str) -> None:
        """Ask nobody any more on behalf of *step*."""
        for gate in unit.gates.open_in(run.id):
            if gate.step == step:
                self._moves.close_gate(unit, gate, GateEvent.CANCELLED)

    def _settle(
        self, unit: UnitOfWork, run: Run, gate: Gate, event: StepEvent, **changes: Any
    ) -> Run:
        steps = unit.steps.of(run.id)
        step = next(each for each in steps if each.name == gate.step)
        if step.state is not StepState.WAITING:
            return run
        settled = self._save(unit, step, event, finished_at=unit.now, **changes)
        outcome = "ok" if event is StepEvent.DONE else "failed"
        facts = {"step": step.name, "attempt": step.attempt}
        self._moves.audit(
            unit, run, "step.finished", outcome=outcome, reason=settled.detail, data=facts
        )
        if event is StepEvent.FAILED:
            run = self._moves.blame(unit, run, settled)
        return self._moves.wake(unit, run, f"gate-{gate.id}")

    def _save(self, unit: UnitOfWork, step: StepRun, event: StepEvent, **changes: Any) -> StepRun:
        saved = replace(step, state=advance_step(step.state, event), **changes)
        unit.steps.save(saved)
        return saved
