"""`skip <id> <step>`: leave a step out of a run."""

from dataclasses import replace

from bot.command import Context, Work, command
from bot.voting import REASON, RUN, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.field import Field
from domain.run import RunState
from storage.unit import UnitOfWork

_WHY = replace(REASON, required=True, description="Why it can be left out")


@command(
    'skip <id> <step> [--reason "…"]',
    group="Decisions",
    effect=Effect.WRITE,
    fields=(RUN, Field(name="step", description="The step's name, such as settle"), _WHY),
    makes_sense_in=(RunState.RUNNING, RunState.PAUSED),
)
async def skip(invocation: Invocation, context: Context) -> Work:
    """Leave a step out of a run that has not begun it, or waits in it; say why."""
    run, lifecycle = run_in_question(context), context.installation.lifecycle
    step, reason = invocation.arguments["step"], invocation.arguments[_WHY.name]

    def skipped(unit: UnitOfWork) -> Reply:
        lifecycle.skip(unit, run.id, step, actor=invocation.actor, reason=reason)
        return RunCard(run.id, note=f"You left {step} out of run {run.id}.")

    return skipped
