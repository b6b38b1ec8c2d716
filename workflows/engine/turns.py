"""Whose turn it is: a run's lock, the last look before it starts, and who carries it out.

A lock is taken by the run that has waited longest. Before anything is done the plan is made once
more: where the world has drifted, the run goes back to planning. And each voter is looked up once
more: where votes do not count any more, the gate opens again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.actor import ObjectId
from domain.approval import Gate, GateEvent, GateState, advance_gate, tally
from domain.notice import NoticeKind
from domain.plan import Plan
from domain.policy import GateKind
from domain.run import Run, RunEvent, RunState
from storage.unit import UnitOfWork
from workflows.engine import halts, holds, lines
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves
from workflows.engine.progress import Progress
from workflows.engine.tasks import Task, Turn

_MOST_PLANS = 10
"""A world that changes with every look can be deployed to by nobody."""

UNVERIFIED_PAUSE = timedelta(seconds=30)
"""How long a run waits for a directory that did not answer, before it is asked again."""

_GIVEN_UP = {
    RunState.PLANNING: RunEvent.PLAN_FAILED,
    RunState.QUEUED: RunEvent.PLAN_FAILED,
    RunState.RUNNING: RunEvent.BROKEN,
    RunState.ROLLING_BACK: RunEvent.UNDO_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A run that has its lock and may start, if its plan still holds."""

    run: Run
    gate: Gate | None = None  #: with the votes that let it go on; None where it took none


