"""What people do to runs: ask for one, decide at its gate, stop it. Each is one transition.

Every function works inside the caller's transaction: state, audit, the card's next version and
the work that follows commit together or not at all. None of them does anything but that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.actor import Actor, Person
from domain.approval import (
    Choice,
    Gate,
    GateClosed,
    GateEvent,
    GateState,
    HandOver,
    Vote,
    admit_hand_over,
    admit_vote,
    cast_vote,
    check_comment,
    tally,
)
from domain.conversation import Conversation
from domain.errors import BadArguments, NotNow, NotPermitted
from domain.notice import NoticeKind
from domain.policy import GateKind, GateRule
from domain.ports import Ids
from domain.run import Run, RunEvent, RunId, RunState
from domain.step import StepRun, StepState
from storage.unit import UnitOfWork
from workflows.definition import Workflow, comment_rule
from workflows.engine.durable import Queue
from workflows.engine.moves import Moves
from workflows.engine.step_gates import StepGates
from workflows.planning import plain_nodes
from workflows.unfolded import Unfolded

_AT_ONCE = frozenset(
    {
        RunState.PLANNING,
        RunState.AWAITING_CONFIRMATION,
        RunState.AWAITING_APPROVAL,
        RunState.QUEUED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run as it is asked for: permitted, its inputs bound and checked."""

    workflow: Workflow
    inputs: Mapping[str, str]
    reason: str
    requester: Actor
    conversation: Conversation
    reply_to: str  #: the activity that the card answers
    gate_rule: GateRule
    policy_digest: str = ""  #: of the policy that permitted it
    repeats: Run | None = None  #: a run that has ended, whose results it goes on from
    repeats_from: str = ""  #: the step that is done again; empty: those that were not done


