"""`confirm <id>`: the requester has seen the plan and says yes."""

from bot.command import Context, Work, command
from bot.voting import RUN, or_standing, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.policy import GateKind
from storage.unit import UnitOfWork


@command(
    "confirm <id>",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN,),
    decides_at=GateKind.CONFIRM,
)
async def confirm(invocation: Invocation, context: Context) -> Work:
    """Let a run of yours go on, once you have seen its plan."""
    run, lifecycle = run_in_question(context), context.installation.lifecycle

    def confirmed(unit: UnitOfWork) -> Reply:
        lifecycle.confirm(unit, run.id, actor=invocation.actor, gate_id=context.gate_id)
        return RunCard(run.id, note=f"You confirmed run {run.id}; it goes on.")

    return or_standing(confirmed, context, GateKind.CONFIRM)