class Turns:
    """The transitions between the queue and the first step, and of who carries a run out."""

    def __init__(self, queue: Queue, progress: Progress) -> None:
        self._moves = Moves(queue)
        self._progress = progress

    def take_turn(
        self,
        unit: UnitOfWork,
        run_id: str,
        carrier: str,
        *,
        begins: bool = False,
        going: Collection[Task] = (),
    ) -> Admission | Turn | None:
        """What *carrier* is to do for the run now; None: nothing, or not its turn.

        One that *begins* takes over from whoever carried out the same piece of work before it.
        *going* is what the carrier has under way.
        """
        run = unit.runs.lock(run_id)
        match run.state:
            case RunState.QUEUED:
                return self._take_lock(unit, run)
            case RunState.RUNNING | RunState.ROLLING_BACK if _may_carry(
                run.carrier, carrier, begins=begins
            ):
                run = replace(run, carrier=carrier)
                unit.runs.save(run)
                return self._progress.next(unit, run, going)
            case _:
                return None

    def admit(
        self,
        unit: UnitOfWork,
        admission: Admission,
        plan: Plan,
        drift: str,
        carrier: str,
        *,
        objections: Mapping[ObjectId, str] | None = None,
    ) -> Turn | None:
        """Start the run; or send it back to planning or to its gate, where either has drifted.

        *plan* is the plan as it would be made now, *drift* what differs, in words. *objections*
        are the reasons against votes, by voter; None where no vote was looked at.
        """
        run = unit.runs.lock(admission.run.id)
        if run.state is RunState.RUNNING and run.carrier == carrier:
            return self._progress.next(unit, run)  # it was admitted, and the answer was lost
        if run.state is not RunState.QUEUED or run.rev != admission.run.rev:
            return None
        if run.plan is None or plan.digest != run.plan.digest:
            self._drift(unit, run, plan, drift)
            return None
        if admission.gate is not None and (
            objections is None or self._void(unit, run, admission.gate, objections)
        ):
            return None
        started = self._moves.move(
            unit, run, RunEvent.ADMITTED, carrier=carrier, started_at=unit.now, outcome=""
        )
        self._moves.audit(
            unit, run, "run.started", data={"rev": run.rev, "plan_digest": plan.digest}
        )
        return self._progress.next(unit, started)

    def not_admitted(self, unit: UnitOfWork, admission: Admission, why: str) -> None:
        """End the run: whether its plan still holds cannot be said."""
        run = unit.runs.lock(admission.run.id)
        if run.state is RunState.QUEUED and run.rev == admission.run.rev:
            self._moves.move(unit, run, RunEvent.PLAN_FAILED, outcome=why)

    def unverified(self, unit: UnitOfWork, admission: Admission, why: str) -> None:
        """Have the run wait, and the votes be looked at again: nobody can say whether they count.

        It keeps its lock: it is the next to start, and not before it is known that it may.
        """
        run = unit.runs.lock(admission.run.id)
        if run.state is not RunState.QUEUED or run.rev != admission.run.rev:
            return
        if run.outcome != why:
            run = replace(run, outcome=why)
            unit.runs.save(run)
            self._moves.show(unit, run)
        again = f"unverified-{unit.now.timestamp()}"
        self._moves.carry_out_later(unit, run, again, delay=UNVERIFIED_PAUSE)

    def _take_lock(self, unit: UnitOfWork, run: Run) -> Admission | None:
        gate = None
        if run.gate_rule.kind is GateKind.APPROVAL:
            gate = unit.gates.latest(run.id)
        if halts.in_force(unit) is not None:
            self._moves.show(unit, run)
            return None  # whoever lifts it wakes the run again
        taken = lines.take(unit, run)
        if taken is not None:
            for name in taken:
                self._moves.audit(unit, run, "lock.acquired", data={"lock": name})
            return Admission(run=run, gate=gate)
        self._moves.show(unit, run)
        for line in unit.locks.lines_of(run.id):  # whose turn it is may never have been woken
            self._moves.wake_next(unit, line, f"before-{run.id}")
        return None

    def _drift(self, unit: UnitOfWork, run: Run, plan: Plan, drift: str) -> None:
        gate = unit.gates.latest(run.id)
        if gate is not None:
            state = advance_gate(gate.state, GateEvent.SUPERSEDED)
            unit.gates.save(replace(gate, state=state))
        self._moves.audit(
            unit,
            run,
            "plan.drifted",
            reason=drift,
            data={
                "rev": run.rev,
                "plan_digest": run.plan.digest if run.plan else "",
                "now_digest": plan.digest,
            },
        )
        if run.rev >= _MOST_PLANS:
            why = (
                f"The plan was made {run.rev} times, and each time the world had changed: {drift}"
            )
            self._moves.move(unit, run, RunEvent.PLAN_FAILED, outcome=why)
            return
        again = self._moves.move(
            unit, run, RunEvent.DRIFTED, rev=run.rev + 1, queued_at=None, outcome=drift
        )
        self._moves.plan_later(unit, again)
        if run.gate_rule.kind is GateKind.NONE:
            return  # it waits for nobody: it keeps its lock, and is the next to start
        self._moves.tell(unit, run, NoticeKind.REOPENED, reason=drift)
        self._moves.let_go(unit, run, f"after-{run.id}-{run.rev}")

    def _void(
        self, unit: UnitOfWork, run: Run, asked: Gate, objections: Mapping[ObjectId, str]
    ) -> bool:
        """Take away the votes that do not count any more; whether the run is back at its gate.

        It is open until the same moment as before; where that has passed, the run expires.
        """
        gate = unit.gates.latest(run.id)
        if gate is None or (gate.id, gate.votes) != (asked.id, asked.votes):
            return True  # these are other votes: whoever the last one woke looks at them
        voided = [vote for vote in gate.votes if vote.voter in objections]
        for vote in voided:
            unit.gates.remove_vote(gate.id, vote.voter)
            self._moves.audit(
                unit,
                run,
                "approval.vote_voided",
                outcome="denied",
                reason=objections[vote.voter],
                data={
                    "gate_id": gate.id,
                    "rev": gate.rev,
                    "voter": vote.voter,
                    "name": vote.name,
                    "choice": vote.choice.value,
                },
            )
        left = tuple(vote for vote in gate.votes if vote not in voided)
        if tally(gate.rule, left) is GateState.APPROVED:
            return False
        state = advance_gate(gate.state, GateEvent.VOIDED)
        gate = replace(gate, votes=left, state=state, reopened_at=unit.now)
        unit.gates.save(gate)
        why = " ".join(f"{vote.name} {objections[vote.voter]}." for vote in voided)
        back = self._moves.move(unit, run, RunEvent.VOTES_VOIDED, queued_at=None, outcome=why)
        self._moves.let_go(unit, run, f"after-{run.id}-{unit.now.timestamp()}")
        if unit.now >= gate.expires_at:
            self._moves.expire(unit, back, gate)
        else:
            self._moves.tell(unit, run, NoticeKind.REOPENED, reason=why)
            self._moves.expire_later(unit, gate, why=f"expiry-{unit.now.timestamp()}")
        return True

    def ring(self, unit: UnitOfWork, lock: str) -> None:
        """Do what is due at a person's lock: end it, if its time is over."""
        holds.ring(unit, self._moves, lock)

    def wake(self, unit: UnitOfWork, locks: Iterable[str]) -> None:
        """Wake whose turn it is to have one of *locks*, should nobody have done so."""
        for lock in locks:
            self._moves.let_next(unit, lock, f"swept-{unit.now.timestamp()}")

    def orphaned(self, unit: UnitOfWork, run_id: str, carrier: str) -> bool:
        """Have somebody else go on with the run whose *carrier* is no more; whether it was so."""
        run = unit.runs.lock(run_id)
        if run.carrier != carrier or run.state.is_final:
            return False
        unit.runs.save(replace(run, carrier=None))
        self._moves.carry_out_later(unit, run, f"orphan-{carrier.rpartition('@')[2]}")
        return True

    def give_up(
        self, unit: UnitOfWork, run_id: str, why: str, *, carrier: str = "", rev: int = 0
    ) -> None:
        """End the run where it stands: a mistake of ours keeps it from going on.

        It is for whoever has it to say so: its *carrier*, or who plans that *rev* of it.
        """
        run = unit.runs.lock(run_id)
        is_under_way = run.state in {RunState.RUNNING, RunState.ROLLING_BACK}
        if is_under_way and run.carrier != carrier:
            return
        if run.state is RunState.PLANNING and run.rev != rev:
            return
        if run.state is RunState.QUEUED and not carrier:
            return
        event = _GIVEN_UP.get(run.state)
        if event is not None:
            words = f"{run.outcome} {why}".strip()
            self._moves.move(unit, run, event, outcome=words)


def carrier_of(work_id: str, execution: str) -> str:
    """What a run's carrier is called: one *execution* of a piece of work."""
    return f"{work_id}@{execution}"


def work_of(carrier: str) -> str:
    """The id of the piece of work that *carrier* is an execution of."""
    return carrier.partition("@")[0]


def _may_carry(carrier: str | None, asks: str, *, begins: bool) -> bool:
    """Whether the one that *asks* may carry out the run of *carrier*."""
    if not begins:
        return carrier == asks
    return carrier is None or work_of(carrier) == work_of(asks)
