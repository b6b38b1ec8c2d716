"""`pause <id>`: have a run stand still between two steps."""

from bot.command import Context, Work, command
from bot.voting import REASON, RUN, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.run import RunState
from storage.unit import UnitOfWork


@command(
    'pause <id> [--reason "…"]',
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN, REASON),
    makes_sense_in=(RunState.RUNNING,),
)
async def pause(invocation: Invocation, context: Context) -> Work:
    """Have a run stand still once the steps under way have ended; `resume` has it go on."""
    run, lifecycle = run_in_question(context), context.installation.lifecycle
    reason = invocation.arguments.get(REASON.name, "")

    def paused(unit: UnitOfWork) -> Reply:
        lifecycle.pause(unit, run.id, actor=invocation.actor, reason=reason)
        return RunCard(run.id, note=f"Run {run.id} stands still after the steps under way.")

    return paused