class Lifecycle:
    """The transitions that people cause."""

    def __init__(self, queue: Queue, ids: Ids) -> None:
        self._moves = Moves(queue)
        self._gates = StepGates(self._moves, ids)
        self._ids = ids

    def request(self, unit: UnitOfWork, asked: RunRequest) -> Run:
        """Make a run in `planning`; a worker plans it."""
        workflow = asked.workflow
        run = Run(
            id=RunId(self._ids.run_id()),
            workflow=workflow.name,
            title=workflow.title,
            definition=workflow.pinned,
            inputs=asked.inputs,
            reason=asked.reason,
            requester=asked.requester,
            conversation=asked.conversation,
            gate_rule=asked.gate_rule,
            state=RunState.PLANNING,
            rev=1,
            generation=1,
            created_at=unit.now,
            policy_digest=asked.policy_digest,
            repeats=asked.repeats.id if asked.repeats else None,
            repeats_from=asked.repeats_from,
        )
        unit.runs.insert(run)
        unit.steps.insert(
            [
                StepRun(run_id=run.id, name=node.name, title=node.title, position=position)
                for position, node in enumerate(plain_nodes(workflow))
            ]
        )
        unit.cards.touch(run.id, asked.conversation, asked.reply_to)
        self._moves.plan_later(unit, run)
        return run

    def vote(
        self,
        unit: UnitOfWork,
        run_id: str,
        *,
        voter: Actor,
        choice: Choice,
        comment: str,
        group_id: str,
        gate_id: str | None = None,
    ) -> Run:
        """Count *voter*'s word at the open gate of the run.

        *group_id* is the object id of the group that the gate's rule names. *gate_id* is the
        gate whose button was pressed; None for a typed command.

        Raises:
            UnknownRun: there is none.
            GateClosed: no gate waits for votes.
            NotNow: it is another one than *gate_id*.
            AlreadyVoted: the same person again.
            NotPermitted: *voter* asked for the run, or is not of the group.
            CommentMissing: the workflow wants to know why.
        """
        run = unit.runs.lock(run_id)
        gate = _open_gate(unit, run, GateKind.APPROVAL, gate_id)
        admit_vote(gate, voter=voter, requester=run.requester.id, group_id=group_id, now=unit.now)
        if (rule := comment_rule(run.definition)) is not None:
            check_comment(rule, choice, comment)
        vote = Vote(voter=voter.id, name=voter.name, choice=choice, comment=comment, at=unit.now)
        unit.gates.add_vote(gate.id, vote)
        gate = replace(gate, votes=(*gate.votes, vote))
        state = tally(gate.rule, gate.votes)
        facts = {**_facts(gate), "choice": choice.value, "comment": comment}
        self._moves.audit(unit, run, "approval.voted", by=voter, data=facts)
        if state is GateState.OPEN:
            self._moves.show(unit, run)
            return run
        if state is GateState.APPROVED:
            return self._approve(unit, run, gate, voter)
        return self._reject(unit, run, gate, voter, comment)

    def _approve(self, unit: UnitOfWork, run: Run, gate: Gate, voter: Actor) -> Run:
        self._moves.close_gate(unit, gate, GateEvent.APPROVED)
        self._moves.audit(unit, run, "approval.granted", by=voter, data=_facts(gate))
        names = [vote.name for vote in gate.votes]
        if gate.step:
            return self._gates.passed(unit, run, gate, names)
        self._moves.tell(unit, run, NoticeKind.APPROVED, by=names)
        return self._release(unit, run, gate, RunEvent.APPROVED, voter)

    def _reject(self, unit: UnitOfWork, run: Run, gate: Gate, voter: Actor, comment: str) -> Run:
        self._moves.close_gate(unit, gate, GateEvent.REJECTED)
        facts = _facts(gate)
        self._moves.audit(unit, run, "approval.rejected", by=voter, reason=comment, data=facts)
        why = f"ejected by {voter.name}" + (f": {comment}" if comment else "")
        if gate.step:
            return self._gates.refused(unit, run, gate, f"r{why}")
        self._moves.tell(unit, run, NoticeKind.REJECTED, by=[voter.name], reason=comment)
        return self._moves.move(unit, run, RunEvent.REJECTED, by=voter, outcome=f"R{why}")

    def open_gate(self, unit: UnitOfWork, run_id: str, gate_id: str | None = None) -> Gate:
        """The gate at which people vote on the run now, be it in a step of it.

        *gate_id* is the gate whose button was pressed; None for a typed command.

        Raises:
            UnknownRun, GateClosed, NotNow: as `vote`.
        """
        return _open_gate(unit, unit.runs.lock(run_id), GateKind.APPROVAL, gate_id)

    def withdraw(
        self, unit: UnitOfWork, run_id: str, *, voter: Actor, gate_id: str | None = None
    ) -> Run:
        """Take back *voter*'s word while the gate is open; who has done so may vote again.

        Raises:
            UnknownRun, GateClosed, NotNow: as `vote`.
            NothingToWithdraw: *voter* has not voted.
        """
        run = unit.runs.lock(run_id)
        gate = _open_gate(unit, run, GateKind.APPROVAL, gate_id)
        vote = cast_vote(gate, voter, unit.now)
        unit.gates.remove_vote(gate.id, voter.id)
        left = replace(gate, votes=tuple(each for each in gate.votes if each != vote))
        facts = {**_facts(left), "choice": vote.choice.value}
        self._moves.audit(unit, run, "approval.withdrawn", by=voter, data=facts)
        self._moves.show(unit, run)
        return run

    def hand_over(
        self,
        unit: UnitOfWork,
        run_id: str,
        *,
        by: Actor,
        to: Person,
        note: str,
        group_id: str,
        gate_id: str | None = None,
    ) -> Run:
        """Have *to* called to decide in the place of *by*, whose own right to decide stays.

        Raises:
            UnknownRun, GateClosed, NotNow, AlreadyVoted, NotPermitted: as `vote`, for *by*.
            BadArguments: *to* could not decide either.
        """
        run = unit.runs.lock(run_id)
        gate = _open_gate(unit, run, GateKind.APPROVAL, gate_id)
        admit_hand_over(
            gate, by=by, to=to, requester=run.requester.id, group_id=group_id, now=unit.now
        )
        handed = HandOver(by=by.name, to=to.name, note=note, at=unit.now)
        unit.gates.save(replace(gate, handed_over=(*gate.handed_over, handed)))
        facts = {**_facts(gate), "to": to.id, "to_name": to.name, "comment": note}
        self._moves.audit(unit, run, "approval.handed_over", by=by, reason=note, data=facts)
        self._moves.tell(
            unit,
            run,
            NoticeKind.HANDED_OVER,
            by=[by.name],
            reason=note,
            to=(to.id, to.name),
        )
        self._moves.show(unit, run)
        return run

    def confirm(
        self, unit: UnitOfWork, run_id: str, *, actor: Actor, gate_id: str | None = None
    ) -> Run:
        """Let the run go on: its requester has seen the plan and says yes.

        Raises:
            UnknownRun, NotNow: as `vote`.
            NotPermitted: *actor* is not the requester.
        """
        run = unit.runs.lock(run_id)
        gate = _open_gate(unit, run, GateKind.CONFIRM, gate_id)
        if actor.id != run.requester.id:
            raise NotPermitted(
                f"{actor.name} may not confirm this run.",
                hint=f"That is for {run.requester.name}, who asked for it.",
                reason="not_requester",
            )
        if unit.now >= gate.expires_at:
            raise GateClosed("The time for confirming this is over.")
        self._moves.close_gate(unit, gate, GateEvent.APPROVED)
        self._moves.audit(unit, run, "approval.granted", by=actor, data=_facts(gate))
        return self._release(unit, run, gate, RunEvent.CONFIRMED, actor)

    def cancel(
        self, unit: UnitOfWork, run_id: str, *, actor: Actor, takes_back: bool = False
    ) -> Run:
        """Stop the run: at once while it waits to start, else after the steps under way.

        With *takes_back*, what was done is undone. Who may is the policy's to say.

        Raises:
            UnknownRun: there is none.
            NotNow: it has ended already, or is being stopped.
        """
        run = unit.runs.lock(run_id)
        if run.state.is_final:
            raise NotNow(f"Run {run.id} has ended already: {_end_in_words(run)}.")
        if run.state is RunState.ROLLING_BACK:
            raise NotNow(f"Run {run.id} is rolling back already.")
        if run.cancelled_by is not None:
            raise NotNow(f"Run {run.id} is being stopped already: {run.outcome}.")
        outcome = f"Cancelled by {actor.name}"
        if run.state in _AT_ONCE:
            self._moves.close_gate(unit, unit.gates.latest(run.id), GateEvent.CANCELLED)
            return self._moves.move(
                unit, run, RunEvent.CANCELLED, by=actor, cancelled_by=actor.id, outcome=outcome
            )
        self._moves.audit(
            unit, run, "run.cancelled", by=actor, outcome="requested", data={"undo": takes_back}
        )
        stopping = replace(
            run, cancelled_by=actor.id, takes_back=takes_back, outcome=outcome, paused_by=None
        )
        if run.state is RunState.PAUSED:
            stopping = self._moves.move(unit, stopping, RunEvent.RESUMED, by=actor)
        return self._moves.wake(unit, stopping, "cancel")

    def pause(self, unit: UnitOfWork, run_id: str, *, actor: Actor, reason: str = "") -> Run:
        """Have the run stand still: nothing more begins once the steps under way have ended.

        Raises:
            UnknownRun: there is none.
            NotNow: it is not running, or stands still already.
        """
        run = unit.runs.lock(run_id)
        if run.state is not RunState.RUNNING or run.cancelled_by is not None:
            raise NotNow(f"Run {run.id} cannot be paused: it is {_state_in_words(run)}.")
        if run.paused_by is not None:
            raise NotNow(f"Run {run.id} is being paused already.")
        self._moves.audit(unit, run, "run.paused", by=actor, outcome="requested", reason=reason)
        return self._moves.wake(unit, replace(run, paused_by=actor.id), "pause")

    def resume(self, unit: UnitOfWork, run_id: str, *, actor: Actor) -> Run:
        """Have the run go on where it stands still.

        Raises:
            UnknownRun: there is none.
            NotNow: it does not stand still.
        """
        run = unit.runs.lock(run_id)
        if run.paused_by is None:
            raise NotNow(f"Run {run.id} is not paused: it is {_state_in_words(run)}.")
        going = replace(run, paused_by=None)
        if run.state is RunState.PAUSED:
            going = self._moves.move(unit, going, RunEvent.RESUMED, by=actor)
        self._moves.audit(unit, run, "run.resumed", by=actor)
        return self._moves.wake(unit, going, "resume")

    def skip(self, unit: UnitOfWork, run_id: str, step: str, *, actor: Actor, reason: str) -> Run:
        """Leave a step out that has not begun, or waits. What needs it may begin then.

        Raises:
            UnknownRun: there is none.
            NotNow: the run does not run, or the step is under way or over.
            BadArguments: there is no such step.
            NotPermitted: it waits for people, whose word nobody else can do without.
        """
        run = unit.runs.lock(run_id)
        if run.state not in {RunState.RUNNING, RunState.PAUSED} or run.cancelled_by is not None:
            raise NotNow(f"Nothing can be skipped in run {run.id}: it is {_state_in_words(run)}.")
        steps = {each.name: each for each in unit.steps.of(run.id)}
        if step not in steps:
            listed = ", ".join(name for name, each in steps.items() if not each.state.is_settled)
            raise BadArguments(f"Run {run.id} has no step {step}.", hint=f"Open are {listed}.")
        if step in Unfolded.of(run).gates:
            raise NotPermitted(
                f"{steps[step].title} is for others to decide: it cannot be skipped.",
                hint=f"They can `approve` or `reject` it; `cancel {run.id}` stops the run.",
                reason="gate",
            )
        if steps[step].state not in {StepState.PENDING, StepState.WAITING}:
            state = steps[step].state.value
            raise NotNow(f"{steps[step].title} cannot be skipped: it is {state}.")
        if steps[step].output is not None:
            raise NotNow(
                f"{steps[step].title} cannot be skipped: it may have been done already.",
                hint=f"`cancel {run.id} --undo yes` takes back what was done.",
            )
        return self._gates.skip(unit, run, steps[step], actor, reason)

    def _release(self, unit: UnitOfWork, run: Run, gate: Gate, event: RunEvent, by: Actor) -> Run:
        """Let the run through *gate*: from here on it stands in the queue of its lock."""
        queued = self._moves.move(unit, run, event, by=by, queued_at=unit.now, outcome="")
        # The same plan may be let through twice: then it is started twice, not once.
        again = f"-{gate.reopened_at.timestamp()}" if gate.reopened_at is not None else ""
        self._moves.carry_out_later(unit, queued, f"start{again}")
        return queued


