"""`resume <id>`: have a paused run go on."""

from bot.command import Context, Work, command
from bot.voting import RUN, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.run import RunState
from storage.unit import UnitOfWork


@command(
    "resume <id>",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN,),
    makes_sense_in=(RunState.PAUSED, RunState.RUNNING),
)
async def resume(invocation: Invocation, context: Context) -> Work:
    """Have a paused run go on where it stands still."""
    run, lifecycle = run_in_question(context), context.installation.lifecycle

    def resumed(unit: UnitOfWork) -> Reply:
        lifecycle.resume(unit, run.id, actor=invocation.actor)
        return RunCard(run.id, note=f"Run {run.id} goes on.")

    return resumed
