"""A run's plan and its gate: what workers find out before anything may start."""

from dataclasses import replace
from datetime import datetime

from domain.approval import Gate, GateState
from domain.notice import NoticeKind
from domain.plan import Plan
from domain.policy import GateKind
from domain.ports import Ids
from domain.run import Run, RunEvent, RunState
from storage.unit import UnitOfWork
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves

_GATES = {
    GateKind.NONE: RunEvent.PLANNED_FREE,
    GateKind.CONFIRM: RunEvent.PLANNED_CONFIRM,
    GateKind.APPROVAL: RunEvent.PLANNED_APPROVAL,
}


class Plans:
    """The transitions from planning to the queue, and of gates whose time is over."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._moves = Moves(queue)
        self._ids = ids

    def to_plan(self, unit: UnitOfWork, run_id: str, rev: int) -> Run | None:
        """The run, if its plan of that revision is still to be made."""
        run = unit.runs.get(run_id)
        is_due = run is not None and run.state is RunState.PLANNING and run.rev == rev
        return run if is_due else None

    def planned(self, unit: UnitOfWork, run_id: str, rev: int, plan: Plan) -> None:
        """Take *plan* for the run, and open the gate that its rule asks for."""
        run = unit.runs.lock(run_id)
        if run.state is not RunState.PLANNING or run.rev != rev:
            return
        rule = run.gate_rule
        self._moves.audit(
            unit,
            run,
            "plan.created",
            data={
                "workflow": run.workflow,
                "rev": rev,
                "plan_digest": plan.digest,
                "gate": rule.kind.value,
                "changes": [
                    {"target": c.target, "what": c.what, "before": c.before, "after": c.after}
                    for c in plan.changes
                ],
            },
        )
        event = _GATES[rule.kind]
        if rule.kind is GateKind.NONE:
            queued = self._moves.move(
                unit, run, event, plan=plan, lock=plan.lock, queued_at=unit.now, outcome=""
            )
            self._moves.carry_out_later(unit, queued, "start")
            return
        gate = Gate(
            id=self._ids.uuid(),
            run_id=run.id,
            rev=rev,
            plan_digest=plan.digest,
            rule=rule,
            state=GateState.OPEN,
            opened_at=unit.now,
            expires_at=unit.now + rule.expires,
            escalates_at=None if rule.calls_after is None else unit.now + rule.calls_after,
        )
        unit.gates.insert(gate)
        self._moves.expire_later(unit, gate)
        self._moves.escalate_later(unit, gate)
        self._moves.audit(
            unit,
            run,
            "approval.requested",
            by=run.requester,
            data={
                "gate_id": gate.id,
                "rev": rev,
                "plan_digest": plan.digest,
                "kind": rule.kind.value,
                "count": rule.count,
                "group": rule.group,
                "expires_in": rule.expires.total_seconds(),
                "escalate": rule.escalate,
            },
        )
        # What has drifted stays on the card: it is why earlier votes do not count.
        self._moves.move(unit, run, event, plan=plan, lock=plan.lock)

    def not_planned(self, unit: UnitOfWork, run_id: str, rev: int, why: str) -> None:
        """End the run: what it would do cannot be said."""
        run = unit.runs.lock(run_id)
        if run.state is RunState.PLANNING and run.rev == rev:
            self._moves.move(unit, run, RunEvent.PLAN_FAILED, outcome=why)

    def ring(self, unit: UnitOfWork, gate_id: str) -> None:
        """Do what is due at the gate: close it, or call the second group.

        An alarm that comes early is set again; one that comes late, or twice, does no harm.
        """
        found = unit.gates.get(gate_id)
        if found is None:
            return
        run = unit.runs.lock(found.run_id)
        gate = unit.gates.get(gate_id)
        if gate is None or gate.state is not GateState.OPEN:
            return
        if unit.now >= gate.expires_at:
            self._moves.expire(unit, run, gate)
        elif _is_to_escalate(gate, unit.now):
            self._escalate(unit, run, gate)
        else:
            again = f"again-{unit.now.timestamp()}"
            self._moves.expire_later(unit, gate, why=f"expiry-{again}")
            if gate.escalated_at is None:
                self._moves.escalate_later(unit, gate, why=f"escalation-{again}")

    def _escalate(self, unit: UnitOfWork, run: Run, gate: Gate) -> None:
        """Call the second group. Who may vote stays as it is."""
        group = gate.rule.escalate
        unit.gates.save(replace(gate, escalated_at=unit.now))
        facts = {
            "gate_id": gate.id,
            "rev": gate.rev,
            "approvals": gate.approvals,
            "needed": max(gate.rule.count, 1),
            "group": group,
        }
        self._moves.audit(unit, run, "approval.escalated", data=facts)
        self._moves.tell(unit, run, NoticeKind.ESCALATED, group=group)
        self._moves.show(unit, run)


def _is_to_escalate(gate: Gate, now: datetime) -> bool:
    return gate.escalates_at is not None and gate.escalated_at is None and now >= gate.escalates_at
