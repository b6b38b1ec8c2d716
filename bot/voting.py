"""A vote, be it yes or no, from a command that carries it to the engine."""

from bot.command import Context, Work
from bot.run_views import view
from cards.run_words import standing
from domain.approval import Choice, Gate, GateClosed, GateState
from domain.command import Invocation, Reply, RunCard
from domain.errors import Bug, NotNow
from domain.field import Field, FieldType
from domain.policy import GateKind
from domain.run import Run
from storage.unit import UnitOfWork

RUN = Field(name="id", type=FieldType.RUN, description="The run's id")
COMMENT = Field(name="comment", required=False, description="Why")
REASON = Field(name="reason", required=False, flag_only=True, description="Why, as --comment")
"""A card has two fields for words where one button insists on them: their ids differ."""


def vote(invocation: Invocation, context: Context, choice: Choice) -> Work:
    """Say *choice* at the gate of the run in question."""
    run, installation = run_in_question(context), context.installation
    said = (invocation.arguments.get(each.name, "") for each in (REASON, COMMENT))
    comment = " ".join(dict.fromkeys(filter(None, said)))
    elsewhere = invocation.conversation.id != run.conversation.id

    def cast(unit: UnitOfWork) -> Reply:
        gate = installation.lifecycle.open_gate(unit, run.id, context.gate_id)
        after = installation.lifecycle.vote(
            unit,
            run.id,
            voter=invocation.actor,
            choice=choice,
            comment=comment,
            group_id=installation.authorizer.group_id(gate.rule.group),
            gate_id=gate.id,
        )
        note = _note(after, choice, unit.gates.get(gate.id))
        return RunCard(run.id, note=f"{note}{where(run)}" if elsewhere else note)

    return or_standing(cast, context, GateKind.APPROVAL)


def or_standing(work: Work, context: Context, asked: GateKind) -> Work:
    """*work*; but where it comes too late for a gate of that kind, what was decided before.

    Raises:
        NotNow: it came too late; by whom, and when it was decided.
    """
    run, zone = run_in_question(context), context.installation.zone

    def decide(unit: UnitOfWork) -> Reply:
        try:
            return work(unit)
        except GateClosed as closed:
            now = unit.runs.lock(run.id)
            raise NotNow(standing(view(unit, now, zone), asked)) from closed

    return decide


def where(run: Run) -> str:
    """Where the card of *run* is, for who decides from another conversation."""
    return f" Its card is in the conversation where {run.requester.name} asked for it."


def run_in_question(context: Context) -> Run:
    """The run that a decision is about.

    Raises:
        Bug: there is none.
    """
    if context.run is None:
        raise Bug("A decision was carried out without a run.")
    return context.run


def _note(run: Run, choice: Choice, gate: Gate | None) -> str:
    if choice is Choice.REJECT:
        return f"You rejected run {run.id}."
    count = f": {gate.approvals} of {max(gate.rule.count, 1)}" if gate else ""
    goes_on = "" if gate is not None and gate.state is GateState.OPEN else "; it goes on"
    return f"You approved run {run.id}{count}{goes_on}."
