"""`cancel <id>`: stop a run."""

from bot.command import Context, Work, command
from domain.command import Effect, Invocation, Reply, RunCard
from domain.errors import Bug
from domain.field import Field, FieldType
from domain.run import RunState
from storage.unit import UnitOfWork


@command(
    "cancel <id>",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(Field(name="id", type=FieldType.RUN, description="The run's id"),),
)
async def cancel(invocation: Invocation, context: Context) -> Work:
    """Stop a run: at once while it waits, else after the step under way."""
    run, installation = context.run, context.installation
    if run is None:
        raise Bug("`cancel` was carried out without a run.")

    def cancelled(unit: UnitOfWork) -> Reply:
        after = installation.lifecycle.cancel(unit, run.id, actor=invocation.actor)
        is_over = after.state is RunState.CANCELLED
        note = f"You cancelled run {run.id}."
        stops = f"Run {run.id} stops after the step under way."
        return RunCard(run.id, note=note if is_over else stops)

    return cancelled
