"""A vote, be it yes or no, from a command that carries it to the engine."""

from bot.command import Context, Work
from domain.approval import Choice, Gate
from domain.command import Invocation, Reply, RunCard
from domain.errors import Bug
from domain.field import Field, FieldType
from domain.run import Run, RunState
from storage.unit import UnitOfWork

FIELDS = (
    Field(name="id", type=FieldType.RUN, description="The run's id"),
    Field(name="comment", required=False, flag_only=True, description="Why"),
)
"""What a vote takes."""


def vote(invocation: Invocation, context: Context, choice: Choice) -> Work:
    """Say *choice* at the gate of the run in question."""
    run, installation = context.run, context.installation
    if run is None:
        raise Bug("A vote was carried out without a run.")
    group_id = installation.authorizer.group_id(run.gate_rule.group)

    def cast(unit: UnitOfWork) -> Reply:
        after = installation.lifecycle.vote(
            unit,
            run.id,
            voter=invocation.actor,
            choice=choice,
            comment=invocation.arguments.get("comment", ""),
            group_id=group_id,
            gate_id=context.gate_id,
        )
        return RunCard(run.id, note=_note(after, choice, unit.gates.latest(run.id)))

    return cast


def _note(run: Run, choice: Choice, gate: Gate | None) -> str:
    if choice is Choice.REJECT:
        return f"You rejected run {run.id}."
    count = f": {gate.approvals} of {max(gate.rule.count, 1)}" if gate else ""
    goes_on = "" if run.state is RunState.AWAITING_APPROVAL else "; it goes on"
    return f"You approved run {run.id}{count}{goes_on}."
