"""`cancel <id>`: stop a run."""

from bot.command import Context, Work, command
from bot.voting import RUN, run_in_question
from domain.command import Effect, Invocation, Reply, RunCard
from domain.field import Field, FieldType
from domain.run import RunState
from storage.unit import UnitOfWork


@command(
    "cancel <id> [--undo yes]",
    group="Decisions",
    effect=Effect.WRITE,
    fields=(
        RUN,
        Field(
            name="undo",
            type=FieldType.BOOLEAN,
            required=False,
            flag_only=True,
            description="Whether to take back what was done",
        ),
    ),
    makes_sense_in=tuple(state for state in RunState if not state.is_final),
)
async def cancel(invocation: Invocation, context: Context) -> Work:
    """Stop a run: at once while it waits to start, else after the steps under way."""
    run, installation = run_in_question(context), context.installation
    takes_back = invocation.arguments.get("undo") == "true"

    def cancelled(unit: UnitOfWork) -> Reply:
        after = installation.lifecycle.cancel(
            unit, run.id, actor=invocation.actor, takes_back=takes_back
        )
        is_over = after.state is RunState.CANCELLED
        note = f"You cancelled run {run.id}."
        undone = ", and what was done is undone" if takes_back else ""
        stops = f"Run {run.id} stops after the steps under way{undone}."
        return RunCard(run.id, note=note if is_over else stops)

    return cancelled