def _open_gate(unit: UnitOfWork, run: Run, kind: GateKind, gate_id: str | None) -> Gate:
    if run.state in {RunState.RUNNING, RunState.PAUSED} and kind is GateKind.APPROVAL:
        inside = unit.gates.open_in(run.id)
        if chosen := [each for each in inside if gate_id in {None, each.id}]:
            return chosen[0]
    gate = unit.gates.latest(run.id)
    if gate_id is not None and (gate is None or gate.id != gate_id):
        raise NotNow("This button belongs to an earlier plan.", hint="Look at the plan again.")
    if gate is None or gate.rule.kind is not kind or not run.state.is_waiting_for_people:
        what = "approval" if kind is GateKind.APPROVAL else "confirmation"
        raise GateClosed(f"Run {run.id} waits for no {what}: it is {_state_in_words(run)}.")
    return gate


def _state_in_words(run: Run) -> str:
    return "being stopped" if run.cancelled_by is not None else run.state.value.replace("_", " ")


def _end_in_words(run: Run) -> str:
    """What became of *run*; of a decision, whose it was."""
    if run.state in {RunState.CANCELLED, RunState.REJECTED} and run.outcome:
        return f"{run.outcome[:1].lower()}{run.outcome[1:]}".rstrip(".")
    return run.state.value.replace("_", " ")


def _facts(gate: Gate) -> dict[str, Any]:
    return {
        "gate_id": gate.id,
        "rev": gate.rev,
        "plan_digest": gate.plan_digest,
        "approvals": gate.approvals,
        "needed": max(gate.rule.count, 1),
        **({"step": gate.step} if gate.step else {}),
    }
