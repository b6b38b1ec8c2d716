"""`withdraw <id>`: take back one's word at a run's gate."""

from bot.command import Context, Work, command
from bot.voting import RUN, or_standing, run_in_question, where
from domain.command import Effect, Invocation, Reply, RunCard
from domain.policy import GateKind
from storage.unit import UnitOfWork


@command(
    "withdraw <id>",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN,),
    decides_at=GateKind.APPROVAL,
)
async def withdraw(invocation: Invocation, context: Context) -> Work:
    """Take back your approval while a run still waits for others; you may vote again."""
    run, lifecycle = run_in_question(context), context.installation.lifecycle
    elsewhere = where(run) if invocation.conversation.id != run.conversation.id else ""

    def withdrawn(unit: UnitOfWork) -> Reply:
        gate_id = lifecycle.open_gate(unit, run.id, context.gate_id).id
        lifecycle.withdraw(unit, run.id, voter=invocation.actor, gate_id=gate_id)
        gate = unit.gates.get(gate_id)
        count = f": {gate.approvals} of {max(gate.rule.count, 1)}" if gate else ""
        note = f"You took back your approval of run {run.id}{count}.{elsewhere}"
        return RunCard(run.id, note=note)

    return or_standing(withdrawn, context, GateKind.APPROVAL)
