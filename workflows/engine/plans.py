"""A run's plan and its gate: what workers find out before anything may start."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.approval import Gate, GateEvent, GateState
from domain.notice import NoticeKind
from domain.plan import Node, Plan
from domain.policy import GateKind, GateRule
from domain.ports import Ids
from domain.run import Run, RunEvent, RunState
from domain.step import StepRun, StepState
from storage.unit import UnitOfWork
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves
from workflows.engine.step_gates import StepGates
from workflows.unfolded import Unfolded

_GATES = {
    GateKind.NONE: RunEvent.PLANNED_FREE,
    GateKind.CONFIRM: RunEvent.PLANNED_CONFIRM,
    GateKind.APPROVAL: RunEvent.PLANNED_APPROVAL,
}


class Plans:
    """The transitions from planning to the queue, and of gates whose time is over."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._moves = Moves(queue)
        self._gates = StepGates(self._moves, ids)
        self._ids = ids

    def to_plan(
        self, unit: UnitOfWork, run_id: str, rev: int
    ) -> tuple[Run, Mapping[str, Mapping[str, Any]]] | None:
        """The run, if its plan of that revision is still to be made, and `results` of it."""
        run = unit.runs.get(run_id)
        if run is None or run.state is not RunState.PLANNING or run.rev != rev:
            return None
        return run, self.results(unit, run)

    def planned(self, unit: UnitOfWork, run_id: str, rev: int, plan: Plan, rule: GateRule) -> None:
        """Take *plan* for the run, and open the gate that *rule* asks for."""
        run = unit.runs.lock(run_id)
        if run.state is not RunState.PLANNING or run.rev != rev:
            return
        if why := self._other_items(unit, run, plan):
            self._moves.move(unit, run, RunEvent.PLAN_FAILED, outcome=why)
            return
        run = replace(run, gate_rule=rule)
        self._moves.audit(
            unit,
            run,
            "plan.created",
            data={
                "workflow": run.workflow,
                "rev": rev,
                "plan_digest": plan.digest,
                "policy_digest": run.policy_digest,
                "gate": rule.kind.value,
                "changes": [
                    {"target": c.target, "what": c.what, "before": c.before, "after": c.after}
                    for c in plan.changes
                ],
            },
        )
        unit.steps.replace(run.id, step_runs(run, plan, self._results(unit, run)))
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

    def results(self, unit: UnitOfWork, run: Run) -> dict[str, Mapping[str, Any]]:
        """What the nodes of *run* have given in the run that it goes on from, if it does."""
        return {name: step.output or {} for name, step in self._results(unit, run).items()}

    def _results(self, unit: UnitOfWork, run: Run) -> Mapping[str, StepRun]:
        if run.repeats is None:
            return {}
        earlier = unit.runs.get(run.repeats)
        if earlier is None:
            return {}
        unfolded = Unfolded.of(earlier)
        # What people have said was said of that run's plan: they are asked again.
        steps = {step.name: step for step in unit.steps.of(earlier.id)}
        stands = {
            name
            for name, step in steps.items()
            if step.state in {StepState.SUCCEEDED, StepState.SKIPPED} and not step.stuck
        }
        again = to_repeat(unfolded.nodes, run.repeats_from, stands)
        again |= unfolded.gates | unfolded.always
        return {
            name: step
            for name, step in steps.items()
            if step.state is StepState.SUCCEEDED and name not in again
        }

    def _other_items(self, unit: UnitOfWork, run: Run, plan: Plan) -> str:
        """Why what was done before cannot be kept for *plan*; empty where it can."""
        earlier = unit.runs.get(run.repeats) if run.repeats is not None else None
        known = Unfolded.of(earlier).by_name if earlier is not None else {}
        for node in plan.nodes:
            was = known.get(node.name)
            if node.done_in and (
                was is None or (was.of, was.item, was.inputs) != (node.of, node.item, node.inputs)
            ):
                return f"{node.title} was done for something else in run {node.done_in}: ask anew."
        return ""

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
        if unit.now >= gate.expires_at and gate.step:
            self._moves.close_gate(unit, gate, GateEvent.EXPIRED)
            facts = {"gate_id": gate.id, "step": gate.step, "approvals": gate.approvals}
            self._moves.audit(unit, run, "approval.expired", outcome="denied", data=facts)
            self._gates.refused(unit, run, gate, "nobody decided in time")
        elif unit.now >= gate.expires_at:
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


def step_runs(run: Run, plan: Plan, results: Mapping[str, StepRun]) -> list[StepRun]:
    """A step run for each node of *plan*; those that have *results* are done."""
    made = []
    for position, node in enumerate(plan.nodes):
        step = StepRun(run_id=run.id, name=node.name, title=node.title, position=position)
        if node.done_in:
            done = results[node.name]
            step = replace(
                step,
                state=StepState.SUCCEEDED,
                started_at=done.started_at,
                finished_at=done.finished_at,
                output=done.output,
                detail=f"done in run {node.done_in}",
            )
        made.append(step)
    return made


def to_repeat(nodes: Sequence[Node], first: str, stands: Collection[str]) -> frozenset[str]:
    """The nodes that are done again where a run goes on from *first*, and what needs them.

    They are those of *first*, and those of which nothing *stands*: what was found before is not
    what would be found now.
    """
    again: set[str] = set()
    for node in nodes:
        is_first = bool(first) and node.belongs_to(first)
        if is_first or node.name not in stands or again & set(node.needs):
            again.add(node.name)
    return frozenset(again)
